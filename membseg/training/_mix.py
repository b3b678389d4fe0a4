"""Pairs of patches mixed into new ones: mixup and CutMix, for images and their masks.

What computes here uses operators only, so that arrays of NumPy and of JAX go through the same
lines.
"""

from typing import Any

import numpy as np

#: Steps of a recipe that mix the patches of a batch, in the order in which they are applied.
MIXING_STEPS = ("mixup", "cutmix")

#: mixup: both parameters of the beta distribution of the shares. CutMix: the chance of a pair.
_ALPHA, _CHANCE = 0.2, 0.5


def mix_batch(
    x: np.ndarray, y: np.ndarray, steps: list[str], strength: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Mix patches in pairs: the first with the second, the third with the fourth, and so on.

    Parameters
    ----------
    x : ndarray of shape (n, size, size, channels), float32
        Patches; the last of an odd number stays as it is.
    y : ndarray of shape (n, size, size, 2), float32
        Target and weight.
    steps : list of str
        As from :func:`parse_augmentation`; others than mixup and cutmix are done already.
    strength : float
        Multiplies mixup's alpha of 0.2, and the chance of 1/2 that CutMix changes a pair.
    rng : numpy.random.Generator
        Source of randomness; left alone where nothing is mixed.

    Returns
    -------
    (ndarray, ndarray)
        Both, mixed.

    Notes
    -----
    mixup is the equation of section 2 of its paper [1]_, with a share for each pair. CutMix is
    that of [2]_ (eq. 1 and 2, a share uniform in (0, 1)) with masks in place of classes, as in
    [3]_: the rectangle takes image, target and weight along. In both, the two of a pair exchange
    the same share or rectangle, where the papers mix a batch with a shuffled copy of itself;
    patches are drawn at random, and so no label is lost.

    References
    ----------
    .. [1] H. Zhang, M. Cisse, Y. N. Dauphin and D. Lopez-Paz, "mixup: beyond empirical risk
       minimization", ICLR 2018, arXiv 1710.09412.
    .. [2] S. Yun et al., "CutMix: regularization strategy to train strong classifiers with
       localizable features", ICCV 2019, doi 10.1109/ICCV.2019.00612.
    .. [3] G. French, S. Laine, T. Aila, M. Mackiewicz and G. Finlayson, "Semi-supervised semantic
       segmentation needs strong, varied perturbations", BMVC 2020, arXiv 1906.01916.
    """
    n_pairs = count_pairs(len(x))
    alpha = mixup_alpha(strength)
    if "mixup" in steps and alpha > 0:
        x, y = blend_pairs(x, y, rng.beta(alpha, alpha, n_pairs).astype(np.float32))
    if "cutmix" in steps:
        inside = draw_boxes(rng.random((n_pairs, 4)), len(x), x.shape[1], cutmix_chance(strength))
        x, y = exchange_pairs(x, inside), exchange_pairs(y, inside)
    return x, y


def count_pairs(n: int) -> int:
    """Give the number of pairs of `n` patches; the last may be of one patch with itself."""
    return -(-n // 2)


def mixup_alpha(strength: float) -> float:
    """Give both parameters of the beta distribution of mixup's shares."""
    return _ALPHA * strength


def cutmix_chance(strength: float) -> float:
    """Give the chance that CutMix changes a pair."""
    return min(_CHANCE * strength, 1.0)


def blend_pairs(x: Any, y: Any, shares: Any) -> tuple[Any, Any]:
    """Give each patch a share of itself and the rest of its partner.

    Where one of the two has no label, the other's stays as it is and weighs less.

    Parameters
    ----------
    x : array of shape (n, size, size, channels)
        Patches.
    y : array of shape (n, size, size, 2)
        Target and weight.
    shares : array of shape (n_pairs,), float32
        In [0, 1]; the share that patches keep.

    Returns
    -------
    (array, array)
        ``share * x1 + (1 - share) * x2``; the same mean of weights, and of targets by weight.
    """
    n = len(x)
    share = shares[_pair_of(n)][:, None, None, None]
    x = share * x + (1 - share) * x[_partner_of(n)]
    share = share[..., 0]
    weight = y[..., 1]
    own, other = share * weight, (1 - share) * weight[_partner_of(n)]
    total = own * y[..., 0] + other * y[_partner_of(n)][..., 0]
    weight = own + other
    # 0 where there is no weight.
    target = total / (weight + (weight == 0))
    return x, _last_axis(target, _TARGET) + _last_axis(weight, _WEIGHT)


def exchange_pairs(values: Any, inside: Any) -> Any:
    """Give each patch its partner's values inside a rectangle.

    Parameters
    ----------
    values : array of shape (n, size, size, channels)
        Of each patch.
    inside : array of shape (n, size, size), float32
        1 inside, 0 outside, the same for both of a pair.

    Returns
    -------
    array of shape (n, size, size, channels)
        Exactly the one or the other's.
    """
    inside = inside[..., None]
    return inside * values[_partner_of(len(values))] + (1 - inside) * values


def draw_boxes(draws: Any, n: int, size: int, chance: float) -> Any:
    """Make CutMix's rectangles from random numbers.

    Parameters
    ----------
    draws : array of shape (n_pairs, 4)
        Numbers in [0, 1): whether there is a rectangle, the share of the area outside of it, the
        row and the column of its middle.
    n, size : int
        Number of patches, and their side in pixels.
    chance : float
        Of a rectangle.

    Returns
    -------
    array of shape (n, size, size), float32
        1 inside, 0 outside. A rectangle may reach beyond the patch, and is then cut off.
    """
    there, outside, row, column = draws[_pair_of(n)].T
    half = 0.5 * (1 - outside) ** 0.5 * (there < chance)
    middles = (np.arange(size, dtype=np.float32) + 0.5) / size
    rows, columns = (abs(middles - axis[:, None]) < half[:, None] for axis in (row, column))
    return (rows[:, :, None] & columns[:, None, :]).astype("float32")


#: The two places of the last axis of `y`.
_TARGET, _WEIGHT = np.eye(2, dtype=np.float32)


def _last_axis(values: Any, place: np.ndarray) -> Any:
    return values[..., None] * place


def _pair_of(n: int) -> np.ndarray:
    return np.arange(n) // 2


def _partner_of(n: int) -> np.ndarray:
    """Give the number of each patch's partner; of the last of an odd number, its own."""
    return np.minimum(np.arange(n) ^ 1, n - 1)

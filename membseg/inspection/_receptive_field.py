"""How much of its receptive field a network uses."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.inference._window import read_window
from membseg.inspection._gradients import differentiate
from membseg.inspection._subject import build_network, find_network
from membseg.metrics._checks import check_inside
from membseg.model_selection._stacks import check_count
from membseg.segmenters._prediction import KERAS_LOCK
from membseg.utils import check_images, fit_intensity, make_rng


@dataclass(frozen=True, eq=False)
class ReceptiveField:
    """Where the pixels lie that a logit depends on; from :func:`effective_receptive_field`.

    Attributes
    ----------
    map : ndarray of shape (2 * theoretical_radius + 1, 2 * theoretical_radius + 1), float64
        Mean size of the logit's derivative by pixels around it, which is in the middle; all sum to
        one.
    theoretical_radius : int
        Pixels beyond which the input cannot change the logit, from the network's layers.
    is_exact : bool
        Whether that holds; False where layers look at the whole image, which is left out here.
    n_pixels : int
        Logits that were differentiated.
    """

    map: np.ndarray
    theoretical_radius: int
    is_exact: bool
    n_pixels: int

    def radius(self, share: float = 0.95) -> int:
        """Give the radius of the square around the pixel that holds a share of the influence.

        Parameters
        ----------
        share : float, default=0.95
            Above 0 and below 1.

        Returns
        -------
        int
            Half the side of the square, in pixels.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If `share` is no such number.
        """
        check_inside(share, "share", "a share")
        away = np.abs(np.arange(len(self.map)) - self.theoretical_radius)
        distance = np.maximum.outer(away, away)
        inside = np.cumsum(np.bincount(distance.ravel(), self.map.ravel()))
        return int(np.searchsorted(inside, share * inside[-1]))

    def __str__(self) -> str:
        exact = "" if self.is_exact else " (and layers that see the whole image)"
        return (
            f"half of the influence comes from within {self.radius(0.5)} px, 95 % from within "
            f"{self.radius(0.95)} px, of {self.theoretical_radius} px in theory{exact}"
        )


def effective_receptive_field(
    segmenter: Any, X: Any, *, n_pixels: int = 32, random_state: Any = None
) -> ReceptiveField:
    """Measure from how far around a pixel its logit is influenced.

    Parameters
    ----------
    segmenter : segmenter
        Fitted, around one Keras network, as for :func:`input_gradients`.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images, with the channels seen in fit.
    n_pixels : int, default=32
        Pixels of the images, drawn at random, whose logits are differentiated; 1 or more.
    random_state : int, Generator, RandomState or None, default=None
        Where they come from.

    Returns
    -------
    ReceptiveField
        A map of the influence, its radii and the radius that is possible.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If the segmenter has no network, or `X` or `n_pixels` cannot be used.
    NotFittedError
        Before fit.

    References
    ----------
    Luo, Li, Urtasun and Zemel (2016), "Understanding the Effective Receptive Field in Deep
    Convolutional Neural Networks", NeurIPS, arXiv 1701.04128.

    Examples
    --------
    >>> from membseg import UNetSegmenter, effective_receptive_field, make_membranes
    >>> X, y = make_membranes(1, 32, 32, random_state=0)
    >>> net = UNetSegmenter(depth=1, base_filters=4, max_steps=2, threshold=0.5).fit(X, y)
    >>> field = effective_receptive_field(net, X, n_pixels=4, random_state=0)
    >>> field.radius(0.5) <= field.radius(0.95) <= field.theoretical_radius
    True
    """
    check_count(n_pixels, "n_pixels", least=1, advice="Some thirty give a smooth map.")
    rng = make_rng(random_state)
    inside, seen = find_network(segmenter, X)
    stack = check_images(seen, n_channels=inside.n_channels_in_)
    mode = inside._intensity_norm
    stacked = mode == "stack"
    maps = [inside.intensity_] * len(stack) if stacked else fit_intensity(stack.images, mode)
    network = build_network(inside)

    from membseg.networks import network_reach

    reach = network_reach(network)
    total = np.zeros((2 * reach.radius + 1,) * 2)
    for _ in range(n_pixels):
        i = int(rng.integers(len(stack)))
        row, column = (int(rng.integers(n)) for n in stack.sizes[i])
        total += _influence(network, stack.images[i], maps[i], (row, column), reach)
    return ReceptiveField(
        total / max(total.sum(), np.finfo(float).tiny), reach.radius, reach.is_exact, n_pixels
    )


def _influence(
    network: Any, image: Any, intensity: Any, pixel: tuple[int, int], reach: Any
) -> np.ndarray:
    """Size of the derivative of one logit, by pixels around it."""
    # Windows start where the whole image's poolings do.
    starts = [(place - reach.radius) // reach.factor * reach.factor for place in pixel]
    length = -(-(2 * reach.radius + reach.factor) // reach.factor) * reach.factor
    rows, columns = (slice(start, start + length) for start in starts)
    seen = intensity.apply(read_window(image, rows, columns))[np.newaxis]
    weights = np.zeros((length, length), np.float32)
    row, column = (place - start for place, start in zip(pixel, starts, strict=True))
    weights[row, column] = 1
    with KERAS_LOCK:
        _, gradient = differentiate(network, [seen], weights)
    size = np.abs(gradient[0]).sum(axis=-1, dtype=np.float64)
    size = np.pad(size, reach.radius)[row : row + 2 * reach.radius + 1]
    return size[:, column : column + 2 * reach.radius + 1]

"""Whether explanations are about the network: they must change when its weights do."""

import copy
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from membseg.exceptions import InvalidInputError, MembsegWarning
from membseg.inspection._grad_cam import grad_cam
from membseg.inspection._input_gradients import input_gradients
from membseg.inspection._integrated_gradients import integrated_gradients
from membseg.inspection._regions import check_region
from membseg.inspection._smooth_grad import smooth_grad
from membseg.inspection._subject import build_network, find_network
from membseg.metrics._checks import check_inside
from membseg.model_selection._stacks import check_count
from membseg.utils import check_images, make_rng

_EXPLAINERS: dict[str, Callable[..., Any]] = {
    "input_gradients": input_gradients,
    "integrated_gradients": integrated_gradients,
    "smooth_grad": smooth_grad,
    "grad_cam": grad_cam,
}


@dataclass(frozen=True, eq=False)
class RandomisationResult:
    """How alike explanations stay while weights become random; from :func:`randomisation_check`.

    Attributes
    ----------
    layers : list of tuple of str
        Layers whose weights became random at each stage, from the top; those before stay random.
    spearman : ndarray of shape (n_stages,), float64
        Rank correlation of the sizes of the explanation's values with those of the trained network,
        mean over the images.
    spearman_signed : ndarray of shape (n_stages,), float64
        The same of the values with their signs.
    ssim : ndarray of shape (n_stages,), float64
        Structural similarity of the sizes, mean over the images.
    n_empty : int
        Images whose explanation has one value everywhere at the last stage; these count as no
        agreement, which says less than a map that became another one.
    limit : float
        Largest `spearman` of the last stage with which the check is passed.
    explain : str
        Name of what explains.
    """

    layers: list[tuple[str, ...]]
    spearman: np.ndarray
    spearman_signed: np.ndarray
    ssim: np.ndarray
    n_empty: int
    limit: float
    explain: str

    @property
    def passed(self) -> bool:
        """Whether the explanation depends on the weights."""
        return bool(abs(self.spearman[-1]) < self.limit)

    @property
    def verdict(self) -> str:
        """A sentence about the result."""
        found = (
            f"With all weights random, {self.explain} agrees with that of the trained network by "
            f"{self.spearman[-1]:.2f} (Spearman)"
        )
        if self.n_empty:
            found += f", {self.n_empty} map(s) of one value among it"
        if self.passed:
            return f"{found}: it depends on what the network learnt."
        return f"{found}: it shows the image, not what the network learnt. Do not rely on it."

    def __str__(self) -> str:
        lines = [self.verdict]
        for names, rho, ssim in zip(self.layers, self.spearman, self.ssim, strict=True):
            lines.append(f"  down to {names[-1]}: Spearman {rho:.2f}, SSIM {ssim:.2f}")
        return "\n".join(lines)


def randomisation_check(
    segmenter: Any,
    X: Any,
    explain: Any = "input_gradients",
    *,
    region: Any = None,
    n_stages: int = 8,
    limit: float = 0.5,
    random_state: Any = None,
) -> RandomisationResult:
    """Make weights random, layer by layer from the top, and see whether the explanation follows.

    An explanation that looks the same for a network that knows nothing is none: it shows edges of
    the image.

    Parameters
    ----------
    segmenter : segmenter
        Fitted, around one Keras network, as for :func:`input_gradients`.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images, with the channels seen in fit; a few are enough.
    explain : str or callable, default="input_gradients"
        "input_gradients", "integrated_gradients", "smooth_grad" or "grad_cam"; or a function of a
        fitted segmenter and images that returns maps, one an image.
    region : None, (row, column) or array-like of bool, default=None
        Whose logits, as for :func:`input_gradients`; it stays that of the trained network. Not for
        functions.
    n_stages : int, default=8
        Stages in which the layers become random, 1 or more; each costs an explanation.
    limit : float, default=0.5
        Largest rank correlation that is left at the end of a check that is passed, above 0 and
        below 1.
    random_state : int, Generator, RandomState or None, default=None
        Where random weights come from.

    Returns
    -------
    RandomisationResult
        Similarity at each stage, and a verdict.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If the segmenter has no network, or `X` or a parameter cannot be used.
    NotFittedError
        Before fit.

    Notes
    -----
    Kernels are drawn from normal distributions of the same mean square, so that signals keep their
    size; biases and the numbers of normalisation layers are shuffled.

    References
    ----------
    Adebayo, Gilmer, Muelly, Goodfellow, Hardt and Kim (2018), "Sanity Checks for Saliency Maps",
    NeurIPS, arXiv 1810.03292.

    Examples
    --------
    >>> from membseg import UNetSegmenter, make_membranes, randomisation_check
    >>> X, y = make_membranes(1, 32, 32, random_state=0)
    >>> net = UNetSegmenter(depth=1, base_filters=4, max_steps=2, threshold=0.5).fit(X, y)
    >>> found = randomisation_check(net, X, n_stages=2, random_state=0)
    >>> found.spearman.shape
    (2,)
    """
    check_count(n_stages, "n_stages", least=1, advice="Eight show where it changes.")
    check_inside(limit, "limit", "a rank correlation")
    rng = make_rng(random_state)
    inside, seen = find_network(segmenter, X)
    if isinstance(explain, str) and region is None:
        sizes = check_images(seen, n_channels=inside.n_channels_in_).sizes
        found = check_region(None, sizes, lambda: segmenter.predict(X), inside.classes_[1])
        region = [weights > 0 for weights in found]
    function, name = _find_explainer(explain, region, int(rng.integers(2**31)))
    first = _as_maps(function(inside, seen), name)
    layers, rows = [], []
    for names, weights in _randomise(inside, n_stages, rng):
        other = copy.copy(inside)
        other._weights, other._network = weights, None
        with warnings.catch_warnings():
            # What is wrong with explanations of random networks is nobody's concern.
            warnings.simplefilter("ignore", MembsegWarning)
            now = _as_maps(function(other, seen), name)
        layers.append(names)
        rows.append(np.mean([_compare(*pair) for pair in zip(first, now, strict=True)], axis=0))
    spearman, signed, ssim = np.array(rows).T
    n_empty = sum(_is_empty(one) for one in now)
    return RandomisationResult(layers, spearman, signed, ssim, n_empty, float(limit), name)


def _find_explainer(explain: Any, region: Any, seed: int) -> tuple[Callable[..., Any], str]:
    if callable(explain):
        if region is not None:
            raise InvalidInputError(
                "region must be None where explain is a function, which knows what it explains. "
                "Give it the region, with functools.partial for example."
            )
        return explain, getattr(explain, "__name__", type(explain).__name__)
    if explain not in _EXPLAINERS:
        raise InvalidInputError(
            f"explain must be one of {', '.join(_EXPLAINERS)}, or a function of segmenter and "
            f"images; got {explain!r}."
        )
    options: dict[str, Any] = {"region": region}
    if explain == "smooth_grad":
        # The same noise each time: only the weights differ.
        options["random_state"] = seed
    return lambda segmenter, X: _EXPLAINERS[explain](segmenter, X, **options), explain


def _as_maps(found: Any, name: str) -> list[np.ndarray]:
    maps = [np.asarray(one, dtype=np.float64) for one in found]
    if any(one.ndim not in (2, 3) for one in maps):
        raise InvalidInputError(
            f"explain must return one map an image, (height, width[, channels]); {name} returned "
            f"shapes {[one.shape for one in maps]}."
        )
    return maps


def _randomise(
    segmenter: Any, n_stages: int, rng: np.random.Generator
) -> Iterator[tuple[tuple[str, ...], list[np.ndarray]]]:
    """Give the layers of each stage, and all weights after it."""
    network = build_network(segmenter)
    place = {id(variable): k for k, variable in enumerate(network.weights)}
    layers = [layer for layer in reversed(network.layers) if layer.weights]
    weights = list(segmenter._weights)
    for part in np.array_split(np.arange(len(layers)), min(n_stages, len(layers))):
        for layer in (layers[k] for k in part):
            for k in (place[id(variable)] for variable in layer.weights):
                weights[k] = _draw(weights[k], rng)
        yield tuple(layers[k].name for k in part), list(weights)


def _draw(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if weights.dtype.kind != "f":
        # States of random generators, which do nothing at prediction.
        return weights
    if weights.ndim < 2:
        return rng.permutation(weights)
    scale = np.sqrt(np.mean(np.square(weights, dtype=np.float64)))
    return (scale * rng.standard_normal(weights.shape)).astype(weights.dtype)


def _compare(first: np.ndarray, now: np.ndarray) -> tuple[float, float, float]:
    from skimage.metrics import structural_similarity

    sizes = [_collapse(np.abs(one)) for one in (first, now)]
    scaled = [one / max(float(np.quantile(one, 0.999)), np.finfo(float).tiny) for one in sizes]
    clipped = [np.clip(one, 0, 1) for one in scaled]
    ssim = float(structural_similarity(*clipped, data_range=1.0))
    return _spearman(*sizes), _spearman(_collapse(first), _collapse(now)), ssim


def _collapse(one: np.ndarray) -> np.ndarray:
    return one.sum(axis=2) if one.ndim == 3 else one


def _spearman(first: np.ndarray, now: np.ndarray) -> float:
    # A map of one value says nothing, and so does not agree either.
    if _is_empty(first) or _is_empty(now):
        return 0.0
    return float(spearmanr(first.ravel(), now.ravel()).statistic)


def _is_empty(one: np.ndarray) -> bool:
    return bool(np.ptp(one) == 0)

"""What probabilities say, beside what is true: counted once, everything else derived."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.metrics._calibration_error import check_bins, near_border
from membseg.metrics._checks import check_number
from membseg.metrics._pairs import Pairs, pair_maps
from membseg.utils import make_rng

_STRATEGIES = ("uniform", "quantile")


@dataclass(frozen=True)
class ReliabilityTable:
    """Pixels in bins of their membrane probability; made by :func:`reliability_table`.

    Sums are kept image by image, since pixels of one image are not independent: intervals come from
    drawing images anew.

    Attributes
    ----------
    edges : ndarray of shape (n_bins + 1,)
        Bounds of the bins.
    weights : ndarray of shape (n_images, n_bins)
        Pixels, or the sum of their weights.
    predicted_sums : ndarray of shape (n_images, n_bins)
        Sum of their membrane probabilities.
    membrane_sums : ndarray of shape (n_images, n_bins)
        How many of them are membrane.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.calibration import reliability_table
    >>> y_true = np.array([[[0, 1, 1, 0]]])
    >>> y_prob = np.array([[[0.1, 0.9, 0.3, 0.5]]])
    >>> table = reliability_table(y_true, y_prob, n_bins=2)
    >>> table.predicted.round(2), table.observed.round(2), table.shares
    (array([0.2, 0.7]), array([0.5, 0.5]), array([0.5, 0.5]))
    >>> round(table.expected_error, 2), round(table.maximum_error, 2)
    (0.25, 0.3)
    """

    edges: np.ndarray
    weights: np.ndarray
    predicted_sums: np.ndarray
    membrane_sums: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """Share of the pixels in each bin."""
        return self.weights.sum(axis=0) / self.weights.sum()

    @property
    def predicted(self) -> np.ndarray:
        """Mean probability of each bin; nan where it is empty."""
        return _ratio(self.predicted_sums.sum(axis=0), self.weights.sum(axis=0))

    @property
    def observed(self) -> np.ndarray:
        """Share of membrane in each bin; nan where it is empty."""
        return _ratio(self.membrane_sums.sum(axis=0), self.weights.sum(axis=0))

    @property
    def expected_error(self) -> float:
        """Mean over pixels of the distance between their bin's `predicted` and `observed`.

        With bins of equal width the expected calibration error, with quantiles the adaptive one.
        """
        return self._score("expected_error")

    @property
    def maximum_error(self) -> float:
        """Largest distance between `predicted` and `observed` of a bin that is not empty."""
        return self._score("maximum_error")

    @property
    def brier_reliability(self) -> float:
        """Mean square of that distance: what calibration can remove of the Brier score."""
        return self._score("brier_reliability")

    @property
    def brier_resolution(self) -> float:
        """Mean square of the distance of `observed` from the share of membrane in all pixels."""
        return self._score("brier_resolution")

    @property
    def brier_uncertainty(self) -> float:
        """What the Brier score would be if all pixels got the share of membrane.

        Where probabilities within a bin are equal, the Brier score is reliability minus resolution
        plus uncertainty (Murphy 1973, doi 10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2).
        """
        return self._score("brier_uncertainty")

    def interval(
        self,
        score: str = "expected_error",
        *,
        level: float = 0.95,
        n_resamples: int = 1000,
        random_state: Any = 0,
    ) -> tuple[float, float]:
        """Give a confidence interval of one of the scores, by a bootstrap over images.

        Parameters
        ----------
        score : str, default="expected_error"
            "expected_error", "maximum_error", "brier_reliability", "brier_resolution" or
            "brier_uncertainty".
        level : float, default=0.95
            How often such intervals hold the true value, in (0, 1).
        n_resamples : int, default=1000
            Sets of images that are drawn.
        random_state : int, Generator, RandomState or None, default=0
            Source of randomness.

        Returns
        -------
        tuple of float
            The lower and the upper bound: percentiles of the score over the sets of images.

        Raises
        ------
        InvalidInputError
            If `score` or `level` cannot be used, or there is one image only.
        """
        if score not in _SCORES:
            raise InvalidInputError(
                f"score must be one of {', '.join(map(repr, _SCORES))}; got {score!r}."
            )
        if not 0 < level < 1:
            raise InvalidInputError(f"level must lie between 0 and 1; got {level!r}.")
        n_images = len(self.weights)
        if n_images < 2:
            raise InvalidInputError(
                "interval needs at least two images, since it draws images anew; got "
                f"{n_images}. Give more images to reliability_table."
            )
        drawn = make_rng(random_state).integers(n_images, size=(n_resamples, n_images))
        sums = [
            part[drawn].sum(axis=1)
            for part in (self.weights, self.predicted_sums, self.membrane_sums)
        ]
        tails = 50 * (1 - level), 50 * (1 + level)
        low, high = np.percentile(_SCORES[score](*sums), tails)
        return float(low), float(high)

    def _score(self, name: str) -> float:
        parts = (self.weights, self.predicted_sums, self.membrane_sums)
        return float(_SCORES[name](*(part.sum(axis=0) for part in parts)))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def _expected_error(weights: np.ndarray, predicted: np.ndarray, membrane: np.ndarray) -> Any:
    return np.abs(predicted - membrane).sum(axis=-1) / weights.sum(axis=-1)


def _maximum_error(weights: np.ndarray, predicted: np.ndarray, membrane: np.ndarray) -> Any:
    return np.nanmax(np.abs(_ratio(predicted - membrane, weights)), axis=-1)


def _reliability(weights: np.ndarray, predicted: np.ndarray, membrane: np.ndarray) -> Any:
    squares = np.nan_to_num(_ratio((predicted - membrane) ** 2, weights))
    return squares.sum(axis=-1) / weights.sum(axis=-1)


def _resolution(weights: np.ndarray, predicted: np.ndarray, membrane: np.ndarray) -> Any:
    total = weights.sum(axis=-1, keepdims=True)
    overall = membrane.sum(axis=-1, keepdims=True) / total
    distance = np.nan_to_num(_ratio(membrane, weights) - overall)
    return (weights * distance**2).sum(axis=-1) / total[..., 0]


def _uncertainty(weights: np.ndarray, predicted: np.ndarray, membrane: np.ndarray) -> Any:
    overall = membrane.sum(axis=-1) / weights.sum(axis=-1)
    return overall * (1 - overall)


#: Scores of sums over bins (the last axis): weights, probabilities, membrane.
_SCORES = {
    "expected_error": _expected_error,
    "maximum_error": _maximum_error,
    "brier_reliability": _reliability,
    "brier_resolution": _resolution,
    "brier_uncertainty": _uncertainty,
}


def reliability_table(
    y_true: Any,
    y_prob: Any,
    *,
    n_bins: int = 15,
    strategy: str = "uniform",
    border: float | None = None,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
) -> ReliabilityTable:
    """Sort pixels by their membrane probability and count how many are membrane.

    Parameters
    ----------
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values; images may differ in size.
    y_prob : float array-like of shape (n_images, height, width) or list of (height, width) arrays
        Maps of membrane probability in [0, 1], such as ``predict_proba(X)[:, 1]``.
    n_bins : int, default=15
        Number of bins, at least 1.
    strategy : {"uniform", "quantile"}, default="uniform"
        Bins of equal width, or of as equal numbers of pixels as equal probabilities allow.
    border : float or None, default=None
        Distance in pixels; only pixels within it of a true border count. None takes all pixels.
    membrane_label : scalar or None, default=None
        The value of membrane in `y_true`; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label; they are left out.
    sample_weight : None, array-like of shape (n_images,) or of the shape of `y_true`, default=None
        Weights of images or pixels.

    Returns
    -------
    ReliabilityTable
        The counts, and the scores that follow from them.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, maps, weights or another argument cannot be used, or `border` leaves no pixel.

    See Also
    --------
    membseg.metrics.expected_calibration_error : One of its numbers alone.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, make_membranes
    >>> from membseg.calibration import reliability_table
    >>> X, y = make_membranes(4, 48, 48, random_state=0)
    >>> table = reliability_table(y, ThresholdSegmenter().fit(X, y).predict_membrane(X))
    >>> low, high = table.interval("expected_error")
    >>> bool(low <= table.expected_error <= high)
    True
    """
    check_bins(n_bins)
    if strategy not in _STRATEGIES:
        raise InvalidInputError(f'strategy must be "uniform" or "quantile"; got {strategy!r}.')
    pairs = pair_maps(
        y_true,
        y_prob,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
    )
    if border is not None:
        check_number(border, "border", low=0)
        near = [near_border(truth, border) for truth in pairs.truth]
        pairs = Pairs(near, pairs.guess, pairs.weights)
    pixels = [pairs.one(i).flat() for i in range(len(pairs.truth))]
    if not any(len(truth) for truth, _, _ in pixels):
        raise InvalidInputError(
            f"border={border} leaves no labelled pixel: no image shows both classes. Use "
            "border=None."
        )
    edges = _make_edges(int(n_bins), strategy, np.concatenate([prob for _, prob, _ in pixels]))
    sums = np.stack([_count(edges, *one) for one in pixels])
    return ReliabilityTable(edges, sums[:, 0], sums[:, 1], sums[:, 2])


def _make_edges(n_bins: int, strategy: str, prob: np.ndarray) -> np.ndarray:
    if strategy == "uniform":
        return np.linspace(0, 1, n_bins + 1)
    inner = np.quantile(prob.astype(np.float64), np.arange(1, n_bins) / n_bins)
    return np.concatenate([[0.0], inner, [1.0]])


def _count(
    edges: np.ndarray, truth: np.ndarray, prob: np.ndarray, weights: np.ndarray | None
) -> np.ndarray:
    """Sum weights, probabilities and membrane of one image's pixels by bin, (3, n_bins)."""
    prob = prob.astype(np.float64)
    n_bins = len(edges) - 1
    bins = np.clip(np.searchsorted(edges, prob, side="right") - 1, 0, n_bins - 1)
    weights = np.ones(len(prob)) if weights is None else weights
    return np.stack(
        [np.bincount(bins, values, n_bins) for values in (weights, weights * prob, weights * truth)]
    )

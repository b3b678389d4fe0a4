"""The score of a map's masks at each of many thresholds."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.metrics._confusion import ConfusionCounts
from membseg.metrics._cuts import cut_maps
from membseg.metrics._evaluation import METRICS, Evaluation
from membseg.metrics._pairs import Pairs, pair_maps

#: Names of scores that judge masks -> the metric's name. V_Rand and V_Info by their short names
#: mean those of the mask; their scorers look for the best cut themselves.
MASK_SCORES = {
    name: name for name, metric in METRICS.items() if metric.response != "predict_proba"
} | {
    "v_rand": "v_rand_mask",
    "v_info": "v_info_mask",
}

#: Metrics that follow from counts of pixels -> the counts' property: one pass serves all cuts.
_COUNTED = {name: name for name in METRICS if hasattr(ConfusionCounts, name)} | {"dice": "f1"}

#: A threshold is good enough if its score is at least this share of the best one.
_NEARLY_BEST = 0.995


@dataclass(frozen=True)
class ThresholdCurve:
    """Scores of the masks that thresholds make of maps; from :func:`threshold_curve`.

    Attributes
    ----------
    scoring : str
        Name of the score, a key of :data:`SCORERS`.
    thresholds : ndarray of shape (n_thresholds,), float64
        Membrane probabilities, ascending.
    scores : ndarray of shape (n_thresholds,), float64
        Score at each; higher is better (distances are negative).

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import threshold_curve
    >>> y_true = np.array([[[0, 1, 1, 0]]])
    >>> y_prob = np.array([[[0.1, 0.9, 0.3, 0.5]]])
    >>> curve = threshold_curve(y_true, y_prob, thresholds=[0.2, 0.4, 0.6])
    >>> curve.scores.round(2), curve.best_threshold
    (array([0.67, 0.33, 0.5 ]), 0.2)
    """

    scoring: str
    thresholds: np.ndarray
    scores: np.ndarray

    @property
    def best_threshold(self) -> float:
        """The threshold of the best score; the middle one where several share it."""
        best = self.thresholds[self.scores >= self.scores.max() - 1e-12]
        return float(best[len(best) // 2])

    @property
    def lowest_good_threshold(self) -> float:
        """The lowest threshold whose score is at most half a per cent short of the best.

        Overlap scores hardly tell such thresholds apart, and a lower one leaves fewer gaps.
        """
        best = self.scores.max()
        good = self.scores >= best - (1 - _NEARLY_BEST) * abs(best)
        return float(self.thresholds[np.argmax(good)])


def threshold_curve(
    y_true: Any,
    y_prob: Any,
    scoring: str = "iou",
    *,
    thresholds: Any = None,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
) -> ThresholdCurve:
    """Score the masks that each of many thresholds makes of maps.

    Parameters
    ----------
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values; images may differ in size.
    y_prob : float array-like of shape (n_images, height, width) or list of (height, width) arrays
        Maps of membrane probability in [0, 1], such as ``predict_proba(X)[:, 1]``.
    scoring : str, default="iou"
        Name of a score of masks, such as "dice", "boundary_f1", "v_rand" or "v_info".
    thresholds : array-like of shape (n_thresholds,) or None, default=None
        Membrane probabilities in [0, 1], ascending. None: 0.01 to 0.99 in steps of 0.01 for scores
        that count pixels, of 0.05 from 0.05 to 0.95 for the others, which take longer.
    membrane_label : scalar or None, default=None
        The value of membrane in `y_true`; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label; they are left out.
    sample_weight : None, array-like of shape (n_images,) or of the shape of `y_true`, default=None
        Weights of images or pixels.

    Returns
    -------
    ThresholdCurve
        Thresholds and scores.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, maps, weights, `scoring` or `thresholds` cannot be used.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, make_membranes
    >>> from membseg.metrics import threshold_curve
    >>> X, y = make_membranes(2, 48, 48, random_state=0)
    >>> maps = ThresholdSegmenter().fit(X, y).predict_membrane(X)
    >>> threshold_curve(y, maps, "dice").scores.shape
    (99,)
    """
    if scoring not in MASK_SCORES:
        listed = ", ".join(repr(name) for name in MASK_SCORES)
        raise InvalidInputError(
            f"scoring must be the name of a score of masks: {listed}; got {scoring!r}."
        )
    pairs = pair_maps(
        y_true,
        y_prob,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
    )
    return curve_of(pairs, scoring, None if thresholds is None else _check_cuts(thresholds))


def curve_of(
    pairs: Pairs,
    scoring: str,
    thresholds: np.ndarray | None = None,
    clean: Callable[[np.ndarray], np.ndarray] | None = None,
) -> ThresholdCurve:
    """Give the curve of encoded pairs, at thresholds that were checked.

    `clean`, if given, changes each mask, (height, width) bool, before it is scored.
    """
    name = MASK_SCORES[scoring]
    countable = name in _COUNTED and clean is None
    if thresholds is None:
        n_steps = 100 if countable else 20
        thresholds = np.arange(1, n_steps) / n_steps
    if countable:
        scores = [getattr(counts, _COUNTED[name]) for counts in _count_cuts(pairs, thresholds)]
    else:
        masks = (_clean_cut(cut_maps(pairs, float(t)), clean) for t in thresholds)
        sign = 1 if METRICS[name].higher_is_better else -1
        scores = [sign * METRICS[name].value(Evaluation({"predict": mask})) for mask in masks]
    return ThresholdCurve(name, thresholds, np.array(scores, dtype=np.float64))


def _clean_cut(masks: Pairs, clean: Callable[[np.ndarray], np.ndarray] | None) -> Pairs:
    if clean is None:
        return masks
    return replace(masks, guess=[clean(mask == 1).astype(np.uint8) for mask in masks.guess])


def _count_cuts(pairs: Pairs, thresholds: np.ndarray) -> list[ConfusionCounts]:
    """Count the pixels of all cuts at once."""
    truth, prob, weights = pairs.flat()
    # In the maps' own precision, as segmenters cut them. How many cuts does each pixel reach?
    reached = np.searchsorted(thresholds.astype(prob.dtype), prob, side="right")
    weights = np.ones(len(truth)) if weights is None else weights
    n_bins = len(thresholds) + 1
    missed = [
        np.cumsum(np.bincount(reached[kind], weights[kind], n_bins)) for kind in (truth, ~truth)
    ]
    (fn, tn), (membrane, cell) = (part[:-1] for part in missed), (part[-1] for part in missed)
    return [
        ConfusionCounts(tp=max(membrane - f, 0.0), fp=max(cell - t, 0.0), fn=f, tn=t)
        for f, t in zip(fn, tn, strict=True)
    ]


def _check_cuts(thresholds: Any) -> np.ndarray:
    cuts = np.asarray(thresholds, dtype=np.float64)
    if cuts.ndim != 1 or not cuts.size or not (np.diff(cuts) > 0).all():
        raise InvalidInputError(
            f"thresholds must be ascending numbers in a row, at least one; got shape {cuts.shape}."
        )
    if not (cuts[0] >= 0 and cuts[-1] <= 1):
        raise InvalidInputError(f"thresholds must lie in [0, 1]; got {cuts[0]:g} to {cuts[-1]:g}.")
    return cuts

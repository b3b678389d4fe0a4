"""Counts of pixels, from which the metrics on masks are derived."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.metrics._pairs import Pairs, averaged, check_average, pair_masks


@dataclass(frozen=True)
class ConfusionCounts:
    """Numbers of pixels (or sums of their weights) by truth and prediction.

    Every score lies in [0, 1] (`matthews` in [-1, 1]), higher is better, and is finite: where
    the pixels that a score divides by do not occur, it is 1.0 if truth and prediction agree
    about that and 0.0 if one of them alone has them.

    Parameters
    ----------
    tp : float
        True membrane predicted as membrane.
    fp : float
        True cell predicted as membrane.
    fn : float
        True membrane predicted as cell.
    tn : float
        True cell predicted as cell.

    Examples
    --------
    >>> from membseg.metrics import ConfusionCounts
    >>> counts = ConfusionCounts(tp=3, fp=1, fn=2, tn=4)
    >>> counts.iou, counts.accuracy
    (0.5, 0.7)
    """

    tp: float
    fp: float
    fn: float
    tn: float

    def __add__(self, other: "ConfusionCounts") -> "ConfusionCounts":
        """Counts of both sets of pixels together."""
        if not isinstance(other, ConfusionCounts):
            return NotImplemented
        return ConfusionCounts(
            self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn
        )

    @property
    def total(self) -> float:
        """All pixels."""
        return self.tp + self.fp + self.fn + self.tn

    @property
    def accuracy(self) -> float:
        """Share of pixels that are right."""
        return _share(self.tp + self.tn, self.total, empty=1.0)

    @property
    def precision(self) -> float:
        """Share of the predicted membrane that is membrane."""
        return _share(self.tp, self.tp + self.fp, empty=float(self.fn == 0))

    @property
    def recall(self) -> float:
        """Share of the true membrane that is found."""
        return _share(self.tp, self.tp + self.fn, empty=float(self.fp == 0))

    @property
    def specificity(self) -> float:
        """Share of the true cell pixels that are found."""
        return _share(self.tn, self.tn + self.fp, empty=float(self.fn == 0))

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall of membrane, the Dice coefficient."""
        return 2 * self.iou / (1 + self.iou)

    @property
    def iou(self) -> float:
        """Intersection over union of membrane, the Jaccard index."""
        return _share(self.tp, self.tp + self.fp + self.fn, empty=1.0)

    @property
    def cell_iou(self) -> float:
        """Intersection over union of cell."""
        return _share(self.tn, self.tn + self.fp + self.fn, empty=1.0)

    @property
    def mean_iou(self) -> float:
        """Mean of `iou` and `cell_iou`."""
        return (self.iou + self.cell_iou) / 2

    @property
    def balanced_accuracy(self) -> float:
        """Mean of `recall` and `specificity`, over the classes that the truth holds."""
        shares = [
            share
            for share, held in (
                (self.recall, self.tp + self.fn > 0),
                (self.specificity, self.tn + self.fp > 0),
            )
            if held
        ]
        return sum(shares) / len(shares) if shares else 1.0

    @property
    def matthews(self) -> float:
        """Matthews' correlation; 0.0 where truth or prediction is of one class."""
        if self.total == 0:
            return 0.0
        tp, fp, fn, tn = (n / self.total for n in (self.tp, self.fp, self.fn, self.tn))
        # One square root a factor: their product could underflow where weights are tiny.
        scale = np.prod(np.sqrt([tp + fp, tp + fn, tn + fp, tn + fn]))
        return float(np.clip((tp * tn - fp * fn) / scale, -1.0, 1.0)) if scale > 0 else 0.0


def confusion_counts(
    y_true: Any,
    y_pred: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
) -> ConfusionCounts:
    """Count the pixels of all images by truth and prediction.

    Parameters
    ----------
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values; images may differ in size.
    y_pred : array-like or list, as `y_true`
        Predicted masks.
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label; they are not counted.
    sample_weight : None, array-like of shape (n_images,) or of the shape of `y_true`, default=None
        Weights of images or pixels; the counts then are sums of weights.

    Returns
    -------
    ConfusionCounts
        The four counts; every pixel score is a property of it.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks or weights cannot be used, or do not fit each other.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import confusion_counts
    >>> counts = confusion_counts(np.array([[[0, 1, 1, 0]]]), np.array([[[0, 1, 0, 1]]]))
    >>> counts
    ConfusionCounts(tp=1.0, fp=1.0, fn=1.0, tn=1.0)
    >>> round(counts.iou, 3)
    0.333
    """
    return count(
        pair_masks(
            y_true,
            y_pred,
            membrane_label=membrane_label,
            ignore_label=ignore_label,
            sample_weight=sample_weight,
        )
    )


def count(pairs: Pairs) -> ConfusionCounts:
    """Counts over all labelled pixels of encoded pairs."""
    truth, guess, weights = pairs.flat()
    codes = 2 * truth.astype(np.uint8) + guess
    tn, fp, fn, tp = np.bincount(codes, weights=weights, minlength=4).tolist()
    return ConfusionCounts(float(tp), float(fp), float(fn), float(tn))


def count_score(score: str, y_true: Any, y_pred: Any, *, average: str, **options: Any) -> float:
    """One score of :class:`ConfusionCounts`, over the set or as the mean over images."""
    check_average(average)
    pairs = pair_masks(y_true, y_pred, **options)
    return averaged(pairs, lambda part: float(getattr(count(part), score)), average)


def _share(part: float, whole: float, *, empty: float) -> float:
    return float(part / whole) if whole > 0 else empty

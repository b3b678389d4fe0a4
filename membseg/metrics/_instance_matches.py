"""True and predicted cells matched one to one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.metrics._checks import check_inside
from membseg.metrics._label_images import pair_label_images
from membseg.metrics._overlaps import Overlaps, assign, count_overlaps


@dataclass(frozen=True, eq=False)
class InstanceMatches:
    """Matched cells, and the scores that follow; from :func:`match_instances`.

    Scores count the cells of all images together. Where neither side has a cell they are 1.0,
    where one side alone has none 0.0.

    Parameters
    ----------
    threshold : float
        Intersection over union from which cells match.
    n_true, n_pred : ndarray of shape (n_images,), int64
        Cells of each image.
    pairs : list of ndarray of shape (n_matches, 2), int64
        Numbers of the matched cells of each image: true, predicted.
    ious : list of ndarray of shape (n_matches,), float64
        Their intersections over union.
    """

    threshold: float
    n_true: np.ndarray
    n_pred: np.ndarray
    pairs: list[np.ndarray]
    ious: list[np.ndarray]
    _weights: np.ndarray | None = None

    def _sum(self, values: Sequence[float] | np.ndarray) -> float:
        """Sum over images, by their weights if there are any."""
        return float(np.sum(values) if self._weights is None else np.dot(values, self._weights))

    @property
    def tp(self) -> float:
        """Matched pairs: true positives."""
        return self._sum([len(ious) for ious in self.ious])

    @property
    def fp(self) -> float:
        """Predicted cells without a true one: false positives."""
        return max(self._sum(self.n_pred) - self.tp, 0.0)

    @property
    def fn(self) -> float:
        """True cells that are not found: false negatives."""
        return max(self._sum(self.n_true) - self.tp, 0.0)

    @property
    def precision(self) -> float:
        """Share of the predicted cells that match: TP / (TP + FP)."""
        return self._share(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """Share of the true cells that are found: TP / (TP + FN)."""
        return self._share(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; panoptic quality's recognition quality."""
        return self._share(self.tp, self.tp + (self.fp + self.fn) / 2)

    @property
    def accuracy(self) -> float:
        """TP / (TP + FP + FN): the threat score, or critical success index."""
        return self._share(self.tp, self.tp + self.fp + self.fn)

    @property
    def segmentation_quality(self) -> float:
        """Mean intersection over union of the matched pairs."""
        return self._share(self._sum([ious.sum() for ious in self.ious]), self.tp)

    @property
    def panoptic_quality(self) -> float:
        """Segmentation quality times recognition quality."""
        return self.segmentation_quality * self.f1

    def _share(self, part: float, whole: float) -> float:
        if whole > 0:
            return min(part / whole, 1.0)
        return float(self._sum(self.n_true) == 0 and self._sum(self.n_pred) == 0)


def match_instances(
    labels_true: Any, labels_pred: Any, *, threshold: float = 0.5
) -> InstanceMatches:
    """Match predicted cells with true ones by their intersection over union.

    Parameters
    ----------
    labels_true : int array-like of shape (n_images, height, width), or list of 2-D arrays
        True label images: a number for each cell, 0 elsewhere. Images may differ in size.
    labels_pred : array-like or list, as `labels_true`
        Predicted label images.
    threshold : float, default=0.5
        Intersection over union from which cells match, in (0, 1).

    Returns
    -------
    InstanceMatches
        The matched cells; their precision, recall, F1 and panoptic quality.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If label images or `threshold` cannot be used.

    Notes
    -----
    Above 0.5 a cell can match one other only. Up to 0.5, where it can match several, as many pairs
    are made as possible, and among these choices the one with the largest sum of intersections
    over union.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import match_instances
    >>> true = np.array([[[1, 1, 1, 0, 2, 2, 2]]])
    >>> pred = np.array([[[7, 7, 0, 0, 9, 0, 5]]])
    >>> matches = match_instances(true, pred)
    >>> matches.tp, matches.fp, matches.fn, matches.pairs[0].tolist()
    (1.0, 2.0, 1.0, [[1, 7]])
    >>> round(matches.precision, 3), matches.recall, round(matches.segmentation_quality, 3)
    (0.333, 0.5, 0.667)
    """
    check_threshold(threshold)
    return match(overlap_sets(labels_true, labels_pred), float(threshold))


def overlap_sets(labels_true: Any, labels_pred: Any) -> list[Overlaps]:
    """Check label images and count their overlaps, image by image."""
    truth, guess = pair_label_images(labels_true, labels_pred)
    return [count_overlaps(t, g) for t, g in zip(truth, guess, strict=True)]


def match(
    overlaps: list[Overlaps], threshold: float, weights: np.ndarray | None = None
) -> InstanceMatches:
    """Match the cells of each image; `weights` of the images in the scores."""
    pairs, ious = [], []
    for part in overlaps:
        iou = part.iou
        able = np.flatnonzero(iou >= threshold)
        chosen = able[assign(part.rows[able], part.columns[able], iou[able])]
        ids = (part.true_ids[part.rows[chosen]], part.pred_ids[part.columns[chosen]])
        pairs.append(np.stack(ids, axis=1).astype(np.int64).reshape(-1, 2))
        ious.append(iou[chosen])
    n_true = np.array([len(part.true_ids) for part in overlaps])
    n_pred = np.array([len(part.pred_ids) for part in overlaps])
    return InstanceMatches(threshold, n_true, n_pred, pairs, ious, weights)


def coco_thresholds() -> np.ndarray:
    """0.50, 0.55, ... 0.95, as COCO's evaluation has them."""
    return np.linspace(0.5, 0.95, 10)


def check_threshold(threshold: Any, name: str = "threshold") -> None:
    """Refuse what is no number between 0 and 1, both excluded."""
    check_inside(threshold, name, "an intersection over union")


def check_thresholds(thresholds: Any) -> list[float]:
    """Give the thresholds as floats; None stands for COCO's ten."""
    if thresholds is None:
        return coco_thresholds().tolist()
    if isinstance(thresholds, str) or not np.iterable(thresholds):
        raise InvalidInputError(
            f"thresholds must be a sequence of numbers above 0 and below 1; got {thresholds!r}."
        )
    thresholds = list(thresholds)
    if not thresholds:
        raise InvalidInputError(
            "thresholds must hold at least one number above 0 and below 1; got none."
        )
    for i, threshold in enumerate(thresholds):
        check_threshold(threshold, f"thresholds[{i}]")
    return [float(threshold) for threshold in thresholds]

"""Average precision of cells with scores, as COCO defines it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.metrics._checks import check_number
from membseg.metrics._instance_matches import check_threshold, check_thresholds, overlap_sets
from membseg.metrics._overlaps import Overlaps

#: Recalls at which precision is read off.
_RECALLS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class _Image:
    """Overlaps of one image whose predicted cells are ranked, the surest first."""

    overlaps: Overlaps
    scores: np.ndarray
    ranked: np.ndarray


def instance_average_precision_score(
    labels_true: Any,
    labels_pred: Any,
    scores: Any,
    *,
    threshold: float = 0.5,
    max_detections: int | None = None,
) -> float:
    """Average precision of cells with scores at one threshold, as COCO defines it [1]_.

    Parameters
    ----------
    labels_true : int array-like of shape (n_images, height, width), or list of 2-D arrays
        True label images: a number for each cell, 0 elsewhere. Images may differ in size.
    labels_pred : array-like or list, as `labels_true`
        Predicted label images.
    scores : list of float array-like of shape (n_cells,)
        For each image how sure the cells of `labels_pred` are, any finite numbers, in the
        ascending order of their numbers.
    threshold : float, default=0.5
        Intersection over union from which cells match, in (0, 1).
    max_detections : int or None, default=None
        Only the surest cells of each image count, at most this many. COCO's own tables have 100;
        None: all, since slices hold more cells than photographs things.

    Returns
    -------
    float
        In [0, 1], higher is better.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If label images, `scores`, `threshold` or `max_detections` cannot be used.

    See Also
    --------
    instance_accuracy_score : Without scores.

    Notes
    -----
    In each image predicted cells take, the surest first, the true cell of the largest intersection
    over union that is still free. Those of all images are then put in the order of their scores;
    precision, made to fall with recall, is read off at 101 recalls, 0, 0.01, ... 1, and the mean
    taken. Cells of equal scores stay in the order of images and numbers. Without true cells COCO
    has no value; here it is 1.0 if none is predicted either, else 0.0.

    References
    ----------
    .. [1] T.-Y. Lin et al., "Microsoft COCO: common objects in context", ECCV 2014,
       doi 10.1007/978-3-319-10602-1_48; cocodataset.org/#detection-eval.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import instance_average_precision_score
    >>> true = np.array([[[1, 1, 1, 0, 2, 2, 2]]])
    >>> pred = np.array([[[1, 1, 1, 0, 2, 0, 3]]])
    >>> round(instance_average_precision_score(true, pred, [[0.9, 0.5, 0.4]]), 3)
    0.505
    """
    check_threshold(threshold)
    images = _rank(labels_true, labels_pred, scores, max_detections)
    return _average_precision(images, float(threshold))


def mean_average_precision_score(
    labels_true: Any,
    labels_pred: Any,
    scores: Any,
    *,
    thresholds: Sequence[float] | None = None,
    max_detections: int | None = None,
) -> float:
    """Mean average precision of cells with scores, COCO's AP@[.50:.05:.95].

    Parameters
    ----------
    labels_true : int array-like of shape (n_images, height, width), or list of 2-D arrays
        True label images: a number for each cell, 0 elsewhere. Images may differ in size.
    labels_pred : array-like or list, as `labels_true`
        Predicted label images.
    scores : list of float array-like of shape (n_cells,)
        For each image how sure the cells of `labels_pred` are, any finite numbers, in the
        ascending order of their numbers.
    thresholds : sequence of float or None, default=None
        Intersections over union, each in (0, 1); None takes 0.50, 0.55, ... 0.95.
    max_detections : int or None, default=None
        Only the surest cells of each image count, at most this many. COCO's own tables have 100;
        None: all.

    Returns
    -------
    float
        In [0, 1], higher is better: the mean of :func:`instance_average_precision_score`.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If label images, `scores`, `thresholds` or `max_detections` cannot be used.

    See Also
    --------
    mean_instance_accuracy_score : Without scores.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import mean_average_precision_score
    >>> true = np.array([[[1, 1, 1, 1, 0, 2]]])
    >>> pred = np.array([[[1, 1, 1, 0, 0, 2]]])
    >>> round(mean_average_precision_score(true, pred, [[0.9, 0.8]]), 3)
    0.701
    """
    cuts = check_thresholds(thresholds)
    images = _rank(labels_true, labels_pred, scores, max_detections)
    return float(np.mean([_average_precision(images, cut) for cut in cuts]))


def _rank(
    labels_true: Any, labels_pred: Any, scores: Any, max_detections: int | None
) -> list[_Image]:
    if max_detections is not None:
        check_number(max_detections, "max_detections", low=1)
    overlaps = overlap_sets(labels_true, labels_pred)
    checked = _check_scores(scores, [len(part.pred_ids) for part in overlaps])
    last = None if max_detections is None else int(max_detections)
    ranks = [np.argsort(-values, kind="stable")[:last] for values in checked]
    return [_Image(*image) for image in zip(overlaps, checked, ranks, strict=True)]


def _check_scores(scores: Any, n_cells: list[int]) -> list[np.ndarray]:
    if not isinstance(scores, list | tuple | np.ndarray) or len(scores) != len(n_cells):
        got = len(scores) if hasattr(scores, "__len__") else repr(scores)
        raise InvalidInputError(
            f"scores must be a list with the scores of each image's cells, one array an image; got "
            f"{got} for {len(n_cells)} images."
        )
    checked = []
    for i, (values, n) in enumerate(zip(scores, n_cells, strict=True)):
        array = np.asarray(values)
        if array.size and array.dtype.kind not in "iuf":
            raise InvalidTypeError(f"scores[{i}] must hold numbers; got dtype {array.dtype}.")
        if array.shape != (n,) or not np.isfinite(array.astype(np.float64)).all():
            raise InvalidInputError(
                f"scores[{i}] must hold one finite number for each cell of labels_pred[{i}], "
                f"shape ({n},), in the ascending order of the cells' numbers; got shape "
                f"{array.shape}."
            )
        checked.append(array.astype(np.float64))
    return checked


def _average_precision(images: list[_Image], threshold: float) -> float:
    n_true = sum(len(image.overlaps.true_ids) for image in images)
    scores = np.concatenate([image.scores[image.ranked] for image in images])
    if n_true == 0 or not len(scores):
        return float(n_true == 0 and not len(scores))
    hits = np.concatenate([_hits(image, threshold) for image in images])
    hits = np.cumsum(hits[np.argsort(-scores, kind="stable")])
    recall = hits / n_true
    precision = hits / np.arange(1, len(hits) + 1)
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, _RECALLS, side="left")
    return float(np.append(falling, 0.0)[places].mean())


def _hits(image: _Image, threshold: float) -> np.ndarray:
    """Whether each ranked cell takes a true one."""
    part, iou = image.overlaps, image.overlaps.iou
    able = np.flatnonzero(iou >= threshold)
    place = np.full(len(part.pred_ids), len(part.pred_ids))
    place[image.ranked] = np.arange(len(image.ranked))
    # By rank, then the best first; of equally good ones COCO takes the last.
    order = np.lexsort((-part.rows[able], -iou[able], place[part.columns[able]]))
    taken: set[int] = set()
    served: set[int] = set()
    for row, column in zip(
        *(a[able][order].tolist() for a in (part.rows, part.columns)), strict=True
    ):
        if column not in served and row not in taken:
            served.add(column)
            taken.add(row)
    hit = np.zeros(len(part.pred_ids), bool)
    hit[list(served)] = True
    return hit[image.ranked]

"""Scores of label images whose cells carry no scores of their own."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from membseg.metrics._instance_matches import check_thresholds, match, match_instances, overlap_sets
from membseg.metrics._overlaps import Overlaps


def instance_accuracy_score(labels_true: Any, labels_pred: Any, *, threshold: float = 0.5) -> float:
    """Matched cells among all cells, true or predicted: TP / (TP + FP + FN) [1]_.

    This is what StarDist calls accuracy, the 2018 Data Science Bowl average precision [2]_, and
    weather forecasters threat score or critical success index. It is not COCO's average precision:
    that needs a score for each cell (:func:`instance_average_precision_score`).

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
    float
        In [0, 1], higher is better; cells of all images are counted together.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If label images or `threshold` cannot be used.

    References
    ----------
    .. [1] U. Schmidt et al., "Cell detection with star-convex polygons", MICCAI 2018,
       doi 10.1007/978-3-030-00934-2_30.
    .. [2] J. C. Caicedo et al., "Nucleus segmentation across imaging experiments: the 2018 Data
       Science Bowl", Nature Methods 16, 2019, doi 10.1038/s41592-019-0612-7.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import instance_accuracy_score
    >>> true = np.array([[[1, 1, 1, 0, 2, 2, 2]]])
    >>> instance_accuracy_score(true, np.array([[[7, 7, 0, 0, 9, 0, 5]]]))
    0.25
    """
    return match_instances(labels_true, labels_pred, threshold=threshold).accuracy


def mean_instance_accuracy_score(
    labels_true: Any, labels_pred: Any, *, thresholds: Sequence[float] | None = None
) -> float:
    """Mean of :func:`instance_accuracy_score` over thresholds.

    Parameters
    ----------
    labels_true : int array-like of shape (n_images, height, width), or list of 2-D arrays
        True label images: a number for each cell, 0 elsewhere. Images may differ in size.
    labels_pred : array-like or list, as `labels_true`
        Predicted label images.
    thresholds : sequence of float or None, default=None
        Intersections over union, each in (0, 1); None takes 0.50, 0.55, ... 0.95.

    Returns
    -------
    float
        In [0, 1], higher is better.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If label images or `thresholds` cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import mean_instance_accuracy_score
    >>> true = np.array([[[1, 1, 1, 1, 0, 2]]])
    >>> round(mean_instance_accuracy_score(true, np.array([[[1, 1, 1, 0, 0, 2]]])), 3)
    0.733
    """
    cuts = check_thresholds(thresholds)
    return mean_accuracy(overlap_sets(labels_true, labels_pred), thresholds=cuts)


def panoptic_quality_score(labels_true: Any, labels_pred: Any) -> float:
    """Panoptic quality [1]_: how well cells are found, times how well the found ones fit.

    Parameters
    ----------
    labels_true : int array-like of shape (n_images, height, width), or list of 2-D arrays
        True label images: a number for each cell, 0 elsewhere. Images may differ in size.
    labels_pred : array-like or list, as `labels_true`
        Predicted label images.

    Returns
    -------
    float
        In [0, 1], higher is better; cells of all images are counted together. Its two factors are
        the segmentation quality and the F1 of :func:`match_instances`.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If label images cannot be used.

    Notes
    -----
    The definition has cells match above an intersection over union of 0.5; here they also do at
    exactly 0.5, as at any other threshold of this room.

    References
    ----------
    .. [1] A. Kirillov et al., "Panoptic segmentation", CVPR 2019, doi 10.1109/CVPR.2019.00963.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import panoptic_quality_score
    >>> true = np.array([[[1, 1, 1, 0, 2, 2, 2]]])
    >>> panoptic_quality_score(true, np.array([[[7, 7, 7, 0, 9, 0, 5]]]))
    0.4
    """
    return match_instances(labels_true, labels_pred).panoptic_quality


def aggregated_jaccard_score(labels_true: Any, labels_pred: Any) -> float:
    """Aggregated Jaccard index [1]_: shared pixels of cells over the pixels of either.

    Parameters
    ----------
    labels_true : int array-like of shape (n_images, height, width), or list of 2-D arrays
        True label images: a number for each cell, 0 elsewhere. Images may differ in size.
    labels_pred : array-like or list, as `labels_true`
        Predicted label images.

    Returns
    -------
    float
        In [0, 1], higher is better; pixels of all images are counted together.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If label images cannot be used.

    Notes
    -----
    Each true cell is set beside the predicted one of the largest intersection over union (the one
    with the smallest number where several share it), which may be that of another true cell too.
    Their intersections are added up, and so are their unions, with the areas of the predicted
    cells that were never taken.

    References
    ----------
    .. [1] N. Kumar et al., "A dataset and a technique for generalized nuclear segmentation for
       computational pathology", IEEE TMI 36(7), 2017, doi 10.1109/TMI.2017.2677499.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import aggregated_jaccard_score
    >>> true = np.array([[[1, 1, 1, 1, 0, 2]]])
    >>> aggregated_jaccard_score(true, np.array([[[1, 1, 1, 0, 3, 2]]]))
    0.6666666666666666
    """
    return aggregated_jaccard(overlap_sets(labels_true, labels_pred))


def mean_accuracy(
    overlaps: list[Overlaps],
    weights: np.ndarray | None = None,
    *,
    thresholds: Sequence[float] | None = None,
) -> float:
    """Mean accuracy of counted overlaps; `weights` of the images."""
    cuts = check_thresholds(thresholds)
    return float(np.mean([match(overlaps, cut, weights).accuracy for cut in cuts]))


def aggregated_jaccard(overlaps: list[Overlaps], weights: np.ndarray | None = None) -> float:
    """Aggregated Jaccard index of counted overlaps; `weights` of the images."""
    weights = np.ones(len(overlaps)) if weights is None else weights
    shared, union = weights @ np.array([_shared_and_union(part) for part in overlaps])
    return float(shared / union) if union > 0 else 1.0


def _shared_and_union(part: Overlaps) -> tuple[float, float]:
    # Rows in order, the best of each first, and of equally good ones the first.
    order = np.lexsort((part.columns, -part.iou, part.rows))
    first = np.ones(len(order), bool)
    first[1:] = np.diff(part.rows[order]) > 0
    best = order[first]
    alone = np.ones(len(part.true_ids), bool)
    alone[part.rows[best]] = False
    unused = np.ones(len(part.pred_ids), bool)
    unused[part.columns[best]] = False
    rest = part.true_areas[alone].sum() + part.pred_areas[unused].sum()
    return float(part.shared[best].sum()), float(part.union[best].sum() + rest)

"""Scores of overlap: intersection over union, Dice."""

from typing import Any

from membseg.metrics._confusion import count_score


def iou_score(
    y_true: Any,
    y_pred: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
    average: str = "dataset",
) -> float:
    """Intersection over union of membrane, the Jaccard index.

    Parameters
    ----------
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values; images may differ in size.
    y_pred : array-like or list, as `y_true`
        Predicted masks.
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label; they are left out.
    sample_weight : None, array-like of shape (n_images,) or of the shape of `y_true`, default=None
        Weights of images or pixels.
    average : {"dataset", "image"}, default="dataset"
        Over all pixels of all images, or the mean of the images' values.

    Returns
    -------
    float
        In [0, 1], higher is better; 1.0 where neither has membrane, 0.0 where one alone has.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, weights or `average` cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import iou_score
    >>> iou_score(np.array([[[0, 1, 1, 0]]]), np.array([[[0, 1, 0, 0]]]))
    0.5
    """
    return count_score(
        "iou",
        y_true,
        y_pred,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
        average=average,
    )


def cell_iou_score(
    y_true: Any,
    y_pred: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
    average: str = "dataset",
) -> float:
    """Intersection over union of cell.

    Parameters
    ----------
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values; images may differ in size.
    y_pred : array-like or list, as `y_true`
        Predicted masks.
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label; they are left out.
    sample_weight : None, array-like of shape (n_images,) or of the shape of `y_true`, default=None
        Weights of images or pixels.
    average : {"dataset", "image"}, default="dataset"
        Over all pixels of all images, or the mean of the images' values.

    Returns
    -------
    float
        In [0, 1], higher is better; 1.0 where neither has cell, 0.0 where one alone has.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, weights or `average` cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import cell_iou_score
    >>> cell_iou_score(np.array([[[0, 1, 1, 0]]]), np.array([[[0, 1, 0, 0]]]))
    0.6666666666666666
    """
    return count_score(
        "cell_iou",
        y_true,
        y_pred,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
        average=average,
    )


def mean_iou_score(
    y_true: Any,
    y_pred: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
    average: str = "dataset",
) -> float:
    """Mean of the intersections over union of membrane and of cell.

    Parameters
    ----------
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values; images may differ in size.
    y_pred : array-like or list, as `y_true`
        Predicted masks.
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label; they are left out.
    sample_weight : None, array-like of shape (n_images,) or of the shape of `y_true`, default=None
        Weights of images or pixels.
    average : {"dataset", "image"}, default="dataset"
        Over all pixels of all images, or the mean of the images' values.

    Returns
    -------
    float
        In [0, 1], higher is better.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, weights or `average` cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import mean_iou_score
    >>> mean_iou_score(np.array([[[0, 1, 1, 0]]]), np.array([[[0, 1, 0, 0]]]))
    0.5833333333333333
    """
    return count_score(
        "mean_iou",
        y_true,
        y_pred,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
        average=average,
    )


def dice_score(
    y_true: Any,
    y_pred: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
    average: str = "dataset",
) -> float:
    """Dice coefficient [1]_ of membrane, the same number as the F1 score.

    Parameters
    ----------
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values; images may differ in size.
    y_pred : array-like or list, as `y_true`
        Predicted masks.
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label; they are left out.
    sample_weight : None, array-like of shape (n_images,) or of the shape of `y_true`, default=None
        Weights of images or pixels.
    average : {"dataset", "image"}, default="dataset"
        Over all pixels of all images, or the mean of the images' values.

    Returns
    -------
    float
        In [0, 1], higher is better; 1.0 where neither has membrane, 0.0 where one alone has.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, weights or `average` cannot be used.

    References
    ----------
    .. [1] L. R. Dice, "Measures of the amount of ecologic association between species",
       Ecology 26(3), 1945, doi 10.2307/1932409.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import dice_score
    >>> dice_score(np.array([[[0, 1, 1, 0]]]), np.array([[[0, 1, 0, 0]]]))
    0.6666666666666666
    """
    return count_score(
        "f1",
        y_true,
        y_pred,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
        average=average,
    )

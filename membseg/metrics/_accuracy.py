"""Scores that count right pixels of both classes."""

from typing import Any

from membseg.metrics._confusion import count_score


def pixel_accuracy_score(
    y_true: Any,
    y_pred: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
    average: str = "dataset",
) -> float:
    """Share of pixels that are right.

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
        In [0, 1], higher is better; "all cell" already has the share of cell pixels.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, weights or `average` cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import pixel_accuracy_score
    >>> pixel_accuracy_score(np.array([[[0, 1, 1, 0]]]), np.array([[[0, 1, 0, 0]]]))
    0.75
    """
    return count_score(
        "accuracy",
        y_true,
        y_pred,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
        average=average,
    )


def balanced_accuracy_score(
    y_true: Any,
    y_pred: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
    average: str = "dataset",
) -> float:
    """Mean of the shares of membrane and of cell that are found.

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
        In [0, 1], higher is better; 0.5 is chance. Classes that the truth lacks leave the mean.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, weights or `average` cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import balanced_accuracy_score
    >>> balanced_accuracy_score(np.array([[[0, 1, 1, 0]]]), np.array([[[0, 1, 0, 0]]]))
    0.75
    """
    return count_score(
        "balanced_accuracy",
        y_true,
        y_pred,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
        average=average,
    )


def specificity_score(
    y_true: Any,
    y_pred: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
    average: str = "dataset",
) -> float:
    """Share of the true cell pixels that are predicted as cell.

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
        In [0, 1], higher is better; without true cell 1.0 if none is predicted either, else 0.0.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, weights or `average` cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import specificity_score
    >>> specificity_score(np.array([[[0, 1, 1, 0]]]), np.array([[[0, 1, 0, 0]]]))
    1.0
    """
    return count_score(
        "specificity",
        y_true,
        y_pred,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
        average=average,
    )


def matthews_score(
    y_true: Any,
    y_pred: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
    average: str = "dataset",
) -> float:
    """Matthews' correlation [1]_ of the two masks.

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
        In [-1, 1], higher is better; 0.0 is chance, and where either mask is of one class.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, weights or `average` cannot be used.

    References
    ----------
    .. [1] B. W. Matthews, "Comparison of the predicted and observed secondary structure of T4 phage
       lysozyme", Biochimica et Biophysica Acta 405(2), 1975, doi 10.1016/0005-2795(75)90109-9.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import matthews_score
    >>> round(matthews_score(np.array([[[0, 1, 1, 0]]]), np.array([[[0, 1, 0, 0]]])), 3)
    0.577
    """
    return count_score(
        "matthews",
        y_true,
        y_pred,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
        average=average,
    )

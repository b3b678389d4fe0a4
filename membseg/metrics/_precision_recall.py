"""Precision, recall and their harmonic mean."""

from typing import Any

from membseg.metrics._confusion import count_score


def precision_score(
    y_true: Any,
    y_pred: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
    average: str = "dataset",
) -> float:
    """Share of the predicted membrane that is membrane.

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
        In [0, 1], higher is better; without predicted membrane 1.0 if there is none, else 0.0.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, weights or `average` cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import precision_score
    >>> precision_score(np.array([[[0, 1, 1, 0]]]), np.array([[[0, 1, 0, 0]]]))
    1.0
    """
    return count_score(
        "precision",
        y_true,
        y_pred,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
        average=average,
    )


def recall_score(
    y_true: Any,
    y_pred: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
    average: str = "dataset",
) -> float:
    """Share of the true membrane that is predicted as membrane.

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
        In [0, 1], higher is better; without true membrane 1.0 if none is predicted, else 0.0.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, weights or `average` cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import recall_score
    >>> recall_score(np.array([[[0, 1, 1, 0]]]), np.array([[[0, 1, 0, 0]]]))
    0.5
    """
    return count_score(
        "recall",
        y_true,
        y_pred,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
        average=average,
    )


def f1_score(
    y_true: Any,
    y_pred: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
    average: str = "dataset",
) -> float:
    """Harmonic mean of precision and recall of membrane.

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
    >>> from membseg.metrics import f1_score
    >>> f1_score(np.array([[[0, 1, 1, 0]]]), np.array([[[0, 1, 0, 0]]]))
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

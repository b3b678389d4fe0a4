"""Metrics of the order in which probability puts the pixels."""

from typing import Any

import numpy as np
from sklearn import metrics as sk_metrics

from membseg.metrics._pairs import Pairs, averaged, check_average, pair_maps


def roc_auc_score(
    y_true: Any,
    y_prob: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
    average: str = "dataset",
) -> float:
    """Area under the receiver operating characteristic of the membrane probability.

    Parameters
    ----------
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values; images may differ in size.
    y_prob : float array-like of shape (n_images, height, width) or list of (height, width) arrays
        Maps of membrane probability in [0, 1], such as ``predict_proba(X)[:, 1]``.
    membrane_label : scalar or None, default=None
        The value of membrane in `y_true`; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label; they are left out.
    sample_weight : None, array-like of shape (n_images,) or of the shape of `y_true`, default=None
        Weights of images or pixels.
    average : {"dataset", "image"}, default="dataset"
        Over all pixels of all images, or the mean of the images' values.

    Returns
    -------
    float
        In [0, 1], higher is better; 0.5 is chance, and where the truth is of one class.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, maps, weights or `average` cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import roc_auc_score
    >>> y_true = np.array([[[0, 1, 1, 0]]])
    >>> y_prob = np.array([[[0.1, 0.9, 0.3, 0.5]]])
    >>> roc_auc_score(y_true, y_prob)
    0.75
    """
    check_average(average)
    pairs = pair_maps(
        y_true,
        y_prob,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
    )
    return averaged(pairs, roc_auc, average)


def average_precision_score(
    y_true: Any,
    y_prob: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
    average: str = "dataset",
) -> float:
    """Average precision of the membrane probability: precision, weighted by steps of recall.

    Parameters
    ----------
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values; images may differ in size.
    y_prob : float array-like of shape (n_images, height, width) or list of (height, width) arrays
        Maps of membrane probability in [0, 1], such as ``predict_proba(X)[:, 1]``.
    membrane_label : scalar or None, default=None
        The value of membrane in `y_true`; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label; they are left out.
    sample_weight : None, array-like of shape (n_images,) or of the shape of `y_true`, default=None
        Weights of images or pixels.
    average : {"dataset", "image"}, default="dataset"
        Over all pixels of all images, or the mean of the images' values.

    Returns
    -------
    float
        In [0, 1], higher is better; chance, and where the truth is of one class, is the share of
        true membrane.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, maps, weights or `average` cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import average_precision_score
    >>> y_true = np.array([[[0, 1, 1, 0]]])
    >>> y_prob = np.array([[[0.1, 0.9, 0.3, 0.5]]])
    >>> round(average_precision_score(y_true, y_prob), 3)
    0.833
    """
    check_average(average)
    pairs = pair_maps(
        y_true,
        y_prob,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
    )
    return averaged(pairs, average_precision, average)


def roc_auc(pairs: Pairs) -> float:
    """Area under the curve of encoded pairs."""
    truth, prob, weights = _positive_weights(pairs)
    if truth.all() or not truth.any():
        return 0.5
    return _unit(sk_metrics.roc_auc_score(truth, prob, sample_weight=weights))


def average_precision(pairs: Pairs) -> float:
    """Average precision of encoded pairs."""
    truth, prob, weights = _positive_weights(pairs)
    if truth.all() or not truth.any():
        return float(truth[0])
    return _unit(sk_metrics.average_precision_score(truth, prob, sample_weight=weights))


def _positive_weights(pairs: Pairs) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Flat pairs with weights scaled to at most one, so that no sum of products can overflow."""
    truth, prob, weights = pairs.flat()
    return truth, prob, None if weights is None else weights / weights.max()


def _unit(value: float) -> float:
    """Cut what rounding adds beyond [0, 1]."""
    return float(np.clip(value, 0.0, 1.0))

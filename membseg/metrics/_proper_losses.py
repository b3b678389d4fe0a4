"""Losses of probabilities that are smallest in the mean for the true ones."""

from typing import Any

import numpy as np

from membseg.metrics._pairs import Pairs, averaged, check_average, pair_maps

#: Probabilities are kept this far from 0 and 1 in logarithms, so that these stay finite.
_CLIP = 1e-7


def brier_loss(
    y_true: Any,
    y_prob: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
    average: str = "dataset",
) -> float:
    """Brier score: mean squared error of the membrane probability.

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
        In [0, 1], lower is better.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, maps, weights or `average` cannot be used.

    References
    ----------
    .. [1] G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly
       Weather Review 78(1), 1950.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import brier_loss
    >>> y_true = np.array([[[0, 1, 1, 0]]])
    >>> y_prob = np.array([[[0.1, 0.9, 0.3, 0.5]]])
    >>> round(brier_loss(y_true, y_prob), 3)
    0.19
    """
    check_average(average)
    pairs = pair_maps(
        y_true,
        y_prob,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
    )
    return averaged(pairs, brier, average)


def log_loss(
    y_true: Any,
    y_prob: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
    average: str = "dataset",
) -> float:
    """Mean negative log-likelihood (natural logarithm) of the true classes.

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
        At least 0, lower is better; probabilities are clipped to [1e-7, 1 - 1e-7], so it is at
        most 16.12.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, maps, weights or `average` cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import log_loss
    >>> y_true = np.array([[[0, 1, 1, 0]]])
    >>> y_prob = np.array([[[0.1, 0.9, 0.3, 0.5]]])
    >>> round(log_loss(y_true, y_prob), 3)
    0.527
    """
    check_average(average)
    pairs = pair_maps(
        y_true,
        y_prob,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
    )
    return averaged(pairs, cross_entropy, average)


def brier(pairs: Pairs) -> float:
    """Brier score of encoded pairs."""
    truth, prob, weights = pairs.flat()
    return float(np.average((prob.astype(np.float64) - truth) ** 2, weights=weights))


def cross_entropy(pairs: Pairs) -> float:
    """Log loss of encoded pairs."""
    truth, prob, weights = pairs.flat()
    of_truth = np.where(truth, prob, 1 - prob.astype(np.float64))
    return float(np.average(-np.log(np.clip(of_truth, _CLIP, 1 - _CLIP)), weights=weights))

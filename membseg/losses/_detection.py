"""Losses of networks that find things: of boxes, of their classes, of masks in them."""

from typing import Any

from keras import ops

#: Stands for a sum of weights of zero in denominators.
_TINY = 1e-6


def smooth_l1_loss(y_true: Any, y_pred: Any, weight: Any, beta: float = 1.0) -> Any:
    """Compute the loss of box codes: a parabola near zero, a straight line beyond.

    Parameters
    ----------
    y_true, y_pred : tensor of shape (..., 4)
        True and predicted codes of boxes.
    weight : tensor of shape (...)
        Weight of each box, zero for those that count for nothing.
    beta : float, default=1.0
        Error from which the loss is a straight line.

    Returns
    -------
    scalar tensor, float32
        Weighted mean over boxes of the sum over the four numbers; 0 where all weights are zero.

    References
    ----------
    Girshick (2015), "Fast R-CNN", arXiv 1504.08083, equation 3 (there ``beta`` is 1).

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.losses import smooth_l1_loss
    >>> code = np.array([[0.5, 0.0, 0.0, -3.0]], dtype="float32")
    >>> float(smooth_l1_loss(np.zeros_like(code), code, np.ones(1, dtype="float32")))
    2.625
    """
    error = ops.abs(ops.cast(y_pred, "float32") - y_true)
    each = ops.where(error < beta, 0.5 * error * error / beta, error - 0.5 * beta)
    return _mean(ops.sum(each, axis=-1), weight)


def objectness_loss(y_true: Any, y_logit: Any, weight: Any) -> Any:
    """Compute the binary cross-entropy of logits, as a weighted mean.

    Serves for the anchors of a region proposal network as well as for the pixels of masks.

    Parameters
    ----------
    y_true : tensor of shape (...)
        0 or 1.
    y_logit : tensor of shape (...)
        Logits of 1.
    weight : tensor of shape (...)
        Weights, zero for what counts for nothing.

    Returns
    -------
    scalar tensor, float32
        0 where all weights are zero.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.losses import objectness_loss
    >>> one = np.ones(1, dtype="float32")
    >>> round(float(objectness_loss(one, np.zeros(1, dtype="float32"), one)), 4)
    0.6931
    """
    logit = ops.cast(y_logit, "float32")
    each = ops.softplus(logit) - y_true * logit
    return _mean(each, weight)


def class_loss(y_true: Any, y_logit: Any, weight: Any) -> Any:
    """Compute the cross-entropy of the classes of boxes, as a weighted mean.

    Parameters
    ----------
    y_true : tensor of shape (...), int
        Classes from 0, background.
    y_logit : tensor of shape (..., n_classes)
        A logit for each class.
    weight : tensor of shape (...)
        Weights, zero for boxes that count for nothing.

    Returns
    -------
    scalar tensor, float32
        0 where all weights are zero.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.losses import class_loss
    >>> logits = np.log(np.array([[0.75, 0.25]], dtype="float32"))
    >>> round(float(class_loss(np.array([1]), logits, np.ones(1, dtype="float32"))), 4)
    1.3863
    """
    logs = ops.log_softmax(ops.cast(y_logit, "float32"), axis=-1)
    hot = ops.one_hot(y_true, logs.shape[-1], dtype="float32")
    return _mean(-ops.sum(hot * logs, axis=-1), weight)


def _mean(each: Any, weight: Any) -> Any:
    weight = ops.cast(weight, "float32")
    return ops.sum(each * weight) / ops.maximum(ops.sum(weight), _TINY)

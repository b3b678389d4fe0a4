"""Losses that are a mean over pixels.

Every loss of this room takes ``y_true`` of shape (n, height, width, 2): the target (0 = cell,
1 = membrane) and the pixel's weight (0 = ignored). That way a weight reaches losses that are no
mean over pixels, too.
"""

from typing import Any

from keras import ops

from membseg.losses._targets import mean_of_weighted, split_targets

#: Focal loss: the exponent, and the share of membrane in the balance, as in the paper.
_FOCAL_GAMMA, _FOCAL_ALPHA = 2.0, 0.25


def binary_crossentropy(y_true: Any, y_logit: Any) -> Any:
    """Compute the weighted mean cross-entropy, in nats a pixel.

    Parameters
    ----------
    y_true : tensor of shape (n, height, width, 2)
        Target in {0, 1} and weight >= 0 of each pixel.
    y_logit : tensor of shape (n, height, width, 1)
        Logits of membrane.

    Returns
    -------
    scalar tensor, float32
        Sum of weighted losses over the number of pixels with a weight; 0 where there is none.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.losses import binary_crossentropy
    >>> y_true = np.ones((1, 2, 2, 2), dtype="float32")
    >>> round(float(binary_crossentropy(y_true, np.zeros((1, 2, 2, 1)))), 4)
    0.6931
    """
    target, weight, logit = split_targets(y_true, y_logit)
    loss = ops.softplus(logit) - logit * target
    return mean_of_weighted(weight, loss)


def balanced_binary_crossentropy(y_true: Any, y_logit: Any) -> Any:
    """Compute the cross-entropy in which both classes of the batch weigh the same [1]_.

    Parameters
    ----------
    y_true : tensor of shape (n, height, width, 2)
        Target in {0, 1} and weight >= 0 of each pixel.
    y_logit : tensor of shape (n, height, width, 1)
        Logits of membrane.

    Returns
    -------
    scalar tensor, float32
        Sum of weighted losses over the number of pixels with a weight, in nats; 0 where only one
        class has a weight.

    Notes
    -----
    Equation 2 of the paper: membrane pixels are weighted by the share of cells, cell pixels by
    the share of membrane. Shares are those of the whole batch, as sums of weights. The paper
    sums over the pixels of an image, here it is a mean. A batch of one class teaches nothing.
    Probabilities come out too high by the odds of the classes: calibrate them, or choose the
    threshold by a score.

    References
    ----------
    .. [1] S. Xie and Z. Tu, "Holistically-nested edge detection", ICCV 2015,
       doi 10.1109/ICCV.2015.164.

    Examples
    --------
    >>> import math
    >>> import numpy as np
    >>> from membseg.losses import balanced_binary_crossentropy
    >>> y_true = np.ones((1, 1, 4, 2), dtype="float32")
    >>> y_true[0, 0, 1:, 0] = 0
    >>> loss = balanced_binary_crossentropy(y_true, np.zeros((1, 1, 4, 1)))
    >>> round(float(loss), 4), round((0.75 * 1 + 0.25 * 3) / 4 * math.log(2), 4)
    (0.2599, 0.2599)
    """
    target, weight, logit = split_targets(y_true, y_logit)
    membrane = ops.sum(weight * target)
    cell = ops.sum(weight * (1.0 - target))
    total = ops.where(membrane + cell > 0, membrane + cell, 1.0)
    balance = (target * cell + (1.0 - target) * membrane) / total
    return mean_of_weighted(weight, balance * ops.softplus(-_towards_truth(target, logit)))


def focal_loss(y_true: Any, y_logit: Any) -> Any:
    """Compute the focal loss, a cross-entropy that spares pixels that are nearly right [1]_.

    Parameters
    ----------
    y_true : tensor of shape (n, height, width, 2)
        Target in {0, 1} and weight >= 0 of each pixel.
    y_logit : tensor of shape (n, height, width, 1)
        Logits of membrane.

    Returns
    -------
    scalar tensor, float32
        Sum of weighted losses over the number of pixels with a weight; 0 where there is none.

    Notes
    -----
    Equation 5 of the paper: ``-alpha_t (1 - p_t)**gamma log(p_t)``, where p_t is the probability
    of the true class. As there, gamma is 2, and alpha_t is 0.25 for membrane and 0.75 for cells:
    with so large a gamma the rarer class needs no help. A mean over pixels. Probabilities come
    out too unsure: calibrate them.

    References
    ----------
    .. [1] T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollar, "Focal loss for dense object
       detection", ICCV 2017, doi 10.1109/ICCV.2017.324.

    Examples
    --------
    >>> import math
    >>> import numpy as np
    >>> from membseg.losses import focal_loss
    >>> y_true = np.ones((1, 2, 2, 2), dtype="float32")
    >>> loss = focal_loss(y_true, np.zeros((1, 2, 2, 1)))
    >>> round(float(loss), 4), round(0.25 * 0.5**2 * math.log(2), 4)
    (0.0433, 0.0433)
    """
    target, weight, logit = split_targets(y_true, y_logit)
    towards_truth = _towards_truth(target, logit)
    alpha = _FOCAL_ALPHA * target + (1.0 - _FOCAL_ALPHA) * (1.0 - target)
    focus = ops.sigmoid(-towards_truth) ** _FOCAL_GAMMA
    return mean_of_weighted(weight, alpha * focus * ops.softplus(-towards_truth))


def _towards_truth(target: Any, logit: Any) -> Any:
    """Logit of the true class."""
    return logit * (2.0 * target - 1.0)

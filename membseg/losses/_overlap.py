"""Losses that measure overlap over the whole batch."""

from typing import Any

from keras import ops

from membseg.losses._targets import split_targets

#: Tversky losses: weights of false and of missed membrane, as in the papers.
_FALSE, _MISSED = 0.3, 0.7

#: Focal Tversky loss: the exponent, 1 / gamma with the paper's gamma of 4/3.
_FOCAL_EXPONENT = 0.75
#: Added before that power is taken, since its slope at 0 is infinite.
_FOCAL_SHIFT = 1e-4

#: Stands for a measure of zero in denominators.
_TINY = 1e-30


def dice_loss(y_true: Any, y_logit: Any) -> Any:
    """Compute one minus the soft Dice coefficient of membrane over the whole batch.

    Parameters
    ----------
    y_true : tensor of shape (n, height, width, 2)
        Target in {0, 1} and weight >= 0 of each pixel.
    y_logit : tensor of shape (n, height, width, 1)
        Logits of membrane.

    Returns
    -------
    scalar tensor, float32
        In [0, 1]. One pixel's worth of smoothing makes it 0 where truth and prediction are empty.

    References
    ----------
    Milletari, Navab and Ahmadi (2016), "V-Net", doi 10.1109/3DV.2016.79 (there with squares in
    the denominator).

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.losses import dice_loss
    >>> y_true = np.ones((1, 2, 2, 2), dtype="float32")
    >>> round(float(dice_loss(y_true, np.full((1, 2, 2, 1), 20.0))), 4)
    0.0
    """
    target, weight, logit = split_targets(y_true, y_logit)
    prob = ops.sigmoid(logit)
    overlap = ops.sum(weight * prob * target)
    total = ops.sum(weight * (prob + target))
    return 1.0 - (2.0 * overlap + 1.0) / (total + 1.0)


def jaccard_loss(y_true: Any, y_logit: Any) -> Any:
    """Compute one minus the soft Jaccard index (IoU) of membrane over the whole batch [1]_.

    Parameters
    ----------
    y_true : tensor of shape (n, height, width, 2)
        Target in {0, 1} and weight >= 0 of each pixel.
    y_logit : tensor of shape (n, height, width, 1)
        Logits of membrane.

    Returns
    -------
    scalar tensor, float32
        In [0, 1]. One pixel's worth of smoothing makes it 0 where truth and prediction are empty.

    References
    ----------
    .. [1] M. A. Rahman and Y. Wang, "Optimizing intersection-over-union in deep neural networks
       for image segmentation", ISVC 2016, doi 10.1007/978-3-319-50835-1_22.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.losses import jaccard_loss
    >>> y_true = np.ones((1, 2, 2, 2), dtype="float32")
    >>> round(float(jaccard_loss(y_true, np.zeros((1, 2, 2, 1)))), 4)  # 1 - (2 + 1) / (4 + 1)
    0.4
    """
    return _one_minus_tversky(y_true, y_logit, false=1.0, missed=1.0)


def tversky_loss(y_true: Any, y_logit: Any) -> Any:
    """Compute one minus the soft Tversky index, in which misses cost more than excess [1]_.

    Parameters
    ----------
    y_true : tensor of shape (n, height, width, 2)
        Target in {0, 1} and weight >= 0 of each pixel.
    y_logit : tensor of shape (n, height, width, 1)
        Logits of membrane.

    Returns
    -------
    scalar tensor, float32
        In [0, 1]. One pixel's worth of smoothing makes it 0 where truth and prediction are empty.

    Notes
    -----
    The index is ``TP / (TP + alpha FP + beta FN)`` over the whole batch, with soft counts and the
    paper's best alpha = 0.3 and beta = 0.7. With 0.5 and 0.5 it would be Dice, with 1 and 1
    Jaccard.

    References
    ----------
    .. [1] S. S. M. Salehi, D. Erdogmus and A. Gholipour, "Tversky loss function for image
       segmentation using 3D fully convolutional deep networks", MLMI 2017,
       doi 10.1007/978-3-319-67389-9_44.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.losses import tversky_loss
    >>> y_true = np.ones((1, 2, 2, 2), dtype="float32")
    >>> loss = tversky_loss(y_true, np.zeros((1, 2, 2, 1)))
    >>> round(float(loss), 4), round(1 - (2 + 1) / (2 + 0.7 * 2 + 1), 4)
    (0.3182, 0.3182)
    """
    return _one_minus_tversky(y_true, y_logit, false=_FALSE, missed=_MISSED)


def focal_tversky_loss(y_true: Any, y_logit: Any) -> Any:
    """Compute a power of the Tversky loss that goes on pulling where overlap is good [1]_.

    Parameters
    ----------
    y_true : tensor of shape (n, height, width, 2)
        Target in {0, 1} and weight >= 0 of each pixel.
    y_logit : tensor of shape (n, height, width, 1)
        Logits of membrane.

    Returns
    -------
    scalar tensor, float32
        From 0 to about 1.

    Notes
    -----
    ``(1 - TI)**(1 / gamma)`` with the paper's gamma of 4/3, where ``1 - TI`` is
    :func:`tversky_loss` (the paper's weights, 0.7 for misses, are the same; its sum over classes
    is that over membrane here). The slope of this power is infinite at 0, where a prediction is
    perfect; so it is taken of ``1 - TI + 1e-4``, less its value at 0.

    References
    ----------
    .. [1] N. Abraham and N. M. Khan, "A novel focal Tversky loss function with improved
       attention U-Net for lesion segmentation", ISBI 2019, doi 10.1109/ISBI.2019.8759329.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.losses import focal_tversky_loss
    >>> y_true = np.ones((1, 2, 2, 2), dtype="float32")
    >>> loss = focal_tversky_loss(y_true, np.zeros((1, 2, 2, 1)))
    >>> round(float(loss), 2), round((1 - 3 / 4.4) ** 0.75, 2)
    (0.42, 0.42)
    """
    loss = _one_minus_tversky(y_true, y_logit, false=_FALSE, missed=_MISSED)
    return (loss + _FOCAL_SHIFT) ** _FOCAL_EXPONENT - _FOCAL_SHIFT**_FOCAL_EXPONENT


def lovasz_loss(y_true: Any, y_logit: Any) -> Any:
    """Compute the Lovasz hinge, a convex stand-in for one minus the Jaccard index [1]_.

    Parameters
    ----------
    y_true : tensor of shape (n, height, width, 2)
        Target in {0, 1} and weight >= 0 of each pixel.
    y_logit : tensor of shape (n, height, width, 1)
        Logits of membrane.

    Returns
    -------
    scalar tensor, float32
        0 where every logit is on its side by 1 or more, and where no pixel has a weight.

    Notes
    -----
    Equations 8 and 9 of the paper with hinge errors, over the whole batch: the errors of all
    pixels are sorted, and each is multiplied by what the Jaccard index loses as its pixel goes
    wrong after those with larger errors. Pixels count in that index as much as they weigh, so
    pixels without weight do not count. Without membrane it is the largest error. Logits are
    margins here, and their sigmoid no probability: calibrate them. Sorting makes a step longer.

    References
    ----------
    .. [1] M. Berman, A. R. Triki and M. B. Blaschko, "The Lovasz-softmax loss: a tractable
       surrogate for the optimization of the intersection-over-union measure in neural networks",
       CVPR 2018, doi 10.1109/CVPR.2018.00464.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.losses import lovasz_loss
    >>> y_true = np.ones((1, 2, 2, 2), dtype="float32")
    >>> float(lovasz_loss(y_true, np.zeros((1, 2, 2, 1))))
    1.0
    >>> float(lovasz_loss(y_true, np.ones((1, 2, 2, 1))))
    0.0
    """
    target, weight, logit = (ops.reshape(part, (-1,)) for part in split_targets(y_true, y_logit))
    error = 1.0 - logit * (2.0 * target - 1.0)
    # Without weight and without error: at the end, whatever the logit is.
    error = ops.where(weight > 0, error, -1.0)
    order = ops.argsort(ops.stop_gradient(-error))
    error, target, weight = (ops.take(part, order) for part in (error, target, weight))
    return ops.sum(ops.relu(error) * _jaccard_steps(target, weight))


def _jaccard_steps(target: Any, weight: Any) -> Any:
    """What the Jaccard index loses with each further pixel that is wrong.

    Not as differences of neighbouring values, of which float32 leaves little among many pixels.
    """
    membrane, cell = weight * target, weight * (1.0 - target)
    both_before = ops.sum(membrane) - ops.cumsum(membrane) + membrane
    either = ops.sum(membrane) + ops.cumsum(cell)
    either_before = either - cell
    index_before = ops.where(
        either_before > 0, both_before / ops.maximum(either_before, _TINY), 1.0
    )
    # A missed pixel shrinks the intersection, a false one stretches the union.
    return (membrane + cell * index_before) / ops.maximum(either, _TINY)


def _one_minus_tversky(y_true: Any, y_logit: Any, *, false: float, missed: float) -> Any:
    target, weight, logit = split_targets(y_true, y_logit)
    prob = ops.sigmoid(logit)
    hit = ops.sum(weight * prob * target)
    excess = ops.sum(weight * prob * (1.0 - target))
    miss = ops.sum(weight * (1.0 - prob) * target)
    # The difference itself, in which nothing cancels.
    wrong = false * excess + missed * miss
    return wrong / (hit + wrong + 1.0)

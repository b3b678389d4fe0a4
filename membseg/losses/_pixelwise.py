"""Losses on logits that leave unlabelled pixels out.

Every loss takes ``y_true`` of shape (n, height, width, 2): the target (0 = cell, 1 = membrane)
and the pixel's weight (0 = ignored). That way a weight reaches losses that are no mean over
pixels, too.
"""

from typing import Any

import keras
from keras import ops


def _split(y_true: Any, y_logit: Any) -> tuple[Any, Any, Any]:
    # float32 whatever the network computes in: sums over a patch are too coarse in bfloat16.
    y_true = ops.cast(y_true, "float32")
    return y_true[..., :1], y_true[..., 1:], ops.cast(y_logit, "float32")


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
    target, weight, logit = _split(y_true, y_logit)
    # log(1 + exp(z)) - t z, in the form that cannot overflow.
    loss = ops.relu(logit) - logit * target + ops.log1p(ops.exp(-ops.abs(logit)))
    # Not over the sum of weights: a batch of heavy images must weigh more than one of light ones.
    n_weighted = ops.sum(ops.cast(weight > 0, "float32"))
    return ops.sum(weight * loss) / ops.maximum(n_weighted, 1.0)


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
    target, weight, logit = _split(y_true, y_logit)
    prob = ops.sigmoid(logit)
    overlap = ops.sum(weight * prob * target)
    total = ops.sum(weight * (prob + target))
    return 1.0 - (2.0 * overlap + 1.0) / (total + 1.0)


def bce_dice_loss(y_true: Any, y_logit: Any) -> Any:
    """Compute the sum of :func:`binary_crossentropy` and :func:`dice_loss`.

    Parameters
    ----------
    y_true : tensor of shape (n, height, width, 2)
        Target in {0, 1} and weight >= 0 of each pixel.
    y_logit : tensor of shape (n, height, width, 1)
        Logits of membrane.

    Returns
    -------
    scalar tensor, float32
        The sum of both.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.losses import bce_dice_loss
    >>> y_true = np.ones((1, 2, 2, 2), dtype="float32")
    >>> round(float(bce_dice_loss(y_true, np.full((1, 2, 2, 1), 20.0))), 4)
    0.0
    """
    return binary_crossentropy(y_true, y_logit) + dice_loss(y_true, y_logit)


_FUNCTIONS = {
    "bce": binary_crossentropy,
    "dice": dice_loss,
    "bce+dice": bce_dice_loss,
}

#: What the parameter `loss` may be.
LOSSES = tuple(_FUNCTIONS)


@keras.saving.register_keras_serializable(package="membseg")
class PixelLoss(keras.losses.Loss):
    """A loss of this room, by name, as an object that Keras can compile with.

    Parameters
    ----------
    loss : {"bce", "dice", "bce+dice"}, default="bce"
        Which one.
    name : str or None, default=None
        Name in Keras's logs; None takes `loss`.

    Examples
    --------
    >>> from membseg.losses import PixelLoss
    >>> PixelLoss("bce+dice").get_config()
    {'loss': 'bce+dice', 'name': 'bce+dice'}
    """

    def __init__(self, loss: str = "bce", name: str | None = None) -> None:
        super().__init__(name=name or loss, reduction=None, dtype="float32")
        self.loss = loss

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Compute the loss of one batch.

        Parameters
        ----------
        y_true : tensor of shape (n, height, width, 2)
            Target in {0, 1} and weight >= 0 of each pixel.
        y_pred : tensor of shape (n, height, width, 1)
            Logits of membrane.

        Returns
        -------
        scalar tensor, float32
            The loss.
        """
        return _FUNCTIONS[self.loss](y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """Give what is needed to build the same loss again.

        Returns
        -------
        dict
            Keyword arguments of the constructor.
        """
        return {"loss": self.loss, "name": self.name}

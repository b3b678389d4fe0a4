"""The class that carries the losses of this room."""

import re
from typing import Any

import keras

from membseg.losses._parse_loss import FUNCTIONS, SPATIAL, parse_loss


@keras.saving.register_keras_serializable(package="membseg")
class PixelLoss(keras.losses.Loss):
    """A loss of this room, by name, as an object that Keras can compile with.

    Parameters
    ----------
    loss : str, default="bce"
        A name in :data:`LOSSES`, or a sum such as ``"bce+0.5*cldice"``, as :func:`parse_loss`
        reads it.
    name : str or None, default=None
        Name in Keras's logs; None makes one of `loss`, in which other characters than letters,
        digits, dots and underscores become underscores.

    Attributes
    ----------
    is_spatial : bool
        Whether a term looks at a pixel's neighbours, so that it needs images as they are.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `loss` cannot be read.

    Examples
    --------
    >>> from membseg.losses import PixelLoss
    >>> PixelLoss("bce+dice").get_config()
    {'loss': 'bce+dice', 'name': 'bce_dice'}
    """

    def __init__(self, loss: str = "bce", name: str | None = None) -> None:
        self._terms = parse_loss(loss)
        # Of its name TensorFlow makes one of a scope, in which "+" and "*" are not allowed.
        super().__init__(
            name=name or re.sub(r"[^A-Za-z0-9_.]+", "_", loss.strip()),
            reduction=None,
            dtype="float32",
        )
        self.loss = loss
        self.is_spatial = any(term in SPATIAL for _, term in self._terms)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Compute the loss of one batch.

        Parameters
        ----------
        y_true : tensor of shape (n, height, width, 2)
            Target in {0, 1} and weight >= 0 of each pixel.
        y_pred : tensor of shape (n, height, width, n_heads)
            Logits of membrane: one, or several answers, each of which is judged by itself (deep
            supervision).

        Returns
        -------
        scalar tensor, float32
            The loss; with several heads their mean.
        """
        n_heads = y_pred.shape[-1]
        if n_heads == 1:
            return self._loss_of_head(y_true, y_pred)
        heads = [y_pred[..., k : k + 1] for k in range(n_heads)]
        return sum(self._loss_of_head(y_true, head) for head in heads) / n_heads

    def _loss_of_head(self, y_true: Any, y_pred: Any) -> Any:
        return sum(weight * FUNCTIONS[term](y_true, y_pred) for weight, term in self._terms)

    def get_config(self) -> dict[str, Any]:
        """Give what is needed to build the same loss again.

        Returns
        -------
        dict
            Keyword arguments of the constructor.
        """
        return {"loss": self.loss, "name": self.name}

"""A network whose dropout is drawn by the caller, for predictions with dropout."""

from typing import Any

import keras
import numpy as np


class ChannelMask(keras.layers.Layer):
    """Multiplies each channel by a number that stays until it is drawn anew."""

    def __init__(self, rate: float, **options: Any) -> None:
        super().__init__(**options)
        self.rate = rate

    def build(self, input_shape: Any) -> None:
        """Make the numbers: ones, which change nothing."""
        self.mask = self.add_weight(
            shape=(input_shape[-1],), initializer="ones", trainable=False, name="mask"
        )

    def call(self, inputs: Any) -> Any:
        """Multiply."""
        return inputs * keras.ops.cast(self.mask, inputs.dtype)

    def draw(self, rng: np.random.Generator) -> None:
        """Drop each channel with the layer's rate, and scale the others up for it."""
        kept = rng.random(self.mask.shape) >= self.rate
        self.mask.assign((kept / (1 - self.rate)).astype(np.float32))

    def get_config(self) -> dict[str, Any]:
        """Say how the layer was made."""
        return super().get_config() | {"rate": self.rate}


def with_dropout_masks(network: Any) -> tuple[Any, list[ChannelMask]]:
    """Copy a network, with masks of channels where its spatial dropout is.

    Keras draws dropout anew for every call; a mask stays, so that all tiles of an image are seen by
    one and the same thinned network.

    Parameters
    ----------
    network : keras.Model
        Functional; left as it is.

    Returns
    -------
    network : keras.Model
        The copy, with the same weights.
    masks : list of ChannelMask
        One for each dropout layer; empty where there is none.
    """
    masks: list[ChannelMask] = []

    def clone(layer: Any) -> Any:
        if not isinstance(layer, keras.layers.SpatialDropout2D):
            return layer.__class__.from_config(layer.get_config())
        masks.append(ChannelMask(layer.rate, name=layer.name, dtype=layer.dtype_policy))
        return masks[-1]

    copied = keras.models.clone_model(network, clone_function=clone)
    for old, new in zip(network.layers, copied.layers, strict=True):
        if not isinstance(new, ChannelMask):
            new.set_weights(old.get_weights())
    return copied, masks

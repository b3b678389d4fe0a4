"""Several heads: each one learns, their mean predicts."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="membseg")
class MeanOfHeads(keras.layers.Layer):
    """Gives the mean of all channels, and in training the channels as they are.

    So a loss can judge each head by itself (:class:`membseg.losses.PixelLoss` does), and whoever
    predicts gets one logit a pixel.
    """

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        """Take the mean, but in training."""
        return inputs if training else keras.ops.mean(inputs, axis=-1, keepdims=True)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Say one channel, as at prediction."""
        return *input_shape[:-1], 1

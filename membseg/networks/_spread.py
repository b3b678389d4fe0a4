"""One value a channel, for all pixels."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="membseg")
class Spread(keras.layers.Layer):
    """Repeats a 1 x 1 image over the height and width of another.

    Called with the image, (n, 1, 1, channels), and the other one.
    """

    def call(self, inputs: Any) -> Any:
        """Repeat."""
        image, like = inputs
        n, height, width, _ = keras.ops.shape(like)
        return keras.ops.broadcast_to(image, (n, height, width, image.shape[-1]))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Give the channels of the one and the size of the other."""
        image, like = input_shape
        return *like[:3], image[-1]

"""Convolutions whose taps lie several pixels apart."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="membseg")
class AtrousConv2D(keras.layers.Conv2D):
    """A convolution with `rate` pixels from one tap to the next, and zeros around the image.

    Every `rate`-th row and column make an image of their own, on which the convolution is an
    ordinary one. Keras's ``dilation_rate`` means the same, but TensorFlow's optimizer of graphs
    pads wrongly, and fails, where only one of height and width is open.
    """

    def __init__(self, filters: int, kernel_size: int, *, rate: int = 1, **options: Any) -> None:
        super().__init__(filters, kernel_size, **(options | {"padding": "same"}))
        self.rate = rate

    def call(self, inputs: Any) -> Any:
        """Take the image apart, convolve, and put it together again."""
        n, height, width, _ = keras.ops.shape(inputs)
        rows, columns = self._n_taken(height), self._n_taken(width)
        x = keras.ops.pad(
            inputs,
            [[0, 0], [0, rows * self.rate - height], [0, columns * self.rate - width], [0, 0]],
        )
        x = keras.ops.reshape(x, (n, rows, self.rate, columns, self.rate, inputs.shape[-1]))
        x = keras.ops.transpose(x, (2, 4, 0, 1, 3, 5))
        x = super().call(keras.ops.reshape(x, (-1, rows, columns, inputs.shape[-1])))
        x = keras.ops.reshape(x, (self.rate, self.rate, n, rows, columns, self.filters))
        x = keras.ops.transpose(x, (2, 3, 0, 4, 1, 5))
        x = keras.ops.reshape(x, (n, rows * self.rate, columns * self.rate, self.filters))
        return x[:, :height, :width]

    def _n_taken(self, size: Any) -> Any:
        """Count the pixels of the longest of the images that a side is taken apart into."""
        return (size + self.rate - 1) // self.rate

    def get_config(self) -> dict[str, Any]:
        """Say how the layer was made."""
        return super().get_config() | {"rate": self.rate}

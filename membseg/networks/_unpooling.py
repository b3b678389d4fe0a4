"""Max pooling that remembers where its values came from, and the way back."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="membseg")
class MaxPlaces(keras.layers.Layer):
    """Tells which pixel of each 2 x 2 window is the largest, channel by channel.

    The places are 0 to 3 in reading order, as uint8. Of pixels that are equally large the first in
    reading order is taken.
    """

    def call(self, inputs: Any) -> Any:
        """Compare the four pixels of each window."""
        a, b = inputs[:, 0::2, 0::2], inputs[:, 0::2, 1::2]
        c, d = inputs[:, 1::2, 0::2], inputs[:, 1::2, 1::2]
        upper, lower = keras.ops.maximum(a, b), keras.ops.maximum(c, d)
        in_upper = keras.ops.cast(b > a, "uint8")
        in_lower = keras.ops.cast(d > c, "uint8") + keras.ops.cast(2, "uint8")
        return keras.ops.where(upper >= lower, in_upper, in_lower)

    def compute_output_spec(self, inputs: Any) -> Any:
        """Say shape and dtype: half the height and width, small whole numbers."""
        n, height, width, channels = inputs.shape
        return keras.KerasTensor((n, _half(height), _half(width), channels), dtype="uint8")


@keras.saving.register_keras_serializable(package="membseg")
class MaxUnpooling(keras.layers.Layer):
    """Puts each value back to its place in a 2 x 2 window; the other pixels are zero.

    Called with the values, (n, height, width, channels), and the places that
    :class:`MaxPlaces` gave, of the same shape.
    """

    def call(self, inputs: Any) -> Any:
        """Let each of the four pixels of a window have the value or zero."""
        values, places = inputs
        _, height, width, channels = keras.ops.shape(values)
        zero = keras.ops.zeros_like(values)
        a, b, c, d = (
            keras.ops.where(places == keras.ops.cast(place, "uint8"), values, zero)
            for place in range(4)
        )
        rows = [keras.ops.stack(pair, axis=3) for pair in ((a, b), (c, d))]
        windows = keras.ops.stack(rows, axis=2)
        return keras.ops.reshape(windows, (-1, 2 * height, 2 * width, channels))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Give twice the height and width of the values."""
        n, height, width, channels = input_shape[0]
        return n, _twice(height), _twice(width), channels


def _half(size: int | None) -> int | None:
    return None if size is None else size // 2


def _twice(size: int | None) -> int | None:
    return None if size is None else 2 * size

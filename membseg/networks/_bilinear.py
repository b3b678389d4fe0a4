"""Bilinear enlargement: of images of any size, and as a kernel of a transposed convolution."""

from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="membseg")
class BilinearUpsampling(keras.layers.Layer):
    """Enlarges height and width linearly, by a whole factor; pixels are squares, edges go on.

    The same as ``keras.ops.image.resize``, which cannot have open sizes.
    """

    def __init__(self, factor: int, **options: Any) -> None:
        super().__init__(**options)
        self.factor = factor

    def call(self, inputs: Any) -> Any:
        """Enlarge the height, then the width."""
        return self._enlarge(self._enlarge(inputs, 1), 2)

    def _enlarge(self, x: Any, axis: int) -> Any:
        before, after = _neighbours(x, axis)
        phases = []
        for phase in range(self.factor):
            offset = (phase + 0.5) / self.factor - 0.5
            other = before if offset < 0 else after
            phases.append((1 - abs(offset)) * x + abs(offset) * other)
        _, height, width, channels = keras.ops.shape(x)
        sizes = [height, width]
        sizes[axis - 1] = sizes[axis - 1] * self.factor
        return keras.ops.reshape(keras.ops.stack(phases, axis + 1), (-1, *sizes, channels))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Give the enlarged height and width."""
        n, *sizes, channels = input_shape
        return n, *(None if size is None else size * self.factor for size in sizes), channels

    def get_config(self) -> dict[str, Any]:
        """Say how the layer was made."""
        return super().get_config() | {"factor": self.factor}


def _neighbours(x: Any, axis: int) -> tuple[Any, Any]:
    """Give each pixel's neighbours before and after it; an edge is its own."""
    if axis == 1:
        before = keras.ops.concatenate([x[:, :1], x[:, :-1]], axis=1)
        return before, keras.ops.concatenate([x[:, 1:], x[:, -1:]], axis=1)
    before = keras.ops.concatenate([x[:, :, :1], x[:, :, :-1]], axis=2)
    return before, keras.ops.concatenate([x[:, :, 1:], x[:, :, -1:]], axis=2)


@keras.saving.register_keras_serializable(package="membseg")
class BilinearKernel(keras.initializers.Initializer):
    """A kernel, 2 strides wide, with which a transposed convolution enlarges linearly.

    Channel by channel: nothing goes from one into another.
    """

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """Make the kernel, of shape (height, width, channels, channels)."""
        height, width, n_out, n_in = shape
        window = np.outer(_triangle(height), _triangle(width))
        kernel = window[:, :, np.newaxis, np.newaxis] * np.eye(n_out, n_in)
        return keras.ops.convert_to_tensor(kernel, dtype=dtype or "float32")


def _triangle(size: int) -> np.ndarray:
    """Give the weights along one side: falling linearly from the middle."""
    middle = (size - 1) / 2
    return 1 - np.abs(np.arange(size) - middle) / (size / 2)

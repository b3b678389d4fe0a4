"""Self-attention among the pixels of a window."""

from typing import Any

import keras
import numpy as np

#: What is added to the logits of places outside of the image, so that nothing is taken from there.
_NEVER = -1e9


@keras.saving.register_keras_serializable(package="membseg")
class WindowAttention(keras.layers.Layer):
    """Multi-head self-attention within square windows of an image.

    Called with queries, keys and values side by side, (n, height, width, 3 * channels); gives
    (n, height, width, channels). Height and width are free: windows at the borders reach beyond
    the image, and nobody looks at what is there.

    Parameters
    ----------
    n_heads : int
        Heads, a divisor of the channels.
    window : int
        Side of a window, in pixels.
    **options
        Of ``keras.layers.Layer``.

    Notes
    -----
    Equation 4 of the paper, with a bias for each relative position and head that is learnt, and
    starts from zero. Windows are not shifted. The softmax is float32.

    References
    ----------
    Liu, Lin, Cao et al. (2021), "Swin Transformer: Hierarchical Vision Transformer using Shifted
    Windows", doi 10.1109/ICCV48922.2021.00986.
    """

    def __init__(self, n_heads: int, window: int, **options: Any) -> None:
        super().__init__(**options)
        self.n_heads = n_heads
        self.window = window

    def build(self, input_shape: Any) -> None:
        """Make the biases, one for each of (2 * window - 1)**2 relative positions and head."""
        n_positions = (2 * self.window - 1) ** 2
        self.bias = self.add_weight(
            shape=(n_positions, self.n_heads), initializer="zeros", name="position_bias"
        )

    def call(self, inputs: Any) -> Any:
        """Cut into windows, attend, and put the image together again."""
        n, height, width, channels = keras.ops.shape(inputs)
        rows, columns = self._n_windows(height), self._n_windows(width)
        # One more channel says where the image is.
        inside = keras.ops.ones((n, height, width, 1), dtype=inputs.dtype)
        x = keras.ops.concatenate([inputs, inside], axis=-1)
        x = self._cut(x, rows, columns)
        attended = self._attend(x[..., :-1], x[..., -1:])
        return self._joined(attended, rows, columns, channels // 3)[:, :height, :width]

    def _n_windows(self, size: Any) -> Any:
        return (size + self.window - 1) // self.window

    def _cut(self, x: Any, rows: Any, columns: Any) -> Any:
        """Give windows one after the other, (n * rows * columns, window**2, channels)."""
        n, height, width, channels = keras.ops.shape(x)
        ends = rows * self.window - height, columns * self.window - width
        x = keras.ops.pad(x, [[0, 0], *([0, end] for end in ends), [0, 0]])
        x = keras.ops.reshape(x, (n, rows, self.window, columns, self.window, channels))
        x = keras.ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return keras.ops.reshape(x, (-1, self.window**2, channels))

    def _joined(self, x: Any, rows: Any, columns: Any, channels: int) -> Any:
        """Put windows together to images, with what reaches beyond them."""
        x = keras.ops.reshape(x, (-1, rows, columns, self.window, self.window, channels))
        x = keras.ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return keras.ops.reshape(x, (-1, rows * self.window, columns * self.window, channels))

    def _attend(self, x: Any, inside: Any) -> Any:
        """Let the pixels of each window look at each other."""
        n_pixels = self.window**2
        size = x.shape[-1] // (3 * self.n_heads)
        x = keras.ops.reshape(x, (-1, n_pixels, 3, self.n_heads, size))
        query, key, value = (keras.ops.transpose(x[:, :, k], (0, 2, 1, 3)) for k in range(3))
        # A channel that is one times one that says whether there is something to look at: cheaper
        # than another pass over all pairs.
        ones = keras.ops.ones_like(query[..., :1])
        query = keras.ops.concatenate([query * size**-0.5, ones], axis=-1)
        hidden = _NEVER * (1.0 - inside[:, np.newaxis]) * ones
        key = keras.ops.concatenate([key, hidden], axis=-1)
        logits = keras.ops.matmul(query, keras.ops.transpose(key, (0, 1, 3, 2)))
        # Subtracted: TensorFlow joins a product and a sum where it knows all sizes, and rounds them
        # in another way then, so that results would depend on what was predicted before.
        logits = keras.ops.cast(logits, "float32") - self._position_penalty()
        weights = keras.ops.cast(keras.ops.softmax(logits), value.dtype)
        attended = keras.ops.transpose(keras.ops.matmul(weights, value), (0, 2, 1, 3))
        return keras.ops.reshape(attended, (-1, n_pixels, self.n_heads * size))

    def _position_penalty(self) -> Any:
        """Give minus the bias of each pair of pixels, (n_heads, window**2, window**2)."""
        pixels = np.stack(np.divmod(np.arange(self.window**2), self.window))
        apart = pixels[:, :, np.newaxis] - pixels[:, np.newaxis] + self.window - 1
        numbers = apart[0] * (2 * self.window - 1) + apart[1]
        penalty = -keras.ops.cast(self.bias, "float32")
        penalty = keras.ops.take(penalty, numbers.ravel(), axis=0)
        penalty = keras.ops.reshape(penalty, (self.window**2, self.window**2, self.n_heads))
        return keras.ops.transpose(penalty, (2, 0, 1))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Give a third of the channels."""
        *rest, channels = input_shape
        return *rest, channels // 3

    def get_config(self) -> dict[str, Any]:
        """Say how the layer was made."""
        return super().get_config() | {"n_heads": self.n_heads, "window": self.window}

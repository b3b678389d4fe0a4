"""A learnable factor before a sum, which lets a deep network start out shallow."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="membseg")
class ResidualGain(keras.layers.Layer):
    """Multiplies everything by one number that is learnt, and that is small at first.

    At the end of a branch that is added to its input: so signals do not grow from sum to sum where
    there is no normalisation.

    Parameters
    ----------
    start : float, default=0.0
        The number before anything is learnt. With zero the sum is the input.
    **options
        Of ``keras.layers.Layer``.

    References
    ----------
    De and Smith (2020), "Batch Normalization Biases Residual Blocks Towards the Identity Function
    in Deep Networks", NeurIPS, arXiv 2002.10444 (SkipInit): zero, or one over the root of the
    number of blocks.
    """

    def __init__(self, start: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.start = start

    def build(self, input_shape: Any) -> None:
        """Make the number."""
        self.gain = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(self.start), name="gain"
        )

    def call(self, inputs: Any) -> Any:
        """Multiply."""
        return inputs * keras.ops.cast(self.gain, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Give the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Say how the layer was made."""
        return super().get_config() | {"start": self.start}

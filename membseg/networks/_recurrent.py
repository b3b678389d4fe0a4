"""A convolution that sees its own output again."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="membseg")
class RecurrentConv2D(keras.layers.Conv2D):
    """A recurrent convolutional layer: one kernel, used `steps` + 1 times.

    The first output is that of an ordinary convolution; each next one is that of the input plus
    the last output. As many channels come out as go in.

    Parameters
    ----------
    filters : int
        Channels of the input and of the output.
    kernel_size : int
        Odd.
    steps : int, default=2
        Times that the layer sees its own output.
    **options
        Of ``keras.layers.Conv2D``; zeros are put around the image.

    References
    ----------
    Alom, Hasan, Yakopcic, Taha and Asari (2018), "Recurrent Residual Convolutional Neural Network
    based on U-Net (R2U-Net) for Medical Image Segmentation", arXiv 1802.06955, equations 1 and 2.
    Ours has one kernel for the input and for the last output, where equation 1 has two: so it has
    as many weights as a convolution, which is what the paper says of its networks.
    """

    def __init__(self, filters: int, kernel_size: int, *, steps: int = 2, **options: Any) -> None:
        super().__init__(filters, kernel_size, **(options | {"padding": "same"}))
        self.steps = steps

    def call(self, inputs: Any) -> Any:
        """Convolve again and again."""
        x = super().call(inputs)
        for _ in range(self.steps):
            x = super().call(inputs + x)
        return x

    def get_config(self) -> dict[str, Any]:
        """Say how the layer was made."""
        return super().get_config() | {"steps": self.steps}

"""Squeeze and excitation: channels weighted by what the whole image shows."""

from typing import Any

import keras

from membseg.networks._layers import ConvStyle

#: Channels for each hidden one, as in the paper.
_RATIO = 16


def squeeze_excitation(style: ConvStyle, x: Any, name: str) -> Any:
    """Multiply each channel by a number that follows from the means of all channels.

    Parameters
    ----------
    style : ConvStyle
        How layers are made.
    x : tensor of shape (n, height, width, channels)
        Features.
    name : str
        What the names of the layers begin with.

    Returns
    -------
    tensor of the same shape
        The features, weighted.

    Notes
    -----
    Equations 2 to 4 of the paper: means over the whole image, two dense layers (here convolutions
    of 1 x 1 pixels) with ReLU and sigmoid between and behind, 16 channels for each hidden one.
    Ours differs in this: there is at least one hidden channel, and weights are twice the sigmoid,
    so that they start around one; halved block after block, signals would fade where no
    normalisation brings them back.

    References
    ----------
    Hu, Shen and Sun (2018), "Squeeze-and-Excitation Networks", doi 10.1109/CVPR.2018.00745.
    """
    filters = x.shape[-1]
    weights = keras.layers.GlobalAveragePooling2D(
        "channels_last", keepdims=True, name=f"{name}_mean", dtype=style.dtype
    )(x)
    for step, n, activation in (
        ("squeeze", max(filters // _RATIO, 1), "relu"),
        ("excite", filters, "sigmoid"),
    ):
        dense = keras.layers.Conv2D(
            n, 1, activation=activation, name=f"{name}_{step}", **style.kernel()
        )
        weights = dense(weights)
    weights = keras.layers.Rescaling(2.0, name=f"{name}_weights", dtype=style.dtype)(weights)
    return keras.layers.Multiply(name=name, dtype=style.dtype)([x, weights])

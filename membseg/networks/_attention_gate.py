"""Attention gates: a bridge lets through what the coarser level asks for."""

from typing import Any

import keras

from membseg.networks._bilinear import BilinearUpsampling
from membseg.networks._layers import ConvStyle


def attention_gate(style: ConvStyle, x: Any, gating: Any, name: str) -> Any:
    """Multiply each pixel of a bridge by a number between zero and one.

    Parameters
    ----------
    style : ConvStyle
        How layers are made.
    x : tensor of shape (n, 2 * height, 2 * width, channels)
        Features that go over the bridge.
    gating : tensor of shape (n, height, width, any channels)
        Features of the next coarser level on the way up.
    name : str
        What the names of the layers begin with.

    Returns
    -------
    tensor of the shape of `x`
        The features, weighted.

    Notes
    -----
    The additive attention of equations 1 and 2 of the paper, in two dimensions: ``q = psi
    relu(W_x x + W_g g + b_g) + b_psi`` and ``alpha = sigmoid(q)``, at the resolution of the gating
    signal, to which `W_x` comes by a convolution of 2 x 2 pixels and stride 2; then alpha is
    enlarged linearly and `x` multiplied by it. There are as many intermediate channels as `x` has.

    References
    ----------
    Oktay, Schlemper, Le Folgoc et al. (2018), "Attention U-Net: Learning Where to Look for the
    Pancreas", arXiv 1804.03999.
    """
    filters = x.shape[-1]
    fine = keras.layers.Conv2D(
        filters, 2, strides=2, use_bias=False, name=f"{name}_features", **style.kernel()
    )(x)
    coarse = keras.layers.Conv2D(filters, 1, name=f"{name}_signal", **style.kernel())(gating)
    total = keras.layers.Add(name=f"{name}_sum", dtype=style.dtype)([fine, coarse])
    total = keras.layers.ReLU(name=f"{name}_relu", dtype=style.dtype)(total)
    alpha = keras.layers.Conv2D(
        1, 1, activation="sigmoid", name=f"{name}_attention", **style.kernel()
    )(total)
    alpha = BilinearUpsampling(2, name=f"{name}_upsample", dtype=style.dtype)(alpha)
    return keras.layers.Multiply(name=name, dtype=style.dtype)([x, alpha])

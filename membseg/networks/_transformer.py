"""A transformer block on the pixels of an image."""

from typing import Any

import keras

from membseg.networks._layers import ConvStyle
from membseg.networks._residual_gain import ResidualGain
from membseg.networks._window_attention import WindowAttention

#: Side of a window, in pixels of the bottleneck: the whole of a training patch of 192 px at the
#: usual downsampling of 16, so that prediction meets what training has seen.
_WINDOW = 12

#: Channels of a head, and hidden channels for each channel, as in Swin Transformers.
_HEAD_CHANNELS, _EXPANSION = 32, 4


def transformer(style: ConvStyle, x: Any, name: str) -> Any:
    """Let the pixels of an image look at each other.

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
        Features; at first, before anything is learnt, those that came in.

    Notes
    -----
    The block of equations 2 and 3 of TransUNet [1]_, ``x + attention(norm(x))`` and then ``x +
    dense(norm(x))``, with the windows and relative positions of Swin Transformers [2]_: the cost
    stays linear in the number of pixels, no position is new at prediction, and images may be of
    any size. TransUNet has twelve blocks of the width of a ViT, attention over the whole image and
    one embedding for each position of an image of fixed size; it is trained on other images
    first. Ours also multiplies each branch by a number that starts from zero
    (:class:`ResidualGain`).

    Where a window begins depends on where the image does: tiles differ from the whole image.

    References
    ----------
    .. [1] J. Chen, Y. Lu, Q. Yu et al., "TransUNet: Transformers make strong encoders for medical
       image segmentation", 2021, arXiv 2102.04306.
    .. [2] Z. Liu, Y. Lin, Y. Cao et al., "Swin Transformer: Hierarchical vision transformer using
       shifted windows", ICCV 2021, doi 10.1109/ICCV48922.2021.00986.
    """
    attention, dense = f"{name}_attention", f"{name}_dense"
    inner = _attended(style, _normalised(style, x, attention), attention)
    x = _added(style, x, inner, attention)
    inner = _expanded(style, _normalised(style, x, dense), dense)
    return _added(style, x, inner, dense)


def _normalised(style: ConvStyle, x: Any, name: str) -> Any:
    return keras.layers.LayerNormalization(name=f"{name}_norm", dtype=style.dtype)(x)


def _attended(style: ConvStyle, x: Any, name: str) -> Any:
    filters = x.shape[-1]
    x = _dense(style, x, 3 * filters, f"{name}_projections")
    attention = WindowAttention(
        _count_heads(filters), _WINDOW, name=f"{name}_windows", dtype=style.dtype
    )
    return _dense(style, attention(x), filters, f"{name}_output")


def _expanded(style: ConvStyle, x: Any, name: str) -> Any:
    filters = x.shape[-1]
    x = _dense(style, x, _EXPANSION * filters, f"{name}_hidden", activation="gelu")
    return _dense(style, x, filters, f"{name}_output")


def _added(style: ConvStyle, x: Any, inner: Any, name: str) -> Any:
    inner = ResidualGain(name=f"{name}_gain", dtype=style.dtype)(inner)
    return keras.layers.Add(name=f"{name}_sum", dtype=style.dtype)([x, inner])


def _dense(style: ConvStyle, x: Any, filters: int, name: str, activation: str | None = None) -> Any:
    """A dense layer for each pixel: a convolution of 1 x 1."""
    layer = keras.layers.Conv2D(filters, 1, activation=activation, name=name, **style.kernel())
    return layer(x)


def _count_heads(filters: int) -> int:
    """Heads of about 32 channels: the most that divide the channels."""
    wanted = max(filters // _HEAD_CHANNELS, 1)
    return next(n for n in range(wanted, 0, -1) if filters % n == 0)

"""The fully convolutional network: coarse logits, refined by those of finer levels."""

from itertools import count
from typing import Any

import keras

from membseg.exceptions import InvalidInputError
from membseg.networks._bilinear import BilinearKernel
from membseg.networks._layers import ConvStyle
from membseg.networks._vgg import VGG_CONVS, vgg_block

#: Variant -> the levels whose logits are added, coarse to fine. The last enlargement is by what
#: is left: 32, 16 or 8.
FCN_VARIANTS: dict[str, tuple[int, ...]] = {"32s": (), "16s": (3,), "8s": (3, 2)}

#: Filters of the two layers that were VGG16's fully connected ones, in units of `base_filters`.
_HEAD_WIDTH = 64


def build_fcn(
    n_channels: int = 1,
    *,
    variant: str = "8s",
    base_filters: int = 16,
    stem_stride: int = 1,
    norm_layer: str = "none",
    dropout: float = 0.5,
    l1: float = 0.0,
    l2: float = 0.0,
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """Build a fully convolutional network with the layers of VGG16.

    Parameters
    ----------
    n_channels : int, default=1
        Channels of the images.
    variant : {"32s", "16s", "8s"}, default="8s"
        Stride of the finest logits: of the last level alone, or with those of the fourth pooling
        added, or with those of the third as well.
    base_filters : int, default=16
        Channels of the first level. The paper has 64.
    stem_stride : {1, 2}, default=1
        With 2 a strided convolution comes first, and everything works at half resolution.
    norm_layer : {"none", "batch", "group"}, default="none"
        Normalisation after each convolution; the paper has none.
    dropout : float, default=0.5
        Rate of spatial dropout, in [0, 1), after each of the two layers that were fully connected,
        as in the paper.
    l1, l2 : float, default=0.0
        Penalties on the kernels of convolutions.
    dtype : str, default="float32"
        Keras dtype policy of the layers; the logits are float32 in any case.
    seed : int, default=0
        Seed of the initial weights and of dropout. Global random states are not used.

    Returns
    -------
    keras.Model
        A functional model, (n, height, width, n_channels) to (n, height, width, 1) logits.
        Height and width must be multiples of ``32 * stem_stride``.

    Raises
    ------
    InvalidInputError
        If `variant` or `norm_layer` is unknown, or `stem_stride` is neither 1 nor 2.

    Notes
    -----
    After the paper's figure 3: five blocks of VGG16, each with a pooling, a 7 x 7 and a 1 x 1
    convolution with 64 times the filters of the first level, and logits that are enlarged by
    transposed convolutions. Those between levels start from bilinear interpolation and learn; the
    last one is bilinear interpolation for good; layers that give logits start from zero. Ours
    differs in this: there is one logit a pixel instead of 21 classes; images are continued by
    zeros as far as the kernels need, not by 100 px; all other weights start from He's normal
    distribution instead of VGG16's trained ones; the finer variants are trained in one go, not
    after the coarser ones; dropout drops whole channels.

    References
    ----------
    Long, Shelhamer and Darrell (2015), "Fully Convolutional Networks for Semantic Segmentation",
    doi 10.1109/CVPR.2015.7298965. Simonyan and Zisserman (2015), "Very Deep Convolutional
    Networks for Large-Scale Image Recognition", arXiv 1409.1556, for VGG16.

    Examples
    --------
    >>> from membseg.networks import build_fcn
    >>> build_fcn(variant="16s", base_filters=2).output_shape
    (None, None, None, 1)
    """
    if variant not in FCN_VARIANTS:
        raise InvalidInputError(
            f"variant must be one of {', '.join(FCN_VARIANTS)}; got {variant!r}."
        )
    style = ConvStyle(norm_layer=norm_layer, l1=l1, l2=l2, dtype=dtype, seeds=count(seed))
    inputs = keras.Input((None, None, n_channels), dtype="float32", name="image")
    x: Any = style.stem(inputs, base_filters, stem_stride)
    pooled = []
    for level in range(len(VGG_CONVS)):
        x = style.pool(vgg_block(style, x, level, base_filters), f"down{level}_pool")
        pooled.append(x)
    for k, kernel_size in enumerate((7, 1)):
        x = style.conv(x, _HEAD_WIDTH * base_filters, f"head_conv{k}", kernel_size=kernel_size)
        x = style.dropout(x, dropout, f"head_conv{k}_dropout")
    logits = _score(style, x, "score")
    for level in FCN_VARIANTS[variant]:
        logits = _enlarge(logits, 2, f"up{level}_upsample", trainable=True)
        finer = _score(style, pooled[level], f"up{level}_score")
        logits = keras.layers.Add(name=f"up{level}_sum", dtype="float32")([logits, finer])
    factor = 32 // 2 ** len(FCN_VARIANTS[variant])
    logits = _enlarge(logits, factor * stem_stride, "logits", trainable=False)
    return keras.Model(inputs, logits, name="fcn")


def _score(style: ConvStyle, x: Any, name: str) -> Any:
    """One logit a place, zero at first."""
    options = style.kernel() | {"dtype": "float32", "kernel_initializer": "zeros"}
    return keras.layers.Conv2D(1, 1, name=name, **options)(x)


def _enlarge(logits: Any, factor: int, name: str, *, trainable: bool) -> Any:
    layer = keras.layers.Conv2DTranspose(
        1,
        2 * factor,
        strides=factor,
        padding="same",
        use_bias=False,
        kernel_initializer=BilinearKernel(),
        data_format="channels_last",
        trainable=trainable,
        name=name,
        dtype="float32",
    )
    return layer(logits)

"""SegNet: a decoder that puts values back to where the encoder's poolings found them."""

from itertools import count
from typing import Any

import keras

from membseg.exceptions import InvalidInputError
from membseg.networks._layers import ConvStyle
from membseg.networks._unpooling import MaxPlaces, MaxUnpooling
from membseg.networks._vgg import VGG_CONVS, VGG_WIDTHS, vgg_block


def build_segnet(
    n_channels: int = 1,
    *,
    depth: int = 5,
    base_filters: int = 16,
    stem_stride: int = 1,
    norm_layer: str = "batch",
    l1: float = 0.0,
    l2: float = 0.0,
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """Build a SegNet with the layers of VGG16.

    Parameters
    ----------
    n_channels : int, default=1
        Channels of the images.
    depth : int, default=5
        Number of poolings, 1 to 5: how many blocks of VGG16 the encoder has. The paper has 5.
    base_filters : int, default=16
        Channels of the first level. The paper has 64.
    stem_stride : {1, 2}, default=1
        With 2 a strided convolution comes first, and everything works at half resolution.
    norm_layer : {"none", "batch", "group"}, default="batch"
        Normalisation after each convolution.
    l1, l2 : float, default=0.0
        Penalties on the kernels.
    dtype : str, default="float32"
        Keras dtype policy of the layers; the logits are float32 in any case.
    seed : int, default=0
        Seed of the initial weights. Global random states are not used.

    Returns
    -------
    keras.Model
        A functional model, (n, height, width, n_channels) to (n, height, width, 1) logits.
        Height and width must be multiples of ``stem_stride * 2**depth``.

    Raises
    ------
    InvalidInputError
        If `depth` is not 1 to 5, `norm_layer` is unknown, or `stem_stride` is neither 1 nor 2.

    Notes
    -----
    After the paper's figure 2: the encoder is VGG16's blocks, the decoder their mirror image, with
    batch normalisation and ReLU after each convolution. A decoder block begins by putting each
    value to the place of its 2 x 2 window where the encoder's pooling of that level found the
    largest one, and zeros around it; of equal ones the first in reading order counts. Ours differs
    in this: there is one logit a pixel, by a 3 x 3 convolution, instead of the softmax over
    classes; weights start from He's normal distribution instead of VGG16's trained ones; images
    are normalised by the caller.

    References
    ----------
    Badrinarayanan, Kendall and Cipolla (2017), "SegNet: A Deep Convolutional Encoder-Decoder
    Architecture for Image Segmentation", doi 10.1109/TPAMI.2016.2644615.

    Examples
    --------
    >>> from membseg.networks import build_segnet
    >>> build_segnet(depth=2, base_filters=2).output_shape
    (None, None, None, 1)
    """
    if depth not in range(1, len(VGG_CONVS) + 1):
        raise InvalidInputError(
            f"depth must be 1 to {len(VGG_CONVS)}, the number of VGG16's blocks; got {depth!r}."
        )
    style = ConvStyle(norm_layer=norm_layer, l1=l1, l2=l2, dtype=dtype, seeds=count(seed))
    inputs = keras.Input((None, None, n_channels), dtype="float32", name="image")
    x: Any = style.stem(inputs, base_filters, stem_stride)
    places = []
    for level in range(depth):
        x = vgg_block(style, x, level, base_filters)
        places.append(MaxPlaces(name=f"down{level}_places", dtype=dtype)(x))
        x = style.pool(x, f"down{level}_pool")
    for level in reversed(range(depth)):
        x = MaxUnpooling(name=f"up{level}_unpool", dtype=dtype)([x, places[level]])
        x = _decoder_block(style, x, level, base_filters)
    if stem_stride == 2:
        x = style.upsample(x, base_filters, "head_upsample", activation="relu")
    options = style.kernel() | {"dtype": "float32"}
    logits = keras.layers.Conv2D(1, 3, padding="same", name="logits", **options)(x)
    return keras.Model(inputs, logits, name="segnet")


def _decoder_block(style: ConvStyle, x: Any, level: int, base_filters: int) -> Any:
    """The mirror image of an encoder's block; its last convolution leads to the next level.

    (The first level's last one is the convolution that gives the logits.)
    """
    last = VGG_CONVS[level] - 1
    for k in range(last + (level > 0)):
        width = VGG_WIDTHS[level if k < last else level - 1]
        x = style.conv(x, base_filters * width, f"up{level}_conv{k}")
    return x

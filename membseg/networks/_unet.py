"""The U-Net: a contracting path, an expanding path, and bridges between them."""

from itertools import count
from typing import Any

import keras

from membseg.exceptions import InvalidInputError
from membseg.networks._layers import ConvStyle


def build_unet(
    n_channels: int = 1,
    *,
    depth: int = 4,
    base_filters: int = 16,
    stem_stride: int = 1,
    zoom: int = 1,
    norm_layer: str = "none",
    dropout: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """Build a U-Net that turns an image into membrane logits of the same size.

    Parameters
    ----------
    n_channels : int, default=1
        Channels of the images.
    depth : int, default=4
        Number of poolings; level `d` has ``base_filters * 2**d`` channels.
    base_filters : int, default=16
        Channels of the first level. The paper has 64.
    stem_stride : {1, 2}, default=1
        With 2 a strided convolution comes first, and the body works at half resolution.
    zoom : {1, 2}, default=1
        With 2 the image is enlarged to twice its height and width first, smoothly, and the
        logits are brought back to its size by the mean of each 2 x 2 block.
    norm_layer : {"none", "batch", "group"}, default="none"
        Normalisation after each convolution.
    dropout : float, default=0.0
        Rate of spatial dropout, in [0, 1), in the bottleneck and the level above it, where the
        paper has it.
    l1, l2 : float, default=0.0
        Penalties on the kernels.
    dtype : str, default="float32"
        Keras dtype policy of the layers; the logits are float32 in any case.
    seed : int, default=0
        Seed of the initial weights and of dropout. Global random states are not used.

    Returns
    -------
    keras.Model
        A functional model, (n, height, width, n_channels) to (n, height, width, 1) logits.
        Height and width must be multiples of ``stem_stride * 2**depth / zoom``.

    Raises
    ------
    InvalidInputError
        If `stem_stride` or `zoom` is neither 1 nor 2, or `norm_layer` is unknown.

    Notes
    -----
    Ours differs from the paper's figure 1 in this: convolutions are padded, so that the output
    has the input's size; there is one logit a pixel instead of two classes; weights start from
    He's normal distribution throughout, and dropout drops whole channels.

    References
    ----------
    Ronneberger, Fischer and Brox (2015), "U-Net: Convolutional Networks for Biomedical Image
    Segmentation", doi 10.1007/978-3-319-24574-4_28.

    Examples
    --------
    >>> from membseg.networks import build_unet
    >>> build_unet(depth=2, base_filters=4).output_shape
    (None, None, None, 1)
    """
    if zoom not in (1, 2):
        raise InvalidInputError(f"zoom must be 1 or 2; got {zoom!r}.")
    style = ConvStyle(norm_layer=norm_layer, l1=l1, l2=l2, dtype=dtype, seeds=count(seed))
    filters = [base_filters * 2**level for level in range(depth + 1)]
    inputs = keras.Input((None, None, n_channels), dtype="float32", name="image")
    x: Any = inputs
    if zoom == 2:
        x = style.enlarge(x, "zoom_in")
    x = style.stem(x, base_filters, stem_stride)
    bridges = []
    for level in range(depth):
        x = _block(style, x, filters[level], f"down{level}")
        if level == depth - 1:
            x = style.dropout(x, dropout, f"down{level}_dropout")
        bridges.append(x)
        x = style.pool(x, f"down{level}_pool")
    x = _block(style, x, filters[depth], "bottleneck")
    x = style.dropout(x, dropout, "bottleneck_dropout")
    for level in reversed(range(depth)):
        x = style.upsample(x, filters[level], f"up{level}_upsample")
        x = keras.layers.Concatenate(name=f"up{level}_bridge", dtype=dtype)([bridges[level], x])
        x = _block(style, x, filters[level], f"up{level}")
    if stem_stride == 2:
        x = style.upsample(x, base_filters, "head_upsample", activation="relu")
    logits = keras.layers.Conv2D(1, 1, name="logits", **(style.kernel() | {"dtype": "float32"}))(x)
    if zoom == 2:
        logits = keras.layers.AveragePooling2D(
            2, data_format="channels_last", name="zoom_out", dtype="float32"
        )(logits)
    return keras.Model(inputs, logits, name="unet")


def _block(style: ConvStyle, x: Any, filters: int, name: str) -> Any:
    return style.conv(style.conv(x, filters, f"{name}_conv0"), filters, f"{name}_conv1")


def unet_reach(depth: int, stem_stride: int = 1, zoom: int = 1) -> int:
    """Give the radius of the U-Net's receptive field.

    Parameters
    ----------
    depth : int
        Number of poolings.
    stem_stride : {1, 2}, default=1
        Stride of the stem.
    zoom : {1, 2}, default=1
        Enlargement before the stem.

    Returns
    -------
    int
        Pixels beyond which the input cannot change a logit, rounded up to a multiple of the
        total downsampling, ``stem_stride * 2**depth / zoom``.

    Examples
    --------
    >>> from membseg.networks import unet_reach
    >>> unet_reach(depth=3, stem_stride=2)
    112
    """
    # Each 3x3 convolution reaches one pixel of its level; a level has two on the way down and
    # two on the way up. A pooling window or a transposed convolution may lie on either side of
    # the pixel: one more pixel of its level.
    body = sum(5 * 2**level for level in range(depth)) + 2 * 2**depth
    reach = stem_stride * body + 2 * (stem_stride - 1)
    if zoom == 2:
        # A pixel of the image is two enlarged ones; the smoothing reaches one of these further,
        # and so does the mean of two logits. (The stem's own reach lies within that.)
        reach = (stem_stride * body + 2) // 2
    factor = stem_stride * 2**depth // zoom
    return -(-reach // factor) * factor

"""The U-Net: a contracting path, an expanding path, bridges between them; and its variants."""

from itertools import count
from typing import Any

import keras

from membseg.exceptions import InvalidInputError
from membseg.networks._attention_gate import attention_gate
from membseg.networks._heads import MeanOfHeads
from membseg.networks._layers import ConvStyle
from membseg.networks._nested import nested_ends
from membseg.networks._transformer import transformer
from membseg.networks._unet_blocks import UNetBlocks
from membseg.networks._unet_variants import check_variant


def build_unet(
    n_channels: int = 1,
    *,
    depth: int = 4,
    base_filters: int = 16,
    stem_stride: int = 1,
    zoom: int = 1,
    norm_layer: str = "none",
    dropout: float = 0.0,
    dropout_kind: str = "spatial",
    block: str = "plain",
    skips: str = "plain",
    deep_supervision: bool = False,
    squeeze_excitation: bool = False,
    bottleneck: str = "conv",
    stochastic_depth: float = 0.0,
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
        Rate of dropout, in [0, 1), in the bottleneck and the level above it, where the paper has
        it.
    dropout_kind : {"spatial", "elementwise"}, default="spatial"
        Whether whole channels are dropped, or single values, as in the paper.
    block : {"plain", "residual", "recurrent"}, default="plain"
        Two convolutions; the same with a shortcut around them [2]_ [3]_; or two recurrent
        convolutions of two steps with a shortcut, as in R2U-Net [4]_.
    skips : {"plain", "attention", "nested"}, default="plain"
        How the way down is bridged to the way up: as it is; weighted by attention gates, as in
        Attention U-Net [5]_; or by a net of blocks between the two, as in U-Net++ [6]_.
    deep_supervision : bool, default=False
        Whether each node of the finest level of nested `skips` has logits of its own. The network
        gives their mean, and all of them, as channels, when it is called with ``training=True``.
    squeeze_excitation : bool, default=False
        Whether the channels of each block are weighted by what the whole image shows [7]_.
    bottleneck : {"conv", "transformer"}, default="conv"
        With "transformer" a block of self-attention in windows of 12 x 12 pixels follows that of
        the bottleneck, as in TransUNet [8]_ with the windows of [9]_.
    stochastic_depth : float, default=0.0
        Rate, in [0, 1), at which the last residual or recurrent block is skipped in training;
        those before it are skipped less, falling linearly to the image [10]_.
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
        If `stem_stride` or `zoom` is neither 1 nor 2, `norm_layer`, `dropout_kind`, `block`,
        `skips` or `bottleneck` is unknown, `deep_supervision` is asked for without nested skips, or
        `stochastic_depth` without shortcuts.

    Notes
    -----
    Ours differs from figure 1 of the paper [1]_ in this: convolutions are padded, so that the
    output has the input's size; there is one logit a pixel instead of two classes; weights start
    from He's normal distribution throughout, and dropout drops whole channels.

    The variants are meant to change one thing each, and can be had together. What is added to a
    shortcut is multiplied by a number that is learnt and starts small, so that signals keep their
    size without normalisation. Attention gates stand at all levels, the finest one included. Logits
    of deep supervision are averaged, where the paper averages probabilities; with ``stem_stride=2``
    the last node is enlarged before its logits, as without supervision, and the others by the
    transposed convolution that gives their logits. Squeeze and excitation and the transformer look
    beyond a receptive field: tiles then differ slightly from the whole image.

    References
    ----------
    .. [1] O. Ronneberger, P. Fischer and T. Brox, "U-Net: Convolutional networks for biomedical
       image segmentation", MICCAI 2015, doi 10.1007/978-3-319-24574-4_28.
    .. [2] K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition", CVPR
       2016, doi 10.1109/CVPR.2016.90.
    .. [3] Z. Zhang, Q. Liu and Y. Wang, "Road extraction by deep residual U-Net", IEEE GRSL 2018,
       doi 10.1109/LGRS.2018.2802944. There normalisation and ReLU come before convolutions.
    .. [4] M. Z. Alom, M. Hasan, C. Yakopcic, T. M. Taha and V. K. Asari, "Recurrent residual
       convolutional neural network based on U-Net (R2U-Net) for medical image segmentation", 2018,
       arXiv 1802.06955.
    .. [5] O. Oktay, J. Schlemper, L. Le Folgoc et al., "Attention U-Net: Learning where to look for
       the pancreas", 2018, arXiv 1804.03999.
    .. [6] Z. Zhou, M. M. Rahman Siddiquee, N. Tajbakhsh and J. Liang, "UNet++: A nested U-Net
       architecture for medical image segmentation", DLMIA 2018, doi 10.1007/978-3-030-00889-5_1.
    .. [7] J. Hu, L. Shen and G. Sun, "Squeeze-and-excitation networks", CVPR 2018,
       doi 10.1109/CVPR.2018.00745.
    .. [8] J. Chen, Y. Lu, Q. Yu et al., "TransUNet: Transformers make strong encoders for medical
       image segmentation", 2021, arXiv 2102.04306.
    .. [9] Z. Liu, Y. Lin, Y. Cao et al., "Swin Transformer: Hierarchical vision transformer using
       shifted windows", ICCV 2021, doi 10.1109/ICCV48922.2021.00986.
    .. [10] G. Huang, Y. Sun, Z. Liu, D. Sedra and K. Q. Weinberger, "Deep networks with stochastic
       depth", ECCV 2016, doi 10.1007/978-3-319-46493-0_39.

    Examples
    --------
    >>> from membseg.networks import build_unet
    >>> build_unet(depth=2, base_filters=4).output_shape
    (None, None, None, 1)
    """
    if zoom not in (1, 2):
        raise InvalidInputError(f"zoom must be 1 or 2; got {zoom!r}.")
    check_variant(
        dropout_kind=dropout_kind,
        block=block,
        skips=skips,
        deep_supervision=deep_supervision,
        bottleneck=bottleneck,
        stochastic_depth=stochastic_depth,
    )
    style = ConvStyle(norm_layer=norm_layer, l1=l1, l2=l2, dtype=dtype, seeds=count(seed))
    blocks = UNetBlocks(
        style,
        block=block,
        squeeze_excitation=squeeze_excitation,
        stochastic_depth=stochastic_depth,
        length=2 * depth + 1,
    )
    inputs = keras.Input((None, None, n_channels), dtype="float32", name="image")
    x: Any = inputs
    if zoom == 2:
        x = style.enlarge(x, "zoom_in")
    x = style.stem(x, base_filters, stem_stride)
    levels = []
    for level in range(depth):
        x = blocks.make(x, base_filters * 2**level, f"down{level}", number=level + 1)
        if level == depth - 1:
            x = style.dropout(x, dropout, f"down{level}_dropout", dropout_kind)
        levels.append(x)
        x = style.pool(x, f"down{level}_pool")
    x = blocks.make(x, base_filters * 2**depth, "bottleneck", number=depth + 1)
    if bottleneck == "transformer":
        x = transformer(style, x, "bottleneck_transformer")
    levels.append(style.dropout(x, dropout, "bottleneck_dropout", dropout_kind))
    if skips == "nested":
        ends = nested_ends(blocks, levels)
    else:
        ends = [_way_up(blocks, levels, gated=skips == "attention")]
    logits = _logits(style, ends if deep_supervision else ends[-1:], stem_stride, zoom)
    return keras.Model(inputs, logits, name="unet")


def _way_up(blocks: UNetBlocks, levels: list[Any], gated: bool) -> Any:
    """Enlarge, join what comes over the bridge, and put a block behind, level by level."""
    style, depth = blocks.style, len(levels) - 1
    x = levels[-1]
    for level in reversed(range(depth)):
        bridge, filters = levels[level], levels[level].shape[-1]
        if gated:
            bridge = attention_gate(style, bridge, x, f"up{level}_gate")
        x = style.upsample(x, filters, f"up{level}_upsample")
        x = keras.layers.Concatenate(name=f"up{level}_bridge", dtype=style.dtype)([bridge, x])
        x = blocks.make(x, filters, f"up{level}", number=2 * depth + 1 - level)
    return x


def _logits(style: ConvStyle, ends: list[Any], stem_stride: int, zoom: int) -> Any:
    """Put a head behind each end, and give the mean of their logits at the size of the image."""
    *early, last = ends
    if not early:
        logits = _head(style, last, stem_stride, "logits")
        return _shrunk(logits) if zoom == 2 else logits
    heads = [_early_head(style, x, stem_stride, f"head{k}_logits") for k, x in enumerate(early)]
    heads.append(_head(style, last, stem_stride, f"head{len(early)}_logits"))
    logits = keras.layers.Concatenate(name="heads", dtype="float32")(heads)
    return MeanOfHeads(name="logits", dtype="float32")(_shrunk(logits) if zoom == 2 else logits)


def _head(style: ConvStyle, x: Any, stem_stride: int, name: str) -> Any:
    if stem_stride == 2:
        x = style.upsample(x, x.shape[-1], "head_upsample", activation="relu")
    options = style.kernel() | {"dtype": "float32"}
    return keras.layers.Conv2D(1, 1, name=name, **options)(x)


def _early_head(style: ConvStyle, x: Any, stem_stride: int, name: str) -> Any:
    """Enlarge to logits at once: channels at full resolution are what costs most."""
    options = style.kernel() | {"dtype": "float32"}
    layer = keras.layers.Conv2DTranspose(1, stem_stride, strides=stem_stride, name=name, **options)
    return layer(x)


def _shrunk(logits: Any) -> Any:
    """Undo the zoom: the mean of each 2 x 2 block."""
    layer = keras.layers.AveragePooling2D(
        2, data_format="channels_last", name="zoom_out", dtype="float32"
    )
    return layer(logits)


def unet_reach(depth: int, stem_stride: int = 1, zoom: int = 1) -> int:
    """Give the radius of the plain U-Net's receptive field.

    For the variants, see :func:`network_reach`.

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

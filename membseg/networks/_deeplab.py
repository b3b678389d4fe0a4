"""DeepLabV3+: atrous convolutions at several rates, and a decoder with fine features."""

from itertools import count
from typing import Any

import keras

from membseg.exceptions import InvalidInputError
from membseg.networks._bilinear import BilinearUpsampling
from membseg.networks._layers import ConvStyle
from membseg.networks._resnet import BACKBONES, residual_stages
from membseg.networks._spread import Spread

#: What the parameter `output_stride` may be.
OUTPUT_STRIDES = (8, 16)

#: Downsampling of the fine features that the decoder takes in, and of its logits.
_FINE_STRIDE = 4

#: Filters of the pyramid and the decoder, in units of `base_filters`.
_WIDTH = 4


def build_deeplab(
    n_channels: int = 1,
    *,
    output_stride: int = 16,
    backbone: str = "compact",
    base_filters: int = 16,
    atrous_rate: int = 6,
    norm_layer: str = "batch",
    dropout: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """Build a DeepLabV3+ with a residual backbone.

    Parameters
    ----------
    n_channels : int, default=1
        Channels of the images.
    output_stride : {8, 16}, default=16
        Downsampling of the encoder; later stages take wider convolutions instead.
    backbone : {"compact", "resnet101"}, default="compact"
        "compact": four stages of two blocks of two 3 x 3 convolutions, sized for a processor.
        "resnet101": the paper's, stages of 3, 4, 23 and 3 bottlenecks.
    base_filters : int, default=16
        Channels of the stem and of the first stage, which double from stage to stage; the pyramid
        and the decoder have four times as many. The paper has 64.
    atrous_rate : int, default=6
        Smallest rate of the pyramid at an output stride of 16; the others are twice and three
        times as large, and all are twice as large at a stride of 8. The paper has 6, for crops of
        513 px.
    norm_layer : {"none", "batch", "group"}, default="batch"
        Normalisation after each convolution.
    dropout : float, default=0.0
        Rate of spatial dropout, in [0, 1), behind the pyramid. The paper names none.
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
        Height and width must be multiples of `output_stride`.

    Raises
    ------
    InvalidInputError
        If `output_stride` is neither 8 nor 16, or `backbone` or `norm_layer` is unknown.

    Notes
    -----
    After the paper's figure 2: the pyramid is a 1 x 1 convolution, 3 x 3 convolutions at three
    rates and the mean over the whole image, all joined by a 1 x 1 convolution; the decoder enlarges
    it to a quarter of the image's resolution, joins the first stage's features, reduced by a 1 x 1
    convolution to 3/4 of `base_filters` (the paper's 48), and ends in two 3 x 3 convolutions, the
    logits and a bilinear enlargement. The rates of the last stage's blocks are 1, 2 and 4 times the
    stage's, as in the authors' DeepLabv3. Ours differs in this: the backbone is a residual network
    (the paper's section 4.2), not Xception, and all convolutions are plain, not separable; there is
    one logit a pixel; weights start from He's normal distribution instead of those trained on
    other images; the network is trained at the output stride that it predicts with.

    Since the mean is over the whole image, tiles differ slightly from the whole image.

    References
    ----------
    Chen, Zhu, Papandreou, Schroff and Adam (2018), "Encoder-Decoder with Atrous Separable
    Convolution for Semantic Image Segmentation", doi 10.1007/978-3-030-01234-2_49. Chen,
    Papandreou, Schroff and Adam (2017), "Rethinking Atrous Convolution for Semantic Image
    Segmentation", arXiv 1706.05587. He, Zhang, Ren and Sun (2016), "Deep Residual Learning for
    Image Recognition", doi 10.1109/CVPR.2016.90.

    Examples
    --------
    >>> from membseg.networks import build_deeplab
    >>> build_deeplab(base_filters=4).output_shape
    (None, None, None, 1)
    """
    if output_stride not in OUTPUT_STRIDES:
        raise InvalidInputError(f"output_stride must be 8 or 16; got {output_stride!r}.")
    if backbone not in BACKBONES:
        raise InvalidInputError(
            f"backbone must be one of {', '.join(BACKBONES)}; got {backbone!r}."
        )
    style = ConvStyle(norm_layer=norm_layer, l1=l1, l2=l2, dtype=dtype, seeds=count(seed))
    inputs = keras.Input((None, None, n_channels), dtype="float32", name="image")
    stages = residual_stages(style, inputs, backbone, base_filters, output_stride)
    filters = _WIDTH * base_filters
    x = _pyramid(style, stages[-1], filters, atrous_rate * OUTPUT_STRIDES[-1] // output_stride)
    x = style.dropout(x, dropout, "pyramid_dropout")
    x = BilinearUpsampling(output_stride // _FINE_STRIDE, name="pyramid_upsample", dtype=dtype)(x)
    fine = style.conv(stages[0], max(3 * base_filters // 4, 1), "fine", kernel_size=1)
    x = keras.layers.Concatenate(name="fine_bridge", dtype=dtype)([x, fine])
    for k in range(2):
        x = style.conv(x, filters, f"decoder_conv{k}")
    options = style.kernel() | {"dtype": "float32"}
    x = keras.layers.Conv2D(1, 1, name="score", **options)(x)
    logits = BilinearUpsampling(_FINE_STRIDE, name="logits", dtype="float32")(x)
    return keras.Model(inputs, logits, name="deeplab")


def _pyramid(style: ConvStyle, x: Any, filters: int, rate: int) -> Any:
    """Look at several rates and at the whole image, and join what was seen."""
    seen = [style.conv(x, filters, "pyramid_near", kernel_size=1)]
    seen += [style.conv(x, filters, f"pyramid_atrous{k}", rate=rate * (k + 1)) for k in range(3)]
    mean = keras.layers.GlobalAveragePooling2D(
        "channels_last", keepdims=True, name="pyramid_mean", dtype=style.dtype
    )(x)
    mean = style.conv(mean, filters, "pyramid_image", kernel_size=1)
    seen.append(Spread(name="pyramid_spread", dtype=style.dtype)([mean, x]))
    joined = keras.layers.Concatenate(name="pyramid_bridge", dtype=style.dtype)(seen)
    return style.conv(joined, filters, "pyramid", kernel_size=1)

"""Residual networks whose last stages look wider instead of pooling further."""

from typing import Any

import keras

from membseg.networks._layers import ConvStyle

#: Backbone -> blocks of each stage, and whether a block is a bottleneck (1 x 1, 3 x 3, 1 x 1
#: convolutions, the last with four times the filters) or basic (two 3 x 3 convolutions).
BACKBONES: dict[str, tuple[tuple[int, ...], bool]] = {
    "compact": ((2, 2, 2, 2), False),
    "resnet101": ((3, 4, 23, 3), True),
}

#: Downsampling of the first stage: the stem's stride and the pooling behind it.
_FIRST_STRIDE = 4


def residual_stages(
    style: ConvStyle, x: Any, backbone: str, base_filters: int, output_stride: int
) -> list[Any]:
    """Put stem and four stages of residual blocks after an image: the output of each stage.

    Stages halve the resolution until it is 1 / `output_stride`; from then on the rate of their
    convolutions doubles instead. The blocks of the last stage double theirs once more, one after
    the other.
    """
    x = style.conv(x, base_filters, "stem", kernel_size=7, strides=2)
    x = keras.layers.MaxPooling2D(
        3, 2, "same", data_format="channels_last", name="stem_pool", dtype=style.dtype
    )(x)
    n_blocks, is_bottleneck = BACKBONES[backbone]
    block = bottleneck_block if is_bottleneck else basic_block
    stages = []
    stride, rate = _FIRST_STRIDE, 1
    for stage, n in enumerate(n_blocks):
        strides = 2 if stage and stride < output_stride else 1
        rate *= 2 if stage and strides == 1 else 1
        stride *= strides
        for k in range(n):
            name = f"stage{stage}_block{k}"
            wider = rate * 2**k if stage == len(n_blocks) - 1 else rate
            x = block(style, x, base_filters * 2**stage, name, strides if k == 0 else 1, wider)
        stages.append(x)
    return stages


def basic_block(
    style: ConvStyle, x: Any, filters: int, name: str, strides: int = 1, rate: int = 1
) -> Any:
    """Two 3 x 3 convolutions, and a shortcut."""
    inner = _wide(style, x, filters, f"{name}_conv0", strides, rate)
    inner = style.conv(inner, filters, f"{name}_conv1", rate=rate, relu=False)
    return _joined(style, x, inner, name, strides)


def bottleneck_block(
    style: ConvStyle, x: Any, filters: int, name: str, strides: int = 1, rate: int = 1
) -> Any:
    """1 x 1, 3 x 3 and 1 x 1 convolutions, the last with four times the filters, and a shortcut."""
    inner = style.conv(x, filters, f"{name}_conv0", kernel_size=1)
    inner = _wide(style, inner, filters, f"{name}_conv1", strides, rate)
    inner = style.conv(inner, 4 * filters, f"{name}_conv2", kernel_size=1, relu=False)
    return _joined(style, x, inner, name, strides)


def _wide(style: ConvStyle, x: Any, filters: int, name: str, strides: int, rate: int) -> Any:
    """The 3 x 3 convolution that has the block's stride, or else its rate."""
    return style.conv(x, filters, name, strides=strides, rate=rate if strides == 1 else 1)


def _joined(style: ConvStyle, x: Any, inner: Any, name: str, strides: int) -> Any:
    """Add what came in, by way of a 1 x 1 convolution where shapes differ."""
    filters = inner.shape[-1]
    if strides != 1 or x.shape[-1] != filters:
        options: dict[str, Any] = {"kernel_size": 1, "strides": strides, "relu": False}
        x = style.conv(x, filters, f"{name}_shortcut", **options)
    total = keras.layers.Add(name=f"{name}_sum", dtype=style.dtype)([x, inner])
    return keras.layers.ReLU(name=name, dtype=style.dtype)(total)

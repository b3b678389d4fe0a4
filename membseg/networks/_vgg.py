"""The convolutions of VGG16, which FCN and SegNet begin with."""

from typing import Any

from membseg.networks._layers import ConvStyle

#: Convolutions of each block, and its filters in units of the first block's.
VGG_CONVS = (2, 2, 3, 3, 3)
VGG_WIDTHS = (1, 2, 4, 8, 8)


def vgg_block(style: ConvStyle, x: Any, level: int, base_filters: int) -> Any:
    """Put the 3 x 3 convolutions of a block after `x`, without the pooling behind them."""
    for k in range(VGG_CONVS[level]):
        x = style.conv(x, base_filters * VGG_WIDTHS[level], f"down{level}_conv{k}")
    return x

"""Two paths without pooling, as in DeepMedic: the image, and the image made smaller."""

from dataclasses import dataclass
from typing import Any

import keras

from membseg.networks._bilinear import BilinearUpsampling
from membseg.networks._layers import ConvStyle
from membseg.networks._resnet import basic_block

#: Stride of the stem -> strides of its convolutions.
_STEM: dict[int, tuple[int, ...]] = {1: (), 2: (2,), 4: (2, 2)}


@dataclass(frozen=True)
class _Sizes:
    """How large the parts of a network of two paths are.

    Attributes
    ----------
    coarse_stride : int
        Pixels of the fine path that are one of the coarse path.
    path_filters : tuple of int
        Channels of each pair of convolutions of a path, in thirds of `base_filters`.
    head_filters : int
        Channels of the two 1 x 1 convolutions, in thirds of `base_filters`.
    """

    coarse_stride: int
    path_filters: tuple[int, ...]
    head_filters: int


_SIZES = {
    "compact": _Sizes(4, (3, 3, 3, 3), 6),
    "paper": _Sizes(3, (3, 4, 4, 5), 15),
}


def two_path_features(
    style: ConvStyle, image: Any, layout: str, base_filters: int, stem_stride: int
) -> Any:
    """Put two paths after an image: the coarse one, enlarged, joined with the fine one."""
    sizes = _SIZES[layout]
    filters = [base_filters * thirds // 3 for thirds in sizes.path_filters]
    fine = image
    for k, strides in enumerate(_STEM[stem_stride]):
        fine = style.conv(fine, base_filters, f"stem_conv{k}", strides=strides)
    fine = _path(style, fine, filters, "fine")
    coarse = keras.layers.AveragePooling2D(
        sizes.coarse_stride * stem_stride,
        data_format="channels_last",
        name="coarse_image",
        dtype=style.dtype,
    )(image)
    coarse = _path(style, coarse, filters, "coarse")
    coarse = BilinearUpsampling(sizes.coarse_stride, name="coarse_upsample", dtype=style.dtype)(
        coarse
    )
    x = keras.layers.Concatenate(name="head_bridge", dtype=style.dtype)([fine, coarse])
    for k in range(2):
        n = base_filters * sizes.head_filters // 3
        x = style.conv(x, n, f"head_conv{k}", kernel_size=1)
    return x


def _path(style: ConvStyle, x: Any, filters: list[int], name: str) -> Any:
    """Pairs of 3 x 3 convolutions; from the second pair on, what comes in is added behind it."""
    for k in range(2):
        x = style.conv(x, filters[0], f"{name}_block0_conv{k}")
    for pair, n in enumerate(filters[1:], 1):
        x = basic_block(style, x, n, f"{name}_block{pair}")
    return x

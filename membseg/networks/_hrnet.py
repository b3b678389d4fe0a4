"""HRNet: paths at several resolutions that exchange what they see, again and again."""

from dataclasses import dataclass
from typing import Any

import keras

from membseg.networks._layers import ConvStyle
from membseg.networks._resnet import basic_block, bottleneck_block

#: Stride of the stem -> strides of its two convolutions.
_STEM = {1: (1, 1), 2: (2, 1), 4: (2, 2)}


@dataclass(frozen=True)
class _Sizes:
    """How large the parts of an HRNet are.

    Attributes
    ----------
    first_filters : int or None
        Channels inside the stem and the first stage. None takes those of the finest path.
    n_bottlenecks : int
        Bottlenecks of the first stage, which has one path.
    n_modules : tuple of int
        Modules of the stages of two, three and four paths.
    n_blocks : int
        Blocks of each path between two fusions.
    narrow_head : bool
        Whether all paths get the channels of the finest one before they are enlarged and joined,
        and the head has no more either; else it has as many as the paths have together.
    """

    first_filters: int | None
    n_bottlenecks: int
    n_modules: tuple[int, int, int]
    n_blocks: int
    narrow_head: bool


_SIZES = {
    "compact": _Sizes(None, 0, (1, 1, 1), 1, True),
    "paper": _Sizes(64, 4, (1, 4, 3), 4, False),
}


def hrnet_features(
    style: ConvStyle, x: Any, layout: str, n_paths: int, base_filters: int, stem_stride: int
) -> Any:
    """Put an HRNet after an image, up to the features that the logits are made from."""
    sizes = _SIZES[layout]
    filters = sizes.first_filters or base_filters
    for k, strides in enumerate(_STEM[stem_stride]):
        x = style.conv(x, filters, f"stem_conv{k}", strides=strides)
    for k in range(sizes.n_bottlenecks):
        x = bottleneck_block(style, x, filters, f"stage0_block{k}")
    paths = [x]
    for stage in range(1, n_paths):
        paths = _with_coarser_path(style, paths, base_filters, f"stage{stage}")
        for module in range(sizes.n_modules[stage - 1]):
            paths = _module(style, paths, sizes.n_blocks, f"stage{stage}_module{module}")
    return _head(style, paths, sizes.narrow_head)


def _with_coarser_path(
    style: ConvStyle, paths: list[Any], base_filters: int, stage: str
) -> list[Any]:
    """Let a path of half the last one's resolution begin, and give all their channels."""
    filters = [base_filters * 2**p for p in range(len(paths) + 1)]
    opened = [
        x if x.shape[-1] == n else style.conv(x, n, f"{stage}_enter{p}")
        for p, (x, n) in enumerate(zip(paths, filters[:-1], strict=True))
    ]
    last = len(paths)
    return [*opened, style.conv(paths[-1], filters[-1], f"{stage}_enter{last}", strides=2)]


def _module(style: ConvStyle, paths: list[Any], n_blocks: int, name: str) -> list[Any]:
    """Blocks in each path by itself, and then everything into everything."""
    for k in range(n_blocks):
        paths = [
            basic_block(style, x, x.shape[-1], f"{name}_path{p}_block{k}")
            for p, x in enumerate(paths)
        ]
    return [_fused(style, paths, p, name) for p in range(len(paths))]


def _fused(style: ConvStyle, paths: list[Any], to: int, name: str) -> Any:
    """Add up all paths at the resolution, and with the channels, of one of them."""
    filters = paths[to].shape[-1]
    parts = [
        _brought(style, x, p, to, filters, f"{name}_from{p}_to{to}") for p, x in enumerate(paths)
    ]
    total = keras.layers.Add(name=f"{name}_path{to}_sum", dtype=style.dtype)(parts)
    return keras.layers.ReLU(name=f"{name}_path{to}", dtype=style.dtype)(total)


def _brought(style: ConvStyle, x: Any, here: int, to: int, filters: int, name: str) -> Any:
    """Bring one path to another's resolution and channels."""
    if here > to:
        # In this order, since it is cheaper and gives the same.
        x = style.conv(x, filters, name, kernel_size=1, relu=False)
        return _enlarged(style, x, here - to, f"{name}_up")
    for k in range(here, to):
        is_last = k == to - 1
        n = filters if is_last else x.shape[-1]
        x = style.conv(x, n, f"{name}_conv{k - here}", strides=2, relu=not is_last)
    return x


def _enlarged(style: ConvStyle, x: Any, n_times: int, name: str) -> Any:
    """Twice the height and width, `n_times` over."""
    for k in range(n_times):
        x = style.enlarge(x, f"{name}{k}")
    return x


def _head(style: ConvStyle, paths: list[Any], is_narrow: bool) -> Any:
    """All paths at the resolution of the finest one, joined."""
    filters = paths[0].shape[-1] if is_narrow else sum(x.shape[-1] for x in paths)
    parts = paths[:1]
    for p, x in enumerate(paths[1:], 1):
        if is_narrow:
            x = style.conv(x, filters, f"head_path{p}", kernel_size=1)
        parts.append(_enlarged(style, x, p, f"head_path{p}_up"))
    x = keras.layers.Concatenate(name="head_bridge", dtype=style.dtype)(parts)
    return style.conv(x, filters, "head_conv", kernel_size=1)

"""The rules behind every parameter that may be "auto"."""

import math

import numpy as np

#: Deepest network that "auto" chooses, in powers of two of total downsampling.
_MAX_DOWNSAMPLING = 4

#: The coarsest level should still see this many pixels along an image's side.
_MIN_BOTTLENECK = 6

#: Membranes at least this wide (in pixels) are found at half resolution as well.
_WIDE_MEMBRANE = 4.0

#: Side of a training patch, in pixels, where the images are large enough.
_PATCH_SIZE = 192

#: Bounds of the steps between two looks at the validation part.
_EPOCH_STEPS = (40, 200)

#: Side of a prediction tile, in pixels; and the side for networks whose largest layer holds so many
#: numbers for a pixel. The larger the tile, the smaller the share of its halo.
_TILE_SIZE = 1024
_LARGE_TILE, _NARROW = 2048, 16


def typical_side(sizes: list[tuple[int, int]]) -> int:
    """Give the median over images of the shorter side, in pixels."""
    return int(np.median([min(size) for size in sizes]))


def membrane_width(masks: list[np.ndarray]) -> float:
    """Estimate the mean membrane width in pixels: twice the area over the border's length."""
    area = border = 0
    for mask in masks:
        membrane = mask == 1
        cell = mask == 0
        area += int(np.count_nonzero(membrane))
        for axis in (0, 1):
            first = np.take(membrane, range(mask.shape[axis] - 1), axis)
            second = np.take(cell, range(1, mask.shape[axis]), axis)
            border += int(np.count_nonzero(first & second))
            first = np.take(cell, range(mask.shape[axis] - 1), axis)
            second = np.take(membrane, range(1, mask.shape[axis]), axis)
            border += int(np.count_nonzero(first & second))
    return 2 * area / border if border else math.inf


def choose_resolution(
    stem_stride: int | str, zoom: int | str, masks: list[np.ndarray]
) -> tuple[int, int]:
    """Stem stride and zoom: (2, 1) where membranes are at least 4 px wide, else (2, 2).

    Either way the body sees membranes of 2 px or more, and starts from the weights that come with
    the package. A stem stride that is given decides the resolution by itself.
    """
    if zoom == "auto":
        wide = stem_stride != "auto" or membrane_width(masks) >= _WIDE_MEMBRANE
        zoom = 1 if wide else 2
    if stem_stride == "auto":
        wide = zoom == 2 or membrane_width(masks) >= _WIDE_MEMBRANE
        stem_stride = 2 if wide else 1
    return int(stem_stride), int(zoom)


def choose_depth(depth: int | str, side: int, stem_stride: int) -> int:
    """Poolings: 4 with a stem of stride 1, 3 with 2, fewer where an image is too small."""
    if depth != "auto":
        return int(depth)
    most = _MAX_DOWNSAMPLING - (stem_stride - 1)
    fitting = int(math.log2(max(side / (stem_stride * _MIN_BOTTLENECK), 2)))
    return max(1, min(most, fitting))


def choose_patch_size(patch_size: int | str, side: int, factor: int, zoom: int = 1) -> int:
    """192 px for the network, or the typical image side where that is smaller.

    In pixels of the image, a multiple of the factor.
    """
    wanted = min(_PATCH_SIZE // zoom, side) if patch_size == "auto" else int(patch_size)
    return max(wanted // factor, 1) * factor


def choose_steps_per_epoch(
    steps: int | str, n_labelled: int, batch_size: int, patch_size: int
) -> int:
    """One pass over the labelled pixels, but at least 40 and at most 200 steps."""
    if steps != "auto":
        return int(steps)
    low, high = _EPOCH_STEPS
    return min(max(math.ceil(n_labelled / (batch_size * patch_size**2)), low), high)


def choose_tile_size(
    tile_size: int | str, halo: int, factor: int, values_per_pixel: float | None = None
) -> int:
    """2048 px for narrow networks, less for wide ones, more where the halo asks for it.

    A tile takes about one gigabyte whatever the network, if it is known how many numbers the
    largest layer holds for a pixel of the image; 1024 px where that is not known. A multiple of
    the factor.
    """
    wanted = _TILE_SIZE
    if values_per_pixel is not None:
        wanted = int(_LARGE_TILE * min(1.0, (_NARROW / values_per_pixel) ** 0.5))
    wanted = max(wanted, 4 * halo) if tile_size == "auto" else int(tile_size)
    return max(wanted // factor, 1) * factor

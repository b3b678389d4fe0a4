"""Whose logits are explained: a pixel, a mask, or what was predicted as membrane."""

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError

_WANTED = (
    "region must be None, a pixel (row, column), or a bool mask of shape (height, width) or one an "
    "image"
)


def check_region(
    region: Any, sizes: list[tuple[int, int]], predict: Callable[[], Any], membrane: Any
) -> list[np.ndarray]:
    """Turn a region into weights of pixels.

    Parameters
    ----------
    region : None, (row, column) or array-like of bool
        None: the pixels that are predicted as membrane, all pixels where there are none. A pixel:
        the same in every image, in pixels from the top left. A mask: (height, width) for all
        images, or (n_images, height, width), or a list of (height, width).
    sizes : list of (height, width)
        Sizes of the images.
    predict : callable
        Gives their masks; only asked where `region` is None.
    membrane : scalar
        The value of membrane in these.

    Returns
    -------
    list of ndarray of shape (height, width), float32
        Weights that sum to one, one array an image.

    Raises
    ------
    InvalidInputError
        If the region is none of these, lies outside of an image, or holds no pixel.
    """
    if region is None:
        found = [np.asarray(mask) == membrane for mask in predict()]
        return [_share(mask if mask.any() else ~mask) for mask in found]
    if _is_pixel(region):
        return [_share(_pixel(int(region[0]), int(region[1]), size)) for size in sizes]
    masks = _as_masks(region, len(sizes))
    for i, (mask, size) in enumerate(zip(masks, sizes, strict=True)):
        if mask.dtype != bool or mask.shape != tuple(size):
            raise InvalidInputError(
                f"{_WANTED}; image {i} has {size[0]} x {size[1]} pixels, and its region is of "
                f"dtype {mask.dtype} and shape {mask.shape}."
            )
        if not mask.any():
            raise InvalidInputError(
                f"region must hold at least one pixel of every image; that of image {i} holds none."
            )
    return [_share(mask) for mask in masks]


def _is_pixel(region: Any) -> bool:
    if not isinstance(region, tuple | list | np.ndarray) or np.shape(region) != (2,):
        return False
    return all(isinstance(n, Integral) and not isinstance(n, bool | np.bool_) for n in region)


def _as_masks(region: Any, n_images: int) -> list[np.ndarray]:
    if isinstance(region, list):
        masks = [np.asarray(mask) for mask in region]
    else:
        array = np.asarray(region)
        if array.ndim not in (2, 3):
            raise InvalidInputError(f"{_WANTED}; got {type(region).__name__} {region!r:.60}.")
        masks = [array] * n_images if array.ndim == 2 else list(array)
    if len(masks) != n_images:
        raise InvalidInputError(f"{_WANTED}; got {len(masks)} for {n_images} image(s).")
    return masks


def _pixel(row: int, column: int, size: tuple[int, int]) -> np.ndarray:
    height, width = size
    if not (0 <= row < height and 0 <= column < width):
        raise InvalidInputError(
            f"region must be a pixel inside of every image; got ({row}, {column}) for an image of "
            f"{height} x {width} pixels. Rows and columns count from 0 at the top left."
        )
    mask = np.zeros(size, dtype=bool)
    mask[row, column] = True
    return mask


def _share(mask: np.ndarray) -> np.ndarray:
    return (mask / np.count_nonzero(mask)).astype(np.float32)

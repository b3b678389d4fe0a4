"""The only judge of sample weights: one an image, or one a pixel."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError, InvalidTypeError


def check_sample_weight(
    sample_weight: Any, sizes: Sequence[tuple[int, int]], *, name: str = "sample_weight"
) -> list[Any] | None:
    """Check weights of images or of pixels against the images' sizes.

    Parameters
    ----------
    sample_weight : None, array-like of shape (n_images,), or weights of the shape of the masks
        One weight an image, or one a pixel: an array of shape (n_images, height, width) or a
        list of (height, width) arrays. Weights are finite and not negative, and not all zero.
    sizes : sequence of (height, width)
        Size of every image, in pixels.
    name : str, default="sample_weight"
        The argument's name in messages.

    Returns
    -------
    None, list of float, or list of ndarray of shape (height, width)
        None for None; otherwise one float, or one float array, an image.

    Raises
    ------
    InvalidInputError
        If the numbers or sizes differ from the images', or a weight is negative, not finite, or
        none is positive.
    InvalidTypeError
        If the weights are no real numbers.

    Examples
    --------
    >>> from membseg.utils import check_sample_weight
    >>> check_sample_weight([1, 3], sizes=[(8, 8), (8, 16)])
    [1.0, 3.0]
    """
    if sample_weight is None:
        return None
    weights = _as_list(sample_weight, name)
    if len(weights) != len(sizes):
        raise InvalidInputError(
            f"{name} must hold one weight, or one map of weights, an image; got {len(weights)} "
            f"for {len(sizes)} images."
        )
    for i, (weight, size) in enumerate(zip(weights, sizes, strict=True)):
        _check_one(weight, tuple(size), f"{name}[{i}]")
    if len({weight.ndim for weight in weights}) > 1:
        raise InvalidInputError(
            f"{name} must hold either one number an image or one map of pixels an image; got "
            "both. Turn the numbers into maps with np.full."
        )
    with np.errstate(over="ignore"):
        total = float(sum(weight.sum(dtype=np.float64) for weight in weights))
    if total == 0:
        raise InvalidInputError(
            f"{name} must hold at least one positive weight; every weight is zero."
        )
    if not np.isfinite(total):
        raise InvalidInputError(
            f"{name} must have a finite sum; the weights are too large. Divide them by their "
            "maximum."
        )
    if weights[0].ndim == 0:
        return [float(weight) for weight in weights]
    return [w if w.dtype.kind == "f" else w.astype(np.float64) for w in weights]


def _as_list(sample_weight: Any, name: str) -> list[np.ndarray]:
    if isinstance(sample_weight, list | tuple):
        return [np.asarray(weight) for weight in sample_weight]
    array = np.asarray(sample_weight)
    if array.ndim not in (1, 3):
        raise InvalidInputError(
            f"{name} must have shape (n_images,) or (n_images, height, width); got shape "
            f"{array.shape}."
        )
    return [np.asarray(weight) for weight in array]


def _check_one(weight: np.ndarray, size: tuple[int, ...], name: str) -> None:
    if weight.dtype.kind not in "biuf":
        raise InvalidTypeError(f"{name} must hold real numbers; got dtype {weight.dtype}.")
    if weight.ndim and weight.shape != size:
        raise InvalidInputError(
            f"{name} must be a number, or have the height and width of its image, {size}; got "
            f"shape {weight.shape}."
        )
    if not np.isfinite(weight).all():
        raise InvalidInputError(f"{name} must be finite; it holds NaN or infinite weights.")
    if (weight < 0).any():
        raise InvalidInputError(
            f"{name} must not be negative; its smallest weight is {weight.min():g}."
        )

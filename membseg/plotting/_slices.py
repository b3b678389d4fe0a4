"""One slice of a stack and its masks, as displays take them."""

import numbers
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.io._units import pixel_size_in_nm
from membseg.plotting._colours import stretch_grey
from membseg.utils import check_images, encode_masks, innermost


def check_index(index: Any, n_images: int, name: str = "index") -> int:
    """Give the number of a slice, from 0; negative ones count from the end."""
    if not isinstance(index, numbers.Integral) or not -n_images <= int(index) < n_images:
        raise InvalidInputError(
            f"{name} must be the number of a slice of X, an integer from 0 to {n_images - 1}; "
            f"got {index!r}."
        )
    return int(index) % n_images


def take_slice(X: Any, index: Any) -> Any:
    """Give one slice as a stack of its own."""
    start = check_index(index, len(check_images(X, finite=False)))
    return X[start : start + 1]


def grey_of(image: Any, name: str = "image") -> np.ndarray:
    """Give one slice as grey values in [0, 1]."""
    image = np.asarray(image)
    if image.dtype.kind not in "biuf":
        raise InvalidTypeError(f"{name} must hold real numbers; got dtype {image.dtype}.")
    if image.ndim not in (2, 3) or image.size == 0:
        raise InvalidInputError(
            f"{name} must be one slice of shape (height, width) or (height, width, channels), with "
            f"pixels; got shape {image.shape}. Take one of a stack, as in X[0]."
        )
    return stretch_grey(image)


def codes_of(mask: Any, size: tuple[int, ...], name: str, **labels: Any) -> np.ndarray:
    """Encode one mask of an image of that size: 0 cell, 1 membrane, 255 without a label."""
    shape = np.shape(mask)
    if shape != tuple(size):
        raise InvalidInputError(
            f"{name} must be of the image's height and width, {tuple(size)}; got shape {shape}."
        )
    return encode_masks([mask], name=name, **labels).masks[0]


def size_in_nm(pixel_size: Any, unit: str) -> float | None:
    """Give a pixel size in nanometres; None where it is not known."""
    return None if pixel_size is None else pixel_size_in_nm(pixel_size, unit)


def encode_prediction(estimator: Any, X: Any) -> list[np.ndarray]:
    """Predict masks: 0 cell, 1 membrane."""
    classes = innermost(estimator).classes_
    return encode_masks(estimator.predict(X), classes=classes, name="predict(X)").masks


def encode_truth(estimator: Any, y: Any) -> list[np.ndarray]:
    """Encode true masks with the values that the estimator has learnt."""
    segmenter = innermost(estimator)
    ignored = getattr(segmenter, "ignore_label", None)
    # A parameter of that name may hold a value that is no mark in these masks.
    ignored = None if ignored in segmenter.classes_.tolist() else ignored
    return encode_masks(y, classes=segmenter.classes_, ignore_label=ignored).masks

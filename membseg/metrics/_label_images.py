"""Checks of label images: cells by number, 0 where there is no cell."""

from typing import Any

import numpy as np
from scipy import ndimage

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.utils import check_same_sizes

#: A single number that covers this many separate areas, each of at least so many pixels, is the
#: value of a mask rather than that of a cell.
_AREAS, _AREA = 3, 20


def list_label_images(labels: Any, *, name: str) -> list[np.ndarray]:
    """Give label images, one (height, width) array of integers an image, or say what they are."""
    as_list = isinstance(labels, list | tuple)
    images = [np.asanyarray(image) for image in labels] if as_list else np.asanyarray(labels)
    if isinstance(images, np.ndarray):
        _check_kind(images, name)
        if images.ndim != 3 or images.size == 0:
            hint = f" For a single label image write {name}[np.newaxis]."
            raise InvalidInputError(
                f"{name} must hold one label image an image, shape (n_images, height, width), and "
                f"pixels; got shape {images.shape}.{hint if images.ndim == 2 else ''}"
            )
        images = list(images)
    if not images:
        raise InvalidInputError(f"{name} must hold at least one label image; got an empty list.")
    for i, image in enumerate(images):
        _check_kind(image, f"{name}[{i}]")
        if image.ndim != 2 or image.size == 0:
            raise InvalidInputError(
                f"Each label image in the list {name} must have shape (height, width) and pixels; "
                f"{name}[{i}] has shape {image.shape}."
            )
        if image.min() < 0:
            raise InvalidInputError(
                f"{name} must hold numbers of cells from 1, and 0 where there is none; "
                f"{name}[{i}] holds {image.min()}. Mark pixels without a label by 0."
            )
    _refuse_masks(images, name)
    return images


def pair_label_images(
    labels_true: Any, labels_pred: Any
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Check two sets of label images of the same sizes."""
    truth = list_label_images(labels_true, name="labels_true")
    guess = list_label_images(labels_pred, name="labels_pred")
    check_same_sizes(
        [t.shape for t in truth], [g.shape for g in guess], names=("labels_true", "labels_pred")
    )
    return truth, guess


def _check_kind(image: np.ndarray, name: str) -> None:
    if image.dtype.kind == "b":
        raise _mask_error(name, "is boolean")
    if image.dtype.kind == "f":
        raise InvalidTypeError(
            f"{name} must hold numbers of cells as integers, 0 where there is none; got dtype "
            f"{image.dtype}. Maps of probability become label images by membseg.label_cells; whole "
            f"numbers stored as floats by {name}.astype(int)."
        )
    if image.dtype.kind not in "iu":
        raise InvalidTypeError(
            f"{name} must hold numbers of cells as integers; got dtype {image.dtype}."
        )


def _refuse_masks(images: list[np.ndarray], name: str) -> None:
    """Refuse the two values 0 and 1, or 0 and 255, where the larger one is clearly no cell."""
    for value in (1, 255):
        if all(((image == 0) | (image == value)).all() for image in images):
            for image in images:
                areas, _ = ndimage.label(image)
                n_areas = np.count_nonzero(np.bincount(areas.ravel())[1:] >= _AREA)
                if n_areas >= _AREAS:
                    raise _mask_error(name, f"is {value} in {n_areas} separate areas, 0 elsewhere")


def _mask_error(name: str, what: str) -> InvalidTypeError:
    return InvalidTypeError(
        f"{name} must hold label images, with a number for each cell; it {what}, so that it looks "
        f"like masks. Masks become label images by membseg.metrics.label_components({name})."
    )

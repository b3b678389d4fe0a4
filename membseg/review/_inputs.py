"""Predictions that are masks, or maps of membrane probability."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.metrics._checks import check_number
from membseg.metrics._maps import check_maps, holds_masks
from membseg.utils import ImageStack, check_images, check_same_sizes, encode_masks


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions as the room works with them.

    Attributes
    ----------
    membranes : list of ndarray of shape (height, width), bool
        True at membrane.
    maps : list of ndarray of shape (height, width), float, or None
        Membrane probability; None where masks were given.
    classes : ndarray of shape (2,)
        The values of cell and membrane: those of the masks, 0 and 1 for maps.
    as_list : bool
        Whether the caller gave a list.
    """

    membranes: list[np.ndarray]
    maps: list[np.ndarray] | None
    classes: np.ndarray
    as_list: bool


def read_predictions(predictions: Any, threshold: Any, membrane_label: Any) -> Predictions:
    """Tell masks from maps, check either, and find the membrane.

    Parameters
    ----------
    predictions : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks of two values, or membrane probabilities.
    threshold : float
        Membrane probability from which a pixel is membrane; not used for masks.
    membrane_label : scalar or None
        The value of membrane in masks; None takes the larger.

    Returns
    -------
    Predictions
        The same, checked.
    """
    check_number(threshold, "threshold", low=0, high=1)
    as_list = isinstance(predictions, list | tuple)
    if not _holds_masks(predictions):
        maps = check_maps(predictions, name="predictions")
        # Cut in the map's own dtype, as segmenters do.
        membranes = [image >= image.dtype.type(threshold) for image in maps]
        return Predictions(membranes, maps, np.array([0, 1], dtype=np.int8), as_list)
    masks = encode_masks(predictions, membrane_label=membrane_label, name="predictions")
    if masks.ignore_label is not None:
        raise InvalidInputError(
            "predictions must say cell or membrane at every pixel; got pixels of value "
            f"{masks.ignore_label}, which stand for no label. Give what predict gave."
        )
    classes = masks.classes
    if classes is None:
        classes = _one_value(predictions, membrane_label)
    return Predictions([mask == 1 for mask in masks.masks], None, classes, as_list)


def check_pair(
    X: Any, predictions: Any, threshold: Any, membrane_label: Any
) -> tuple[ImageStack, Predictions]:
    """Check images, and predictions that belong to them."""
    images = check_images(X)
    found = read_predictions(predictions, threshold, membrane_label)
    sizes = [membrane.shape for membrane in found.membranes]
    check_same_sizes(images.sizes, sizes, names=("X", "predictions"))
    return images, found


def _holds_masks(predictions: Any) -> bool:
    arrays = predictions if isinstance(predictions, list | tuple) else [predictions]
    # What is neither goes to the judge of masks, who says so.
    if any(np.asanyarray(array).dtype.kind not in "biuf" for array in arrays):
        return True
    return holds_masks(predictions)


def _one_value(predictions: Any, membrane_label: Any) -> np.ndarray:
    """Values of cell and membrane where all pixels have one: the other is 0, 1, or the label."""
    arrays = predictions if isinstance(predictions, list | tuple) else [predictions]
    value = np.asanyarray(arrays[0]).flat[0]
    dtype = np.result_type(*arrays)
    if membrane_label is not None and value != membrane_label:
        return np.array([value, membrane_label], dtype=dtype)
    is_membrane = value != 0 if membrane_label is None else True
    other = 0 if value != 0 else 1
    return np.array([other, value] if is_membrane else [value, other], dtype=dtype)


def check_count(value: Any, name: str, low: int) -> int:
    """Refuse what is no whole number of at least `low`."""
    check_number(value, name, low=low)
    if int(value) != value:
        raise InvalidInputError(f"{name} must be a whole number; got {value!r}.")
    return int(value)


def check_text(value: Any, name: str) -> str:
    """Refuse what is no text that can be written to a file."""
    if not isinstance(value, str):
        raise InvalidTypeError(f"{name} must be a str; got {type(value).__name__}.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            f"{name} must be text that can be written as UTF-8; {value!r} holds half a character."
        ) from error
    return value

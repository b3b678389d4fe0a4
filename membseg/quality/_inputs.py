"""What every measure asks of its arguments, and grey values free of their units."""

from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.io._units import pixel_size_in_nm
from membseg.utils import IGNORED, ImageStack, check_images, check_same_sizes, encode_masks

#: An image whose grey values spread less than this share of their size is constant but for
#: rounding.
_FLAT = 1e-12


def as_membranes(
    masks: Any, *, membrane_label: Any = None, classes: Any = None, name: str = "masks"
) -> list[Any]:
    """Check masks, and give each as a bool array, True at membrane.

    Parameters
    ----------
    masks : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks of two values. Pixels without a label count as cell.
    membrane_label : scalar or None
        The value of membrane; None takes that of `classes` where the masks hold no other values,
        else the larger.
    classes : ndarray of shape (2,) or None
        ``[cell, membrane]`` of a segmenter that the masks may be from.
    name : str
        The argument's name in messages.

    Returns
    -------
    list of ndarray of shape (height, width), bool
        The masks.
    """
    if membrane_label is None and classes is not None and _holds_only(masks, classes):
        stack = encode_masks(masks, classes=classes, name=name)
    else:
        stack = encode_masks(masks, membrane_label=membrane_label, name=name)
    return [code == 1 for code in stack.masks]


def _holds_only(masks: Any, values: np.ndarray) -> bool:
    arrays = masks if isinstance(masks, list | tuple) else [masks]
    return all(bool(np.isin(np.asarray(array), values).all()) for array in arrays)


def check_pair(
    X: Any, masks: Any, *, membrane_label: Any = None, name: str = "masks"
) -> tuple[ImageStack, list[Any]]:
    """Check images and the masks that belong to them."""
    images = check_images(X)
    membranes = as_membranes(masks, membrane_label=membrane_label, name=name)
    check_same_sizes(images.sizes, [m.shape for m in membranes], names=("X", name))
    return images, membranes


def check_pixel_size(pixel_size: Any, unit: str) -> float | None:
    """Give a pixel size in nanometres; None where it is not known."""
    return None if pixel_size is None else pixel_size_in_nm(pixel_size, unit)


def need_pixel_size(pixel_size: float | None, what: str) -> float:
    """Refuse to speak of nanometres where nobody said how large a pixel is."""
    if pixel_size is None:
        raise InvalidInputError(
            f"pixel_size must be given for {what}; got None. Give the side of a pixel, such as "
            "pixel_size=4.0 with unit='nm', or ask for pixels."
        )
    return pixel_size


def standard_grey(image: Any) -> np.ndarray:
    """Give the mean over the channels of a (height, width, channels) image, standardised."""
    grey = np.asarray(image).astype(np.float64).mean(axis=2)
    spread = grey.std()
    if spread <= _FLAT * max(np.abs(grey).max(), _FLAT):
        return np.zeros_like(grey)
    return (grey - grey.mean()) / spread


def membranes_are_dark(greys: list[np.ndarray], codes: list[np.ndarray]) -> bool:
    """Whether most images are darker at membrane (code 1, or True) than at cell (0, or False).

    Images without one of the two have no vote. Without any vote membranes are taken for dark, as
    electron micrographs have them.
    """
    total = 0.0
    for grey, code in zip(greys, codes, strict=True):
        membrane, cell = grey[code == 1], grey[(code != 1) & (code != IGNORED)]
        if membrane.size and cell.size:
            total += float(membrane.mean() - cell.mean())
    return total <= 0

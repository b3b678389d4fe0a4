"""Cells of masks: connected components, as the instance metrics count them."""

from typing import Any

import numpy as np
from scipy import ndimage

from membseg.metrics._checks import check_number
from membseg.utils import encode_masks, restore_layout

#: Smaller parts of cell are no cells to the metrics.
MIN_SIZE = 20


def label_components(
    y: Any, *, min_size: int = MIN_SIZE, membrane_label: Any = None, ignore_label: Any = None
) -> Any:
    """Number the cells of masks: the 4-connected components of cell pixels.

    This is what the instance metrics take for the truth, and for the cells of a predicted mask.

    Parameters
    ----------
    y : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks of two values.
    min_size : int, default=20
        Components of fewer pixels are no cells.
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels without a label; they belong to no cell.

    Returns
    -------
    ndarray of shape (n_images, height, width), int32, or list of such (height, width) arrays
        Numbers of the cells, from 1 in each image and without gaps; 0 elsewhere.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks or `min_size` cannot be used.

    See Also
    --------
    membseg.label_cells : Cells of probability maps, by several methods.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import label_components
    >>> label_components(np.array([[[0, 0, 1, 0, 1, 0, 0]]]), min_size=2)
    array([[[1, 1, 0, 0, 0, 2, 2]]], dtype=int32)
    """
    check_number(min_size, "min_size", low=0)
    stack = encode_masks(y, membrane_label=membrane_label, ignore_label=ignore_label)
    labels = [find_components(mask == 0, int(min_size)) for mask in stack.masks]
    return restore_layout(labels, as_list=stack.as_list)


def find_components(cell: np.ndarray, min_size: int = MIN_SIZE) -> np.ndarray:
    """4-connected components of at least `min_size` pixels of a bool map, numbered from 1."""
    labels, n = ndimage.label(cell)
    return keep_labels(labels, np.bincount(labels.ravel(), minlength=n + 1) >= min_size)


def keep_labels(labels: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Remove the labels whose place in `kept` is False, and number the others without gaps."""
    kept = kept.copy()
    kept[0] = False
    if kept[1:].all():
        return labels.astype(np.int32, copy=False)
    numbers = np.cumsum(kept, dtype=np.int32)
    numbers[~kept] = 0
    return numbers[labels]

"""Border thinning: cells grow into the membrane until they meet."""

from typing import Any

import numpy as np
from scipy import ndimage

from membseg.utils import encode_masks, restore_layout

#: States of a pixel while the cells grow. Above 0 is a label; below _TODO is a pixel of the level
#: being served, the lower the later in the queue.
_DAM, _TODO = 0, -1


def thin_borders(membrane_mask: Any, *, membrane_label: Any = None) -> Any:
    """Grow the cells of masks into the membrane until only dams of one pixel are left.

    Parameters
    ----------
    membrane_mask : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks of two values.
    membrane_label : scalar or None, default=None
        The value of membrane pixels; None takes the larger.

    Returns
    -------
    ndarray of shape (n_images, height, width), int32, or list of such (height, width) arrays
        Labels of the grown cells, from 1 in each image; 0 marks the dams. An image without any
        cell is one region, 1.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `membrane_mask` is no stack of two-valued masks.

    Notes
    -----
    This is the flooding of Vincent and Soille [1]_ on an image of two levels, with
    4-connectivity, as the ISBI 2012 challenge uses it [2]_. The 4-connected cells are the basins;
    membrane pixels queue up, first those that touch a cell, column by column, then their
    neighbours as each is served. A pixel takes the label of the neighbours that have one; where
    these differ it becomes a dam. Cells two pixels apart therefore are parted by a dam too, on
    the side that is served last: the order in the queue is part of the definition.

    References
    ----------
    .. [1] L. Vincent and P. Soille, "Watersheds in digital spaces", IEEE PAMI 13(6), 1991,
       doi 10.1109/34.87344.
    .. [2] I. Arganda-Carreras et al., "Crowdsourcing the creation of image segmentation
       algorithms for connectomics", Frontiers in Neuroanatomy 9:142, 2015,
       doi 10.3389/fnana.2015.00142.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import thin_borders
    >>> thin_borders(np.array([[[0, 0, 1, 1, 1, 0, 0]]]))
    array([[[1, 1, 1, 0, 2, 2, 2]]], dtype=int32)
    """
    stack = encode_masks(membrane_mask, membrane_label=membrane_label, name="membrane_mask")
    labels = [grow_cells(mask[np.newaxis] != 1)[0] for mask in stack.masks]
    return restore_layout(labels, as_list=stack.as_list)


def grow_cells(cells: np.ndarray) -> np.ndarray:
    """Labels of the cells of (n, height, width) bool maps after growing; 0 marks dams.

    The maps are flooded side by side, level by level: a level costs the same for few pixels as
    for many.
    """
    labels = np.zeros((len(cells), cells.shape[2] + 2, cells.shape[1] + 2), np.int32)
    for framed, cell in zip(labels, cells, strict=True):
        # The queue starts column by column, which is raster order on the transposed image.
        framed[1:-1, 1:-1] = ndimage.label(cell.T)[0]
        # Without a basin the whole flat image is one (step "new minima" of the flooding).
        if not cell.any():
            framed[1:-1, 1:-1] = 1
    inner = labels[:, 1:-1, 1:-1]
    # The frame is never asked for a label, nor queued.
    inner[inner == 0] = _TODO
    _flood(labels.ravel(), labels.shape[2])
    return np.ascontiguousarray(inner.swapaxes(1, 2))


def _flood(state: np.ndarray, width: int) -> None:
    """Serve the queue level by level, in place; `state` is a flat view of the framed image."""
    offsets = np.array([-width, -1, 1, width])
    queue = np.flatnonzero(state == _TODO)
    touching = np.zeros(queue.size, bool)
    for offset in offsets:
        touching |= state.take(queue + offset) > 0
    queue = _enqueue(state, queue[touching])
    while queue.size:
        seen = [state.take(queue + offset) for offset in offsets]
        _label_level(state, queue, seen, offsets)
        rows, sides = np.nonzero(np.stack([s == _TODO for s in seen], axis=1))
        queue = _enqueue(state, queue[rows] + offsets[sides])


def _enqueue(state: np.ndarray, met: np.ndarray) -> np.ndarray:
    """Mark pixels as the next level, each at the place where it is first met."""
    codes = np.arange(_TODO - 1, _TODO - 1 - met.size, -1, dtype=np.int32)
    # Written from back to front, so that the first meeting is what stays.
    state[met[::-1]] = codes[::-1]
    return met[state.take(met) == codes]


def _label_level(
    state: np.ndarray, queue: np.ndarray, seen: list[np.ndarray], offsets: np.ndarray
) -> None:
    """Label the pixels of one level of the queue as if they were served one by one."""
    low, high = _extremes(seen)
    # A pixel also sees the pixels of its own level that were served before it. That can matter
    # to all but those that are dams already.
    code = state.take(queue)
    matters = np.zeros(queue.size, bool)
    for states in seen:
        matters |= (states < _TODO) & (states > code)
    state[queue] = np.where(low == high, high, _DAM)
    rows = np.flatnonzero(matters & (low == high))
    if rows.size:
        served = np.stack([(s[rows] < _TODO) & (s[rows] > code[rows]) for s in seen])
        _settle(state, queue[rows], offsets, served, low[rows], high[rows])


def _settle(
    state: np.ndarray,
    pixels: np.ndarray,
    offsets: np.ndarray,
    served: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> None:
    """Repeat the rule on `pixels` until nothing changes.

    Who was served before whom has no circles, so this ends at the one-by-one result.
    """
    beside = pixels + offsets[:, np.newaxis]
    # Where all that were served before carry the pixel's own label nothing can change, for a
    # label of this level only ever turns into a dam.
    other = state.take(beside) != state.take(pixels)
    doubtful = (served & other).any(axis=0) | (high == _DAM)
    pixels, beside, served = pixels[doubtful], beside[:, doubtful], served[:, doubtful]
    low, high = low[doubtful], high[doubtful]
    while pixels.size:
        lowest, highest = _extremes([low, high, *np.where(served, state.take(beside), _DAM)])
        new = np.where(lowest == highest, highest, _DAM)
        if np.array_equal(new, state.take(pixels)):
            return
        state[pixels] = new


def _extremes(states: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest label in each place, both 0 where there is none."""
    high = np.maximum(np.maximum.reduce(states), 0)
    # As unsigned numbers, less one, all that is no label is larger than every label.
    low = np.minimum.reduce([s.view(np.uint32) - np.uint32(1) for s in states]) + np.uint32(1)
    return np.where(high > 0, low.view(np.int32), 0), high

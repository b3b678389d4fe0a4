"""Gaps that join cells, and false walls that divide them, counted in masks."""

import numpy as np
from scipy import ndimage

#: A true and a predicted cell have to do with each other where the predicted one covers this share
#: of the true one: less is the sliver along a line that was drawn a little aside.
_SHARE = 0.1

#: Pixels of the smallest true cell that counts; less is a speck between lines.
_LEAST_PIXELS = 30


def count_gaps(y_true: np.ndarray, y_pred: np.ndarray) -> dict[str, float]:
    """Count how many cells too few, and too many, a mask shows.

    Cells are the connected parts of what is not membrane, neighbours in rows and columns. A
    predicted cell that covers at least a tenth of each of k true cells has k - 1 gaps: as many
    walls are open at least, and a second hole in the same wall does not count. A true cell of which
    each of k predicted cells covers at least a tenth has k - 1 false walls.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n, height, width), bool
        True at membranes.

    Returns
    -------
    dict of str to float
        "gaps" and "false_walls", the mean over slices.
    """
    counts = np.mean([_count(*masks) for masks in zip(y_true, y_pred, strict=True)], axis=0)
    return {"gaps": float(counts[0]), "false_walls": float(counts[1])}


def _count(truth: np.ndarray, guess: np.ndarray) -> tuple[int, int]:
    cells, n_cells = ndimage.label(~truth)
    parts, n_parts = ndimage.label(~guess)
    shape = (n_cells + 1, n_parts + 1)
    pairs = np.ravel_multi_index((cells.ravel(), parts.ravel()), shape)
    shared = np.bincount(pairs, minlength=shape[0] * shape[1]).reshape(shape)
    sizes = shared.sum(axis=1, keepdims=True)
    covers = (shared >= _SHARE * sizes) & (sizes >= _LEAST_PIXELS)
    # Number 0 is membrane.
    covers = covers[1:, 1:]
    gaps, walls = (np.maximum(covers.sum(axis=axis) - 1, 0).sum() for axis in (0, 1))
    return int(gaps), int(walls)

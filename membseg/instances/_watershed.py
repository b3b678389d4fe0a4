"""Cells grown from seeds."""

import math
from itertools import pairwise

import numpy as np
from scipy import ndimage


def flood_cells(prob: np.ndarray, membrane: np.ndarray, seed_distance: float) -> np.ndarray:
    """Grow cells from what lies deeper than `seed_distance` in them.

    Parameters
    ----------
    prob : ndarray of shape (height, width), float
        Membrane probability.
    membrane : ndarray of shape (height, width), bool
        Membrane pixels.
    seed_distance : float
        Pixels at a larger distance (px) from membrane are seeds, connected over edges. A component
        of cell without such a pixel is a seed as a whole.

    Returns
    -------
    ndarray of shape (height, width), int32
        Numbers of the cells, without a line between them; 0 on membrane.
    """
    depth = _depth(~membrane, seed_distance + 1)
    seeds = _find_seeds(membrane, depth > seed_distance)
    # From the seeds outwards it rises with the probability and with the way to the membrane.
    height = prob + (1 - np.minimum(depth, seed_distance) / max(seed_distance, 1))
    return _flood(height, seeds, ~membrane)


def _flood(height: np.ndarray, seeds: np.ndarray, ground: np.ndarray) -> np.ndarray:
    from skimage.segmentation import watershed

    dry = ground & (seeds == 0)
    if not dry.any():
        return seeds
    # The flood comes from the seeds' rims; what lies behind them would only be carried along.
    rim = (seeds > 0) & ndimage.binary_dilation(dry)
    flooded = watershed(height, markers=np.where(rim, seeds, 0), mask=dry | rim)
    return np.where(dry, flooded, seeds)


def _find_seeds(membrane: np.ndarray, deep: np.ndarray) -> np.ndarray:
    """Number the seeds; a component of cell with one seed, or none, is a seed as a whole.

    No other seed can reach it before it is full, and a flood costs much more than this does.
    """
    parts, n_parts = ndimage.label(~membrane)
    seeds, n_seeds = ndimage.label(deep)
    part_of = np.zeros(n_seeds + 1, dtype=parts.dtype)
    part_of[seeds[deep]] = parts[deep]
    n_inside = np.bincount(part_of[1:], minlength=n_parts + 1)
    numbers = np.zeros(n_parts + 1, dtype=np.int32)
    numbers[part_of[1:]] = np.arange(1, n_seeds + 1)
    # Those without a seed are numbered on.
    without = n_inside == 0
    without[0] = False
    numbers[without] = n_seeds + np.arange(1, without.sum() + 1)
    numbers[n_inside > 1] = 0
    return np.where(deep, seeds, numbers[parts])


def _depth(cell: np.ndarray, most: float) -> np.ndarray:
    """Distance of each cell pixel to the nearest membrane, float32, at most `most`."""
    # Up to a few pixels this is much quicker than a distance transform, which knows no limit.
    reach = math.ceil(most)
    steps = np.where(cell, np.int32(reach + 1), np.int32(0))
    for rows in (steps, steps[::-1]):
        for above, row in pairwise(rows):
            np.minimum(row, above + 1, out=row)
    squares = steps * steps
    depth = squares.copy()
    for j in range(1, min(reach + 1, cell.shape[1])):
        for here, there in ((np.s_[:, j:], np.s_[:, :-j]), (np.s_[:, :-j], np.s_[:, j:])):
            np.minimum(depth[here], squares[there] + j * j, out=depth[here])
    return np.minimum(np.sqrt(depth, dtype=np.float32), np.float32(most))

"""Superpixels that are put together where the boundary between them is weak."""

from heapq import heapify, heappop, heappush

import numpy as np
from scipy import ndimage, sparse

from membseg.instances._pixels import EIGHT, neighbours
from membseg.instances._spread import spread_cells
from membseg.instances._watershed import flood_cells


def agglomerate(
    prob: np.ndarray,
    membrane: np.ndarray,
    wall: np.ndarray,
    seed_distance: float,
    merge_threshold: float,
) -> np.ndarray:
    """Put superpixels together, the pair with the weakest boundary first.

    Parameters
    ----------
    prob : ndarray of shape (height, width), float
        Membrane probability.
    membrane : ndarray of shape (height, width), bool
        Membrane pixels.
    wall : ndarray of shape (height, width), bool
        Those of them that stay membrane between cells.
    seed_distance : float
        As for :func:`flood_cells`, whose cells, grown until they meet, are the superpixels.
    merge_threshold : float
        Superpixels are put together while the mean probability along their boundary is below.

    Returns
    -------
    ndarray of shape (height, width), int32
        Numbers of the cells; 0 on wall that touches a boundary.
    """
    regions = spread_cells(prob, flood_cells(prob, membrane, seed_distance), membrane)
    if not regions.any():
        return regions
    first, second, total, count = measure_boundaries(regions, prob)
    numbers = merge_regions(int(regions.max()) + 1, first, second, total, count, merge_threshold)
    merged = numbers[regions]
    merged[_is_wall(wall, merged)] = 0
    return merged


def measure_boundaries(
    regions: np.ndarray, prob: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give all pairs of touching regions, with the sum and the number of their boundary's values.

    The value between two neighbouring pixels is the larger probability of the two.
    """
    firsts, seconds, values = [], [], []
    for near, far, one, other in neighbours(regions, prob):
        meet = near != far
        pair = near[meet], far[meet]
        firsts.append(np.minimum(*pair))
        seconds.append(np.maximum(*pair))
        values.append(np.maximum(one[meet], other[meet]).astype(np.float64))
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    shape = (int(regions.max()) + 1,) * 2
    totals = sparse.coo_array((np.concatenate(values), (first, second)), shape=shape)
    counts = sparse.coo_array((np.ones(len(first)), (first, second)), shape=shape)
    # Both are put in order in the same way; zeros that are stored stay.
    total, count = totals.tocsr(), counts.tocsr()
    total.sum_duplicates()
    count.sum_duplicates()
    pairs = count.tocoo()
    return pairs.coords[0], pairs.coords[1], total.data, count.data


def merge_regions(
    n: int,
    first: np.ndarray,
    second: np.ndarray,
    total: np.ndarray,
    count: np.ndarray,
    threshold: float,
) -> np.ndarray:
    """Put regions together while the weakest boundary's mean is below the threshold.

    Parameters
    ----------
    n : int
        Number of regions.
    first, second : ndarray of int
        Pairs of touching regions, each pair once.
    total, count : ndarray of float
        Sum and number of the values along each boundary.
    threshold : float
        Where to stop.

    Returns
    -------
    ndarray of shape (n,), int32
        The region that each one has become a part of.
    """
    around: list[dict[int, tuple[float, float]]] = [{} for _ in range(n)]
    pairs = zip(first.tolist(), second.tolist(), total.tolist(), count.tolist(), strict=True)
    queue = []
    for a, b, t, c in pairs:
        around[a][b] = around[b][a] = (t, c)
        # The mean of two means is never below both: only weak boundaries ever become weak ones.
        if t / c < threshold:
            queue.append((t / c, a, b))
    heapify(queue)
    parent = np.arange(n, dtype=np.int32)
    while queue:
        mean, a, b = heappop(queue)
        edge = around[a].get(b)
        if edge is None or edge[0] / edge[1] != mean:
            # An entry from before a merger; the boundary as it is now has one of its own.
            continue
        if len(around[a]) < len(around[b]):
            a, b = b, a
        parent[b] = a
        for c in _move_boundaries(around, a, b):
            t, k = around[a][c]
            if t / k < threshold:
                heappush(queue, (t / k, a, c))
    return _roots(parent)


def _move_boundaries(around: list[dict[int, tuple[float, float]]], a: int, b: int) -> list[int]:
    """Make the boundaries of `b` those of `a`, and say with whom."""
    del around[a][b], around[b][a]
    moved, around[b] = around[b], {}
    for c, (t, k) in moved.items():
        del around[c][b]
        if c in around[a]:
            t, k = t + around[a][c][0], k + around[a][c][1]
        around[a][c] = around[c][a] = (t, k)
    return list(moved)


def _roots(parent: np.ndarray) -> np.ndarray:
    """Follow each region to the one that it ended in."""
    while True:
        further = parent[parent]
        if np.array_equal(further, parent):
            return parent
        parent = further


def _is_wall(wall: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Wall pixels connected, over corners too, to a pixel where two regions meet."""
    parts, n_parts = ndimage.label(wall, EIGHT)
    at_wall = np.zeros(n_parts + 1, dtype=bool)
    for near, far, one, other in neighbours(regions, parts):
        meet = near != far
        at_wall[one[meet]] = at_wall[other[meet]] = True
    at_wall[0] = False
    return at_wall[parts]

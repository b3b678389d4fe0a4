"""Cells that grow into the membrane around them."""

import numpy as np

#: Steps of probability.
_LEVELS = 256


def spread_cells(prob: np.ndarray, cells: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """Let cells grow in the order of probability, in 256 steps, until they meet.

    Within a step they grow pixel by pixel, all at the same time. A pixel that several cells reach
    at once goes to that of the neighbour with the lowest probability.

    Parameters
    ----------
    prob : ndarray of shape (height, width), float
        Membrane probability.
    cells : ndarray of shape (height, width), int32
        Numbers of the cells; 0 elsewhere.
    ground : ndarray of shape (height, width), bool
        Pixels that they may grow into.

    Returns
    -------
    ndarray of shape (height, width), int32
        The grown cells.
    """
    # On large maps a watershed takes much longer, since it queues pixel after pixel. The frame of
    # one pixel keeps neighbours from being those of the next row.
    dry = ground & (cells == 0)
    labels, height, unreached = (np.pad(image, 1).ravel() for image in (cells, prob, dry))
    places = np.flatnonzero(unreached)
    levels = np.minimum(height[places] * _LEVELS, _LEVELS - 1).astype(np.uint8)
    ends = np.cumsum(np.bincount(levels, minlength=_LEVELS))[:-1]
    steps = (-prob.shape[1] - 2, -1, 1, prob.shape[1] + 2)
    unreached[:] = False
    for front in np.split(places[np.argsort(levels, kind="stable")], ends):
        # From now on these can be reached.
        unreached[front] = True
        while front.size:
            found = _label_of_lowest(labels, height, front, steps)
            front = front[found > 0]
            labels[front] = found[found > 0]
            unreached[front] = False
            around = np.concatenate([front + step for step in steps])
            front = np.unique(around[unreached[around]])
    return labels.reshape(prob.shape[0] + 2, -1)[1:-1, 1:-1]


def _label_of_lowest(
    labels: np.ndarray, height: np.ndarray, places: np.ndarray, steps: tuple[int, ...]
) -> np.ndarray:
    """Label of each place's lowest neighbour that has one, 0 where none has."""
    found = np.zeros(len(places), dtype=labels.dtype)
    lowest = np.full(len(places), np.inf, dtype=height.dtype)
    for step in steps:
        near = places + step
        label, value = labels[near], height[near]
        better = (label > 0) & (value < lowest)
        found[better], lowest[better] = label[better], value[better]
    return found

"""What is done to label images when the cells are found."""

import numpy as np
from scipy import ndimage

from membseg.instances._pixels import EIGHT, neighbours
from membseg.metrics._label_components import keep_labels


def part_cells(labels: np.ndarray) -> np.ndarray:
    """Put 0 between cells that touch over an edge: one pixel, above or left of the other cell."""
    labels = labels.copy()
    for near, far in neighbours(labels):
        near[(near != far) & (near > 0) & (far > 0)] = 0
    return labels


def remove_small(labels: np.ndarray, min_size: int) -> np.ndarray:
    """Remove cells of fewer pixels, and number the others without gaps."""
    return keep_labels(labels, np.bincount(labels.ravel()) >= max(min_size, 1))


def fill_holes(labels: np.ndarray) -> np.ndarray:
    """Give 0 pixels that a single cell encloses to it."""
    outside, n_parts = ndimage.label(labels == 0, EIGHT)
    highest = int(labels.max())
    low, high = np.full(n_parts + 1, highest + 1), np.zeros(n_parts + 1, dtype=np.int64)
    for near, far, part, other in neighbours(labels, outside):
        for label, hole in ((near, other), (far, part)):
            at = (label > 0) & (hole > 0)
            np.minimum.at(low, hole[at], label[at])
            np.maximum.at(high, hole[at], label[at])
    enclosed = low == high
    enclosed[0] = False
    for edge in (outside[0], outside[-1], outside[:, 0], outside[:, -1]):
        enclosed[edge] = False
    fill = np.where(enclosed, low, 0).astype(labels.dtype)
    return labels + fill[outside]


def clear_border(labels: np.ndarray) -> np.ndarray:
    """Remove cells that touch the image's edge, and number the others without gaps."""
    kept = np.ones(int(labels.max()) + 1, dtype=bool)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        kept[edge] = False
    return keep_labels(labels, kept)

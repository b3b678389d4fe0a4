"""What a Mask R-CNN should find in a patch: its cells, their boxes, and what anchors should say."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from membseg.metrics._label_components import find_components
from membseg.networks._boxes import box_iou, encode_boxes

#: Overlap from which an anchor shows a cell, and below which it shows none, as in Faster R-CNN.
_POSITIVE, _NEGATIVE = 0.7, 0.3

#: Anchors of an image that are learnt from, and the most of them that show a cell.
_N_ANCHORS, _MOST_POSITIVE = 256, 128

#: What lies on unknown ground by more than this share is not called background.
MOST_UNKNOWN = 0.3


@dataclass(frozen=True)
class CellTargets:
    """The cells of one patch.

    Attributes
    ----------
    labels : ndarray of shape (height, width), int32
        Number of the cell, from 1; 0 where there is none; -1 where that is not known.
    boxes : ndarray of shape (most_cells, 4), float32
        Boxes of cells 1, 2, ...; zeros after the last one.
    n_cells : int
        Cells of the patch.
    unknown : ndarray of shape (height + 1, width + 1), float32
        Number of unknown pixels above and to the left of each corner.
    """

    labels: np.ndarray
    boxes: np.ndarray
    n_cells: int
    unknown: np.ndarray


def find_cells(cell: np.ndarray, ignored: np.ndarray, most_cells: int) -> CellTargets:
    """Find the cells of a patch: the 4-connected components of at least 20 px.

    Parameters
    ----------
    cell : ndarray of shape (height, width), bool
        Where cell is.
    ignored : ndarray of shape (height, width), bool
        Pixels without a label. Where a cell that touches them ends is not known: it is neither
        to be found nor background.
    most_cells : int
        Of more cells the largest are taken; the others become unknown.

    Returns
    -------
    CellTargets
        The cells, the largest first.
    """
    found = find_components(cell & ~ignored)
    areas = np.bincount(found.ravel())
    areas[0] = 0
    if ignored.any():
        touched = np.unique(found[ndimage.binary_dilation(ignored)])
        areas[touched] = 0
    order = np.argsort(-areas, kind="stable")[: min(most_cells, np.count_nonzero(areas))]
    numbers = np.full(len(areas), -1, dtype=np.int32)
    numbers[0] = 0
    numbers[order] = np.arange(1, len(order) + 1)
    labels = numbers[found]
    labels[ignored] = -1
    boxes = np.zeros((most_cells, 4), dtype=np.float32)
    for k, place in enumerate(ndimage.find_objects(np.maximum(labels, 0))):
        boxes[k] = place[0].start, place[1].start, place[0].stop, place[1].stop
    unknown = np.zeros(np.add(labels.shape, 1), dtype=np.float32)
    unknown[1:, 1:] = np.cumsum(np.cumsum(labels < 0, axis=0, dtype=np.float32), axis=1)
    return CellTargets(labels, boxes, len(order), unknown)


def anchor_targets(
    anchors: np.ndarray, cells: CellTargets, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Say what anchors should, and which of them are learnt from.

    Parameters
    ----------
    anchors : ndarray of shape (n_anchors, 4), float32
        Of an image of the patch's size.
    cells : CellTargets
        The patch's cells.
    rng : numpy.random.Generator
        Draws 256 anchors, at most half of them positive.

    Returns
    -------
    positive : ndarray of shape (n_anchors,), float32
        1 for anchors that overlap a cell by 0.7, and for those that overlap a cell as much as any.
    weight : ndarray of shape (n_anchors,), float32
        1 for those that were drawn.
    codes : ndarray of shape (n_anchors, 4), float32
        Boxes of the positive ones' cells, relative to the anchors; zeros elsewhere.
    """
    boxes = cells.boxes[: cells.n_cells]
    positive = np.zeros(len(anchors), dtype=bool)
    negative = np.ones(len(anchors), dtype=bool)
    codes = np.zeros((len(anchors), 4), dtype=np.float32)
    if cells.n_cells:
        overlap = box_iou(anchors, boxes)
        largest = overlap.max(axis=1)
        best_of_cell = np.maximum(overlap.max(axis=0), 1e-3)
        positive = (largest >= _POSITIVE) | (overlap >= best_of_cell - 1e-6).any(axis=1)
        negative = (largest < _NEGATIVE) & ~positive
    negative &= unknown_share(anchors, cells.unknown) <= MOST_UNKNOWN
    weight = np.zeros(len(anchors), dtype=np.float32)
    n_positive = _draw(positive, _MOST_POSITIVE, weight, rng)
    _draw(negative, _N_ANCHORS - n_positive, weight, rng)
    if cells.n_cells:
        matched = boxes[overlap[positive].argmax(axis=1)]
        codes[positive] = encode_boxes(matched, anchors[positive])
    return positive.astype(np.float32), weight, codes


def unknown_share(boxes: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    """Give the share of unknown pixels in each box, (n, 4) to (n,)."""
    height, width = np.subtract(unknown.shape, 1)
    limits = np.array([height, width, height, width])
    y0, x0, y1, x1 = np.clip(np.rint(boxes), 0, limits).astype(np.int64).T
    count = unknown[y1, x1] - unknown[y0, x1] - unknown[y1, x0] + unknown[y0, x0]
    return count / np.maximum((y1 - y0) * (x1 - x0), 1)


def _draw(which: np.ndarray, most: int, weight: np.ndarray, rng: np.random.Generator) -> int:
    """Give weight one to at most so many of some anchors; return how many it was."""
    places = np.flatnonzero(which)
    if len(places) > most:
        places = rng.choice(places, most, replace=False)
    weight[places] = 1.0
    return len(places)

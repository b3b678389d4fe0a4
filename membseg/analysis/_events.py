"""Cells that run together, and cells that fall apart, in label images side by side."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.ndimage import distance_transform_edt


@dataclass(frozen=True)
class CellEvent:
    """A merge or a split of cells; from :func:`find_merges_and_splits`.

    Attributes
    ----------
    kind : {"merge", "split"}
        "merge": one predicted cell covers several true ones, since a wall is open. "split": one
        true cell is covered by several predicted ones, since there is a wall that is none.
    image : int
        Number of the image, from 0.
    bbox : tuple of int
        Where the cells overlap: first row, first column, last row + 1, last column + 1.
    area : int
        What is lost, in pixels: the overlap of all parts but the largest.
    true_labels : tuple of int
        Numbers of the true cells, ascending; one for a split.
    predicted_labels : tuple of int
        Numbers of the predicted cells, ascending; one for a merge.
    places : tuple of (float, float)
        Row and column of the middle of each open wall, or of each wall that is none.
    """

    kind: str
    image: int
    bbox: tuple[int, int, int, int]
    area: int
    true_labels: tuple[int, ...]
    predicted_labels: tuple[int, ...]
    places: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Slivers:
    """Which overlaps of a true and a predicted cell are too small to count.

    Attributes
    ----------
    min_overlap : int
        Overlaps of fewer pixels do not count.
    min_share : float
        Nor do those that are less than this share of the smaller of the two cells.
    tolerance : float
        Nor do those that lie within so many pixels of the true cell's border, unless the whole
        cell does.
    """

    min_overlap: int
    min_share: float
    tolerance: float


def events_of(
    truth: np.ndarray, guess: np.ndarray, slivers: Slivers, image: int = 0
) -> list[CellEvent]:
    """Find the events of one image.

    Parameters
    ----------
    truth, guess : ndarray of shape (height, width), int
        Label images: numbers of cells from 1, 0 elsewhere.
    slivers : Slivers
        Which overlaps do not count.
    image : int
        The image's number.

    Returns
    -------
    list of CellEvent
        The largest area first.
    """
    rows, columns = _overlaps(truth, guess, slivers)
    events = [
        _make_event("split", image, truth == label, guess, columns[rows == label], int(label))
        for label in _repeated(rows)
    ] + [
        _make_event("merge", image, guess == label, truth, rows[columns == label], int(label))
        for label in _repeated(columns)
    ]
    return rank_events(events)


def rank_events(events: list[CellEvent]) -> list[CellEvent]:
    """Put the events in which most is lost first; equal ones in the order of the images."""
    return sorted(events, key=lambda e: (-e.area, e.image, e.bbox, e.kind))


def _overlaps(
    truth: np.ndarray, guess: np.ndarray, slivers: Slivers
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the pairs of a true and a predicted cell that share enough pixels."""
    both = (truth > 0) & (guess > 0)
    n = int(guess.max()) + 1
    pairs, places, shared = np.unique(
        truth[both].astype(np.int64) * n + guess[both], return_inverse=True, return_counts=True
    )
    rows, columns = np.divmod(pairs, n)
    smaller = np.minimum(np.bincount(truth.ravel())[rows], np.bincount(guess.ravel())[columns])
    enough = (shared >= slivers.min_overlap) & (shared >= slivers.min_share * smaller)
    if slivers.tolerance > 0:
        # The image's edge is no border: what lies beyond may be cell as well.
        cell = truth > 0
        depth = np.full(cell.shape, np.inf) if cell.all() else distance_transform_edt(cell)
        deepest = np.zeros(len(pairs))
        np.maximum.at(deepest, places, depth[both])
        of_cell = np.zeros(int(truth.max()) + 1)
        np.maximum.at(of_cell, truth.ravel(), depth.ravel())
        enough &= (deepest > slivers.tolerance) | (of_cell[rows] <= slivers.tolerance)
    return rows[enough], columns[enough]


def _repeated(labels: np.ndarray) -> np.ndarray:
    found, counts = np.unique(labels, return_counts=True)
    return found[counts > 1]


def _make_event(
    kind: str, image: int, whole: np.ndarray, other: np.ndarray, parts: np.ndarray, label: int
) -> CellEvent:
    """Describe a cell on one side, True in `whole`, that belongs to several on the other."""
    inside = np.where(whole & np.isin(other, parts), other, 0)
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    bbox = (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    areas = np.bincount(inside.ravel())[parts]
    several = tuple(sorted(int(part) for part in parts))
    window = (slice(bbox[0], bbox[2]), slice(bbox[1], bbox[3]))
    return CellEvent(
        kind,
        image,
        bbox,
        int(areas.sum() - areas.max()),
        several if kind == "merge" else (label,),
        several if kind == "split" else (label,),
        tuple(
            (row + bbox[0], column + bbox[1])
            for row, column in _seams(whole[window], inside[window])
        ),
    )


def _seams(whole: np.ndarray, inside: np.ndarray) -> list[tuple[float, float]]:
    """Middles of the lines inside `whole` along which the parts of `inside` meet.

    Each pixel is taken for the part that is nearest; lines run where neighbours differ.
    """
    nearest = distance_transform_edt(inside == 0, return_distances=False, return_indices=True)
    part = np.where(whole, inside[tuple(nearest)], 0)
    seam = np.zeros(whole.shape, dtype=bool)
    seam[1:] |= (part[1:] != part[:-1]) & (part[1:] > 0) & (part[:-1] > 0)
    seam[:, 1:] |= (part[:, 1:] != part[:, :-1]) & (part[:, 1:] > 0) & (part[:, :-1] > 0)
    lines, n_lines = ndimage.label(seam, np.ones((3, 3)))
    middles = ndimage.center_of_mass(seam, lines, np.arange(1, n_lines + 1))
    return [(round(float(row), 1), round(float(column), 1)) for row, column in middles]

"""What is wrong with a mask as a network of walls: ends, gaps, holes, specks."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from membseg.metrics._checks import check_number
from membseg.quality._inputs import as_membranes
from membseg.quality._trace import (
    EIGHT,
    Trace,
    count_beside,
    prune,
    skeleton_length,
    trace_membranes,
)

#: An end so near to the image's edge, besides half its width, is where the image ends.
_EDGE = 2.0


@dataclass(frozen=True, eq=False)
class MembraneDefects:
    """Defects of the membranes of one mask, with their places; from :func:`membrane_defects`.

    Attributes
    ----------
    length : float
        Length of all membranes along their middle lines, in pixels.
    open_ends : ndarray of shape (n_ends, 2), int64
        Row and column of each end of a wall inside the image.
    gaps : ndarray of shape (n_gaps, 2), float64
        Row and column of the middle of each gap: two open ends that face each other.
    gap_lengths : ndarray of shape (n_gaps,), float64
        Their lengths, in pixels.
    holes : ndarray of shape (n_holes, 2), float64
        Centres of the small holes in membranes.
    specks : ndarray of shape (n_specks, 2), float64
        Centres of the small parts of membrane that touch no other.
    largest_part : float
        Share of the membrane's pixels that hang together in the largest part; 0 without membrane.
    """

    length: float
    open_ends: np.ndarray
    gaps: np.ndarray
    gap_lengths: np.ndarray
    holes: np.ndarray
    specks: np.ndarray
    largest_part: float

    @property
    def ends_per_length(self) -> float:
        """Open ends per 1000 px of membrane; 0 without membrane."""
        return 1000.0 * len(self.open_ends) / self.length if self.length else 0.0

    @property
    def gaps_per_length(self) -> float:
        """Gaps per 1000 px of membrane; 0 without membrane."""
        return 1000.0 * len(self.gaps) / self.length if self.length else 0.0


def membrane_defects(
    masks: Any,
    *,
    max_gap: float = 20.0,
    max_hole: int = 50,
    max_speck: int = 50,
    membrane_label: Any = None,
) -> list[MembraneDefects]:
    """Find open ends, gaps, small holes and specks in masks.

    Parameters
    ----------
    masks : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks of two values.
    max_gap : float, default=20.0
        Longest gap, in pixels.
    max_hole : int, default=50
        Cells of at most so many pixels that the image's edge does not cut are holes in a membrane.
    max_speck : int, default=50
        Parts of membrane of at most so many pixels are specks.
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger.

    Returns
    -------
    list of MembraneDefects
        One a mask.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `masks` are no masks of two values, or a limit is no number of at least 0.

    Notes
    -----
    Cells hang together over edges, membranes over corners too. An open end is an end of the
    skeleton after side branches no longer than three quarters of the membrane's width (and 1.5 px)
    were taken away; ends at the image's edge, and those of specks, do not count. A gap is a pair
    of open ends that are nearest to each other, with cell between them.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.quality import membrane_defects
    >>> mask = np.zeros((1, 40, 64), int)
    >>> mask[0, 19:22] = 1
    >>> mask[0, :, 28:36] = 0
    >>> mask[0, 5:7, 5:7] = 1
    >>> (defects,) = membrane_defects(mask)
    >>> len(defects.open_ends), len(defects.gaps), len(defects.holes), len(defects.specks)
    (2, 1, 0, 1)
    """
    for name, value in (("max_gap", max_gap), ("max_hole", max_hole), ("max_speck", max_speck)):
        check_number(value, name, low=0)
    membranes = as_membranes(masks, membrane_label=membrane_label)
    return [
        defects_of(membrane, trace_membranes(membrane), max_gap, max_hole, max_speck)
        for membrane in membranes
    ]


def defects_of(
    membrane: np.ndarray,
    trace: Trace,
    max_gap: float = 20.0,
    max_hole: int = 50,
    max_speck: int = 50,
) -> MembraneDefects:
    """Defects of a mask whose middle lines are found already."""
    parts, n_parts = ndimage.label(membrane, EIGHT)
    sizes = np.bincount(parts.ravel(), minlength=n_parts + 1)
    sizes[0] = 0
    small = (sizes > 0) & (sizes <= max_speck)
    skeleton = prune(trace) & ~small[parts]
    ends = _open_ends(skeleton, trace)
    gaps, lengths = _pair_ends(ends, membrane, max_gap)
    return MembraneDefects(
        length=skeleton_length(skeleton),
        open_ends=ends,
        gaps=gaps,
        gap_lengths=lengths,
        holes=_holes(membrane, max_hole),
        specks=_centres(parts, np.flatnonzero(small)),
        largest_part=float(sizes.max() / sizes.sum()) if n_parts else 0.0,
    )


def _open_ends(skeleton: np.ndarray, trace: Trace) -> np.ndarray:
    inside = trace.edge_distance > trace.width / 2 + _EDGE
    return np.argwhere((count_beside(skeleton) == 1) & inside)


def _pair_ends(
    ends: np.ndarray, membrane: np.ndarray, max_gap: float
) -> tuple[np.ndarray, np.ndarray]:
    """Give middles and lengths of the gaps between ends that are nearest to each other."""
    none = np.zeros((0, 2)), np.zeros(0)
    if len(ends) < 2:
        return none
    _, nearest = cKDTree(ends).query(ends, k=2)
    partner = nearest[:, 1]
    first = np.arange(len(ends))
    mutual = (partner[partner] == first) & (first < partner)
    a, b = ends[mutual], ends[partner[mutual]]
    lengths = np.array([_cell_between(membrane, *pair) for pair in zip(a, b, strict=True)])
    kept = (lengths > 0) & (lengths <= max_gap)
    return ((a + b) / 2)[kept], lengths[kept]


def _cell_between(membrane: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """Length of cell, in pixels, on the straight line between two places."""
    far = np.hypot(*(b - a))
    line = np.linspace(a, b, int(np.ceil(4 * far)) + 1).round().astype(int)
    return float(far * (~membrane[tuple(line.T)]).mean())


def _holes(membrane: np.ndarray, max_hole: int) -> np.ndarray:
    cells, n_cells = ndimage.label(~membrane)
    sizes = np.bincount(cells.ravel(), minlength=n_cells + 1)
    small = sizes <= max_hole
    small[0] = False
    for edge in (cells[0], cells[-1], cells[:, 0], cells[:, -1]):
        small[edge] = False
    return _centres(cells, np.flatnonzero(small))


def _centres(parts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Mean place of each of some parts, by their numbers."""
    if not len(numbers):
        return np.zeros((0, 2))
    return np.array(ndimage.center_of_mass(parts > 0, parts, numbers), dtype=np.float64)

"""The middle lines of membranes, and how wide membranes are there."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

#: Membranes are connected over corners, since cells are over edges only.
EIGHT = np.ones((3, 3), dtype=bool)

#: A line so near to another one lies on it, in pixels.
REACH = 3

#: Skeletons run beside the middle by so little that the far side is no further than the near one
#: and so many pixels.
_FURTHEST = 3

#: Directions with a component of less than this are slanted; behind a slanted border the nearest
#: pixel's middle lies so far away.
_AXIS, _BESIDE = 0.99, 0.4

#: Masks go on beyond the image's edge by so many pixels, so that middle lines do not bend there.
_BEYOND = 12

#: Widths are means over the pixels of the skeleton in a square of so many pixels.
_EVEN = 5

#: Of a side branch of the skeleton so much of the membrane's width, and so many pixels more, are
#: due to a corner or a bump.
_SPUR_SHARE, _SPUR_PIXELS = 0.75, 1.5


@dataclass(frozen=True, eq=False)
class Trace:
    """Middle lines of the membranes of one mask.

    Attributes
    ----------
    skeleton : ndarray of shape (height, width), bool
        The middle lines.
    width : ndarray of shape (height, width), float64
        Width of the membrane, in pixels, at the pixels of the skeleton; 0 elsewhere.
    """

    skeleton: np.ndarray
    width: np.ndarray

    @property
    def edge_distance(self) -> np.ndarray:
        """Distance of each pixel's middle from the image's edge, in pixels."""
        rows, columns = (0.5 + np.minimum(np.arange(n), np.arange(n)[::-1]) for n in self.shape)
        return np.minimum(rows[:, np.newaxis], columns)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image."""
        return self.skeleton.shape


def trace_membranes(membrane: np.ndarray) -> Trace:
    """Find middle lines, and the width along them.

    Parameters
    ----------
    membrane : ndarray of shape (height, width), bool
        True at membrane.

    Returns
    -------
    Trace
        Without a middle line where all pixels are membrane, or none.
    """
    from skimage.morphology import skeletonize

    if membrane.all() or not membrane.any():
        return Trace(np.zeros_like(membrane), np.zeros(membrane.shape))
    padded = np.pad(membrane, _BEYOND, mode="edge")
    skeleton = skeletonize(padded)
    inside = (slice(_BEYOND, -_BEYOND),) * 2
    return Trace(skeleton[inside], _widths(padded, skeleton)[inside])


def _widths(membrane: np.ndarray, skeleton: np.ndarray) -> np.ndarray:
    """Distance from the nearest cell pixel on one side to that on the other, less the two halves.

    The middle of the nearest cell pixel lies half a pixel beyond a border along an axis. Beyond a
    slanted border, where several pixels compete, it is less.
    """
    distance, nearest = ndimage.distance_transform_edt(membrane, return_indices=True)
    places = np.argwhere(skeleton)
    near = distance[skeleton]
    across = (places - nearest[:, skeleton].T) / near[:, np.newaxis]
    far = near + _FURTHEST
    # A step away from the near side the distance grows, until the middle is passed: from there on
    # it is that to the far side. The first such step is what stays.
    for step in range(_FURTHEST, 0, -1):
        there = ndimage.map_coordinates(
            distance, (places + step * across).T, order=1, mode="nearest"
        )
        far = np.where(there < near + step - 0.25, there + step, far)
    slanted = np.abs(across).max(axis=1) < _AXIS
    width = np.zeros(membrane.shape)
    width[skeleton] = near + far - np.where(slanted, 2 * _BESIDE, 1.0)
    # Pixels make the border of a slanted membrane uneven; its neighbours along the line even it.
    total, count = _sum_around(width), _sum_around(skeleton.astype(np.float64))
    width[skeleton] = total[skeleton] / count[skeleton]
    return width


def _sum_around(values: np.ndarray) -> np.ndarray:
    """Sums over squares, exact for whole numbers, which running means are not."""
    for axis in (0, 1):
        values = ndimage.correlate1d(values, np.ones(_EVEN), axis, mode="constant")
    return values


def prune(trace: Trace) -> np.ndarray:
    """Take away the side branches of the skeleton that corners and bumps make.

    Parameters
    ----------
    trace : Trace
        Middle lines.

    Returns
    -------
    ndarray of shape (height, width), bool
        The skeleton without them.
    """
    from skimage.morphology import skeletonize

    n_beside = count_beside(trace.skeleton)
    forks = trace.skeleton & (n_beside >= 3)
    if not forks.any():
        return trace.skeleton
    pieces, n_pieces = ndimage.label(trace.skeleton & ~forks, EIGHT)
    if not n_pieces:
        return trace.skeleton
    piece = pieces[trace.skeleton]
    sizes = np.bincount(piece, minlength=n_pieces + 1)
    ends = np.bincount(piece[n_beside[trace.skeleton] <= 1], minlength=n_pieces + 1)
    beside_fork = ndimage.maximum_filter(forks, size=3)[trace.skeleton]
    roots = np.bincount(piece[beside_fork], minlength=n_pieces + 1)
    width = np.zeros(n_pieces + 1)
    np.maximum.at(width, piece, trace.width[trace.skeleton])
    spur = (ends > 0) & (roots > 0) & (sizes <= _SPUR_SHARE * width + _SPUR_PIXELS)
    spur[0] = False
    gone = spur[pieces]
    # What is left of a fork is thinner again.
    return skeletonize(trace.skeleton & ~gone) if gone.any() else trace.skeleton


def count_beside(skeleton: np.ndarray) -> np.ndarray:
    """Count the pixels of a skeleton among the eight around each of its pixels; 0 elsewhere."""
    around = ndimage.convolve(skeleton.astype(np.uint8), EIGHT.astype(np.uint8), mode="constant")
    return np.where(skeleton, around - skeleton, 0)


def skeleton_length(skeleton: np.ndarray) -> float:
    """Length of lines in pixels: steps to the side are one long, diagonal ones the root of two.

    A diagonal step counts only where no way around its corner lies on the line.
    """
    along = np.count_nonzero(skeleton[1:] & skeleton[:-1])
    along += np.count_nonzero(skeleton[:, 1:] & skeleton[:, :-1])
    a, b = skeleton[:-1, :-1], skeleton[:-1, 1:]
    c, d = skeleton[1:, :-1], skeleton[1:, 1:]
    across = np.count_nonzero(a & d & ~b & ~c) + np.count_nonzero(b & c & ~a & ~d)
    return float(along + np.sqrt(2.0) * across)


def near_membrane(membrane: np.ndarray) -> np.ndarray:
    """Pixels with membrane no further than `REACH` away, in rows and in columns."""
    return ndimage.maximum_filter(membrane, size=2 * REACH + 1)

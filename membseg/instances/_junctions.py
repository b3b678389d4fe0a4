"""Where cells meet: the walls that two of them share."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from membseg.instances._pixels import neighbours


@dataclass(frozen=True)
class Contacts:
    """Pairs of neighbouring pixels nearest to different cells: the middle lines of walls.

    Attributes
    ----------
    first, second : ndarray of int
        The two cells of each pair of pixels, the smaller place among the cells first.
    thickness : ndarray of float
        Width of the wall there, in pixels: 0 where cells touch.
    value : ndarray of float
        Mean intensity of those of the two pixels that are no cell, of both where cells touch;
        None without an image.
    """

    first: np.ndarray
    second: np.ndarray
    thickness: np.ndarray
    value: np.ndarray | None


def find_contacts(codes: np.ndarray, image: np.ndarray | None, widest: float) -> Contacts:
    """Find where cells meet.

    Parameters
    ----------
    codes : ndarray of shape (height, width), int
        Cells, numbered from 1 without gaps; 0 elsewhere.
    image : ndarray of shape (height, width) or None
        Intensities.
    widest : float
        Wider walls (px) are none.

    Returns
    -------
    Contacts
        The pairs of pixels.
    """
    if not codes.any():
        none = np.zeros(0)
        value = None if image is None else none
        return Contacts(none.astype(int), none.astype(int), none, value)
    distance, (rows, columns) = ndimage.distance_transform_edt(codes == 0, return_indices=True)
    nearest = codes[rows, columns]
    parts = []
    shown = np.zeros(codes.shape, np.uint8) if image is None else image
    for near, far, d, e, one, other in neighbours(nearest, distance, shown):
        meet = (near != far) & (d + e <= widest)
        pair = near[meet], far[meet]
        # A wall of w pixels: from either side's nearest cell pixel it is w + 1 steps to the other.
        width = (d + e)[meet]
        wall, beyond = (d > 0)[meet].astype(np.float64), (e > 0)[meet].astype(np.float64)
        touching = (wall + beyond == 0).astype(np.float64)
        wall, beyond = wall + touching, beyond + touching
        value = (wall * one[meet] + beyond * other[meet]) / (wall + beyond)
        parts.append((np.minimum(*pair), np.maximum(*pair), width, value))
    first, second, thickness, value = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    return Contacts(first, second, thickness, value if image is not None else None)

"""Windows that may reach beyond an image, where it is continued by reflection."""

from typing import Any

import numpy as np


def clip_window(start: int, stop: int, length: int) -> tuple[slice, np.ndarray | None]:
    """Find which pixels of an axis a window needs.

    Parameters
    ----------
    start, stop : int
        The window; it may begin before 0 and end after `length`.
    length : int
        Pixels along the axis.

    Returns
    -------
    inside : slice
        The pixels to read.
    order : ndarray of int or None
        For each pixel of the window its place among those; None where the window is inside.
    """
    if start >= 0 and stop <= length:
        return slice(start, stop), None
    # Reflection repeats every pixel at the edge, and itself, for images smaller than the window.
    places = np.arange(start, stop) % (2 * length)
    places = np.minimum(places, 2 * length - 1 - places)
    first = int(places.min())
    return slice(first, int(places.max()) + 1), places - first


def read_window(image: Any, rows: slice, columns: slice) -> np.ndarray:
    """Read a window of an image, and nothing else of it.

    Parameters
    ----------
    image : array-like of shape (height, width, channels)
        Anything that gives ``image[rows, columns]``, in memory or elsewhere.
    rows, columns : slice
        The window, with a start and a stop; beyond the image it is continued by reflection.

    Returns
    -------
    ndarray of shape (rows, columns, channels)
        The pixels, with the image's dtype.
    """
    height, width = image.shape[:2]
    inside_rows, row_order = clip_window(rows.start, rows.stop, height)
    inside_columns, column_order = clip_window(columns.start, columns.stop, width)
    return arrange(np.asarray(image[inside_rows, inside_columns]), row_order, column_order)


def arrange(
    pixels: np.ndarray, row_order: np.ndarray | None, column_order: np.ndarray | None
) -> np.ndarray:
    """Put the pixels that were read at their places in the window.

    Parameters
    ----------
    pixels : ndarray of shape (rows, columns, channels)
        What was read.
    row_order, column_order : ndarray of int or None
        As from :func:`clip_window`.

    Returns
    -------
    ndarray of shape (rows, columns, channels)
        The window.
    """
    if row_order is not None:
        pixels = pixels[row_order]
    return pixels if column_order is None else pixels[:, column_order]

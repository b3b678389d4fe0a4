"""Logits of one image of any size from a function that sees tiles of one shape."""

from collections.abc import Callable

import numpy as np

from membseg.inference._tiles import plan_tiles
from membseg.inference._views import View


def predict_logits(
    image: np.ndarray,
    function: Callable[[np.ndarray], np.ndarray],
    *,
    views: list[View],
    tile_size: int,
    halo: int,
    factor: int,
    margin: int,
) -> np.ndarray:
    """Predict one image, tile by tile, in bounded memory.

    The image is extended by reflection: `margin` pixels on each side, then up to a multiple of
    `factor`. Tiles are read from that extended image with a halo, so that their centres are
    what the whole extended image would give.

    Parameters
    ----------
    image : ndarray of shape (height, width, channels), float32
        The normalised image.
    function : callable
        Takes (1, tile_height, tile_width, channels) float32 and returns logits of shape
        (1, tile_height, tile_width).
    views : list of View
        Symmetries whose membrane probabilities are averaged.
    tile_size : int
        Largest side in pixels that the function sees, a multiple of `factor`.
    halo : int
        Context in pixels around a tile's centre, at least the receptive field's radius.
    factor : int
        The network's total downsampling.
    margin : int
        Reflected pixels on each side of the image, a multiple of `factor`.

    Returns
    -------
    ndarray of shape (height, width), float32
        Logits of the mean membrane probability over the views.
    """
    height, width = image.shape[:2]
    extended = _extend(image, margin, factor)
    rows, columns = extended.shape[:2]
    logits = np.empty((rows, columns), dtype=np.float32)
    for row, column in plan_tiles(rows, columns, tile_size, halo, factor):
        tile = extended[row.read, column.read]
        logits[row.write, column.write] = _mean_logits(tile, function, views)[row.cut, column.cut]
    return logits[margin : margin + height, margin : margin + width]


def _extend(image: np.ndarray, margin: int, factor: int) -> np.ndarray:
    """Reflect the image outwards until its sides are multiples of the factor."""
    pads = [(margin, margin + (-(size + 2 * margin)) % factor) for size in image.shape[:2]]
    # "symmetric" repeats as often as needed, also for images smaller than the margin.
    return np.pad(image, [*pads, (0, 0)], mode="symmetric")


def _mean_logits(
    tile: np.ndarray, function: Callable[[np.ndarray], np.ndarray], views: list[View]
) -> np.ndarray:
    """Logit of the mean probability over views, without ever rounding it to 0 or 1."""
    if len(views) == 1:
        return _view_logits(tile, function, views[0])
    membrane = np.zeros(tile.shape[:2], dtype=np.float32)
    cell = np.zeros(tile.shape[:2], dtype=np.float32)
    for view in views:
        odds = np.exp(-np.clip(_view_logits(tile, function, view), -80.0, 80.0))
        membrane += 1.0 / (1.0 + odds)
        cell += odds / (1.0 + odds)
    return np.log(membrane) - np.log(cell)


def _view_logits(
    tile: np.ndarray, function: Callable[[np.ndarray], np.ndarray], view: View
) -> np.ndarray:
    batch = np.ascontiguousarray(view.apply(tile))[np.newaxis]
    return view.undo(function(batch)[0])

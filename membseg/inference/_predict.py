"""Logits of one image of any size from a function that sees tiles of one shape."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.inference._tiles import Tile, plan_image
from membseg.inference._views import View
from membseg.inference._window import read_window
from membseg.utils import Intensity


@dataclass(frozen=True)
class TileRecipe:
    """How images are cut for a network, and what is averaged.

    Attributes
    ----------
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
    """

    views: list[View]
    tile_size: int
    halo: int
    factor: int
    margin: int

    def plan(self, height: int, width: int) -> list[Tile]:
        """Cut an image of this size into tiles."""
        return plan_image(
            height,
            width,
            tile_size=self.tile_size,
            halo=self.halo,
            factor=self.factor,
            margin=self.margin,
        )


class TilePredictor:
    """Predicts tiles one after the other, in the same memory as long as their shape is the same.

    Parameters
    ----------
    function : callable
        Takes (1, tile_height, tile_width, channels) float32 and returns logits of shape
        (1, tile_height, tile_width).
    views : list of View
        Symmetries whose membrane probabilities are averaged.
    """

    def __init__(self, function: Callable[[np.ndarray], np.ndarray], views: list[View]) -> None:
        self.function = function
        self.views = views
        self._sums = np.empty((4, 0, 0), dtype=np.float32)
        self._batches: dict[tuple[int, ...], np.ndarray] = {}

    def predict(self, tile: np.ndarray) -> np.ndarray:
        """Predict the logits of the mean membrane probability over the views.

        Parameters
        ----------
        tile : ndarray of shape (height, width, channels), float32
            Normalised pixels.

        Returns
        -------
        ndarray of shape (height, width), float32
            Logits; they are overwritten by the next call.
        """
        if len(self.views) == 1:
            return self._view_logits(tile, self.views[0])
        if self._sums.shape[1:] != tile.shape[:2]:
            self._sums = np.empty((4, *tile.shape[:2]), dtype=np.float32)
            self._batches.clear()
        membrane, cell, odds, total = self._sums
        membrane[:] = cell[:] = 0
        for view in self.views:
            # Both probabilities are added up, so that neither is ever rounded to 0 or 1.
            np.clip(self._view_logits(tile, view), -80.0, 80.0, out=odds)
            np.exp(np.negative(odds, out=odds), out=odds)
            np.add(odds, 1.0, out=total)
            cell += np.divide(odds, total, out=odds)
            membrane += np.divide(1.0, total, out=total)
        np.log(membrane, out=membrane)
        membrane -= np.log(cell, out=cell)
        return membrane

    def _view_logits(self, tile: np.ndarray, view: View) -> np.ndarray:
        seen = view.apply(tile)
        if not seen.flags.c_contiguous:
            # Of a tile that is no square, quarter turns have another shape than flips.
            if seen.shape not in self._batches:
                self._batches[seen.shape] = np.empty(seen.shape, dtype=seen.dtype)
            np.copyto(self._batches[seen.shape], seen)
            seen = self._batches[seen.shape]
        return view.undo(self.function(seen[np.newaxis])[0])


def predict_tiles(
    image: Any,
    predictor: TilePredictor,
    recipe: TileRecipe,
    intensity: Intensity | None = None,
) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Predict one image, tile by tile, in the memory of a few tiles.

    The image is continued by reflection: `margin` pixels on each side, then up to a multiple of
    `factor`. Tiles are read with a halo, so that their centres are what the whole image would give.

    Parameters
    ----------
    image : array-like of shape (height, width, channels)
        Anything that gives ``image[rows, columns]``; only windows of it are read.
    predictor : TilePredictor
        Gives the logits of a tile.
    recipe : TileRecipe
        How the image is cut.
    intensity : Intensity or None, default=None
        What normalises the pixels; None where they are normalised float32.

    Yields
    ------
    rows, columns : slice
        A rectangle of the image; together they cover it once.
    logits : ndarray of shape (rows, columns), float32
        Its logits; they are overwritten by the next tile.
    """
    for tile in recipe.plan(*image.shape[:2]):
        pixels = read_window(image, tile.read_rows, tile.read_columns)
        if intensity is not None:
            pixels = intensity.apply(pixels)
        yield tile.rows, tile.columns, predictor.predict(pixels)[tile.cut]


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
    """Predict one image.

    Parameters
    ----------
    image : ndarray of shape (height, width, channels), float32
        The normalised image.
    function : callable
        As for :class:`TilePredictor`.
    views : list of View
        As for :class:`TileRecipe`.
    tile_size, halo, factor, margin : int
        As for :class:`TileRecipe`.

    Returns
    -------
    ndarray of shape (height, width), float32
        Logits of the mean membrane probability over the views.
    """
    recipe = TileRecipe(views, tile_size, halo, factor, margin)
    predictor = TilePredictor(function, views)
    logits = np.empty(image.shape[:2], dtype=np.float32)
    for rows, columns, tile in predict_tiles(image, predictor, recipe):
        logits[rows, columns] = tile
    return logits

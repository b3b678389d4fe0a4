"""Prediction of dask arrays: the same tiles, as tasks that nobody has run yet."""

from itertools import groupby
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.inference import TilePredictor, TileRecipe, arrange, clip_window
from membseg.utils import Intensity, import_optional
from membseg.utils._images import check_dask_images
from membseg.utils._intensity import StatisticsPlan
from membseg.utils._lazy import iterate_blocks

_PURPOSE = {"extra": "big", "purpose": "Predicting dask arrays"}


def predict_dask(
    X: Any, segmenter: Any, recipe: TileRecipe, intensity: Intensity | None, mode: str
) -> Any:
    """Predict the logits of a dask array as a dask array; nothing is computed here.

    Each task reads one tile with its halo, whatever the chunks of `X`, so that its memory is that
    of a tile and of the chunks that it touches. Where images are normalised by themselves, the
    chunks of an image stay in memory (in their own dtype) until its last one was looked at.

    Parameters
    ----------
    X : dask array of shape (n_images, height, width[, channels])
        Images.
    segmenter : object
        Has ``n_channels_in_`` and ``_tile_function()``; travels to the workers.
    recipe : TileRecipe
        Tiles and views.
    intensity : Intensity or None
        The normalisation of every image; None where each has its own.
    mode : {"image", "percentile"}
        How an image's own normalisation is found.

    Returns
    -------
    dask array of shape (n_images, height, width), float32
        Logits, in the chunks of `X`.
    """
    da = import_optional("dask.array", **_PURPOSE)
    delayed = import_optional("dask", **_PURPOSE).delayed
    check_dask_images(X, n_channels=segmenter.n_channels_in_)
    # In the graph once, not in every task.
    worker = delayed(segmenter, pure=False, traverse=False)
    pixels = X if X.ndim == 4 else X[..., np.newaxis]
    maps = []
    for image in pixels:
        own = intensity if intensity is not None else _lazy_intensity(image, mode)
        tiles = _lazy_tiles(image, worker, recipe, own)
        maps.append(da.block(tiles))
    return da.stack(maps).rechunk(X.chunks[:3])


def _lazy_tiles(image: Any, worker: Any, recipe: TileRecipe, intensity: Any) -> list[list[Any]]:
    da = import_optional("dask.array", **_PURPOSE)
    task = import_optional("dask", **_PURPOSE).delayed(_predict_tile, pure=False)
    height, width = image.shape[:2]
    grid = []
    for _, tiles in groupby(recipe.plan(height, width), key=lambda tile: tile.rows.start):
        line = []
        for tile in tiles:
            rows, row_order = clip_window(tile.read_rows.start, tile.read_rows.stop, height)
            columns, column_order = clip_window(
                tile.read_columns.start, tile.read_columns.stop, width
            )
            window = _pieces(image[rows, columns])
            logits = task(
                worker, window, (row_order, column_order), tile.cut, intensity, recipe.views
            )
            shape = (tile.rows.stop - tile.rows.start, tile.columns.stop - tile.columns.start)
            line.append(da.from_delayed(logits, shape, dtype=np.float32))
        grid.append(line)
    return grid


def _predict_tile(
    segmenter: Any, pieces: Any, orders: Any, cut: Any, intensity: Intensity, views: Any
) -> np.ndarray:
    pixels = _put_together(pieces)
    tile = intensity.apply(arrange(pixels, *orders))
    logits = TilePredictor(segmenter._tile_function(), views).predict(tile)
    return np.ascontiguousarray(logits[tuple(cut)])


def _lazy_intensity(image: Any, mode: str) -> Any:
    """Normalise by the image itself: tasks look at pieces of it, one puts that together."""
    delayed = import_optional("dask", **_PURPOSE).delayed
    plan = StatisticsPlan.of(image.shape, image.dtype, mode)
    look = delayed(_look, pure=False)
    parts = [look(plan, _pieces(block)) for block in iterate_blocks(image)]
    return delayed(_map_of, pure=False)(plan, parts)


def _look(plan: StatisticsPlan, pieces: Any) -> Any:
    return plan.look(_put_together(pieces))


def _map_of(plan: StatisticsPlan, parts: list[Any]) -> Intensity:
    return plan.map_of(parts)


def _pieces(window: Any) -> Any:
    """Give the parts of chunks that a window is made of, as nested lists of tasks.

    An array would do as well, but dask would compute the chunks anew for every window.
    """
    return window.to_delayed(optimize_graph=False).tolist()


def _put_together(pieces: Any) -> np.ndarray:
    pixels = np.block(pieces)
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise InvalidInputError(
            "X must be finite; a chunk of it holds NaN or infinite values. Replace them first, "
            "e.g. with dask.array.nan_to_num."
        )
    return pixels

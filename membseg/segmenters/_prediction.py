"""What every Keras segmenter does with tiles: one at a time, wherever the pixels are."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from membseg.inference import TilePredictor, TileRecipe, list_views, predict_tiles
from membseg.segmenters import _auto
from membseg.utils import Intensity, write_line

#: Held while a network is built or predicts. Keras makes its compiled function at the first call,
#: and moves weights in and out of a network at every call under JAX: threads of one process must
#: take turns. Little is lost, since one tile keeps all cores (or the accelerator) busy.
KERAS_LOCK = threading.RLock()

#: Reflected pixels around an image at prediction, in units of the network's downsampling.
MARGIN_FACTORS = 1

#: Seconds between two lines about the progress.
_SECONDS_PER_LINE = 10.0


def make_recipe(
    tta: str, tile_size: int | str, halo: int, factor: int, values: float | None
) -> TileRecipe:
    """Choose tiles and views for a network.

    Parameters
    ----------
    tta, tile_size
        Parameters of the segmenter.
    halo, factor : int
        The network's reach and total downsampling, in pixels.
    values : float or None
        Values of its largest layer per pixel, needed where `tile_size` is "auto".

    Returns
    -------
    TileRecipe
        How images are cut.
    """
    return TileRecipe(
        views=list_views(tta),
        tile_size=_auto.choose_tile_size(tile_size, halo, factor, values),
        halo=halo,
        factor=factor,
        margin=MARGIN_FACTORS * factor,
    )


def count_values(network: Any, factor: int) -> float:
    """Count the values of a network's largest layer per pixel of the image."""
    from membseg.training import layer_shapes

    shapes = layer_shapes(network, (1, factor, factor, network.input_shape[-1]))
    return max(int(np.prod(shape)) for shape in shapes) / factor**2


def prior_recipe() -> TileRecipe:
    """Give the tiles of a segmenter without a network, which are independent of each other."""
    return TileRecipe(list_views("none"), tile_size=2048, halo=0, factor=1, margin=0)


def one_at_a_time(function: Callable[[np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    """Let threads take turns with a function."""

    def locked(batch: np.ndarray) -> np.ndarray:
        with KERAS_LOCK:
            return function(batch)

    return locked


def predict_blocks(
    images: list[Any],
    intensities: list[Intensity],
    function: Callable[[np.ndarray], np.ndarray],
    recipe: TileRecipe,
    *,
    verbose: bool,
) -> Iterator[tuple[int, slice, slice, np.ndarray]]:
    """Predict images tile by tile.

    Parameters
    ----------
    images : list of (ndarray or LazyImage) of shape (height, width, channels)
        Images; windows of them are read.
    intensities : list of Intensity
        Each image's normalisation.
    function : callable
        From (1, height, width, channels) float32 to logits (1, height, width).
    recipe : TileRecipe
        Tiles and views.
    verbose : bool
        Whether to write a line every few seconds.

    Yields
    ------
    i, rows, columns : int, slice, slice
        Number of the image and a rectangle of it; each pixel comes once.
    logits : ndarray of shape (rows, columns), float32
        Its logits; they are overwritten by the next tile.
    """
    n_tiles = sum(len(recipe.plan(*image.shape[:2])) for image in images) if verbose else 0
    done, start = 0, time.perf_counter()
    told = start
    predictor = TilePredictor(function, recipe.views)
    for i, (image, intensity) in enumerate(zip(images, intensities, strict=True)):
        for rows, columns, logits in predict_tiles(image, predictor, recipe, intensity):
            yield i, rows, columns, logits
            done += 1
            now = time.perf_counter()
            if done < n_tiles and now - told >= _SECONDS_PER_LINE:
                left = (now - start) / done * (n_tiles - done)
                write_line(f"predicted {done} of {n_tiles} tiles  {left:.0f} s left")
                told = now

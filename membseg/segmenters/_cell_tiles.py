"""Large images for a network that finds cells: tiles that overlap, and the cells of all of them."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np

from membseg.segmenters._found_cells import FoundCell, Window, paste_mask

#: Sides of what the network sees are multiples of this.
STEP = 32

#: Pixels that neighbouring tiles share, as a share of a tile: larger cells may be cut twice, and
#: are put together.
_OVERLAP = 0.25

#: A box this near (px) to the edge of a tile inside the image is taken for cut by it.
_NEAR = 2.0

#: From a tile, (1, height, width, channels), to "boxes", "scores" and "masks" (logits).
Finder = Callable[[np.ndarray], dict[str, np.ndarray]]


def find_all_cells(image: Any, intensity: Any, tile_size: int, finder: Finder) -> list[FoundCell]:
    """Find the cells of an image, tile by tile.

    Parameters
    ----------
    image : ndarray or LazyImage of shape (height, width, channels)
        Pixels.
    intensity : Intensity
        Its normalisation.
    tile_size : int
        Largest side of a tile, a multiple of 32.
    finder : callable
        The network.

    Returns
    -------
    list of FoundCell
        In the image's pixels; cells in the overlap of tiles come more than once.
    """
    found: list[FoundCell] = []
    shape = image.shape[:2]
    for tile in plan_tiles(shape, tile_size):
        # In float64 whatever the dtype, so that equal images give equal cells: which of two boxes
        # that are all but equally sure is kept can depend on the last bit.
        pixels = intensity.apply(np.asarray(image[tile], dtype=np.float64))
        height, width = pixels.shape[:2]
        pads = [(0, -side % STEP) for side in (height, width)]
        result = finder(np.pad(pixels, [*pads, (0, 0)])[np.newaxis])
        found.extend(_cells_of(result, tile, (height, width), shape))
    return found


def plan_tiles(shape: tuple[int, int], tile_size: int) -> list[Window]:
    """Cut an image into tiles that overlap by a quarter at least; the last ones end with it."""
    spans = []
    for length in shape:
        if length <= tile_size:
            spans.append([slice(0, length)])
            continue
        n = int(np.ceil((length - tile_size) / (tile_size * (1 - _OVERLAP)))) + 1
        starts = np.linspace(0, length - tile_size, n).round().astype(int)
        spans.append([slice(int(start), int(start) + tile_size) for start in starts])
    return list(product(*spans))


def _cells_of(
    result: dict[str, np.ndarray], tile: Window, size: tuple[int, int], shape: tuple[int, int]
) -> Iterator[FoundCell]:
    scores = np.asarray(result["scores"][0], dtype=np.float64)
    # In float64: the exponential must not overflow.
    masks = 1 / (1 + np.exp(-np.clip(np.asarray(result["masks"][0], np.float64), -60, 60)))
    for box, score, mask in zip(result["boxes"][0], scores, masks, strict=True):
        if score <= 0:
            continue
        cell = paste_mask(np.asarray(box, np.float64), mask.astype(np.float32), size)
        if cell is None:
            continue
        start = [span.start for span in tile]
        window = tuple(
            slice(s.start + first, s.stop + first)
            for s, first in zip(cell.window, start, strict=True)
        )
        cut = tile if _is_cut(box, tile, size, shape) else None
        yield FoundCell((window[0], window[1]), cell.mask, float(score), cut)


def _is_cut(box: np.ndarray, tile: Window, size: tuple[int, int], shape: tuple[int, int]) -> bool:
    """Tell whether a box, in a tile's own pixels, touches an edge that is inside the image."""
    for axis in (0, 1):
        if tile[axis].start > 0 and box[axis] < _NEAR:
            return True
        if tile[axis].stop < shape[axis] and box[axis + 2] > size[axis] - _NEAR:
            return True
    return False

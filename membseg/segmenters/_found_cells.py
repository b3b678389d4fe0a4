"""Cells that a network has found one by one, put together to a label image and a membrane map."""

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from membseg.metrics._label_components import MIN_SIZE

#: A cell is found twice where more than this share of the smaller find lies on the other.
_SAME = 0.5

#: Mask probability from which a pixel belongs to a cell.
_INSIDE = 0.5

#: Rows and columns of a rectangle of the image.
Window = tuple[slice, slice]


@dataclass
class FoundCell:
    """A cell as a network has found it.

    Attributes
    ----------
    window : tuple of two slices
        Rows and columns of the image that `mask` covers.
    mask : ndarray of shape (rows, columns), float32
        Probability that a pixel belongs to the cell.
    score : float
        Probability that there is a cell.
    tile : tuple of two slices or None
        The tile at whose inner edge the cell is cut; None for whole cells.
    """

    window: Window
    mask: np.ndarray
    score: float
    tile: Window | None = None


@dataclass
class CellCanvas:
    """An image onto which cells are put, the surest first.

    Attributes
    ----------
    owner : ndarray of shape (height, width), int32
        Number of the cell, from 1 in the order of arrival; 0 where there is none.
    inside : ndarray of shape (height, width), float32
        Mask probability of that cell.
    response : ndarray of shape (height, width), float32
        Largest product of score and mask probability.
    scores : list of float
        Of the cells.
    tiles : list of list of (tuple of two slices)
        Tiles at whose edges each cell was cut; empty for whole ones.
    """

    owner: np.ndarray
    inside: np.ndarray
    response: np.ndarray
    scores: list[float] = field(default_factory=list)
    tiles: list[list[Window]] = field(default_factory=list)

    @classmethod
    def blank(cls, shape: tuple[int, int]) -> "CellCanvas":
        """Give a canvas without cells."""
        return cls(np.zeros(shape, np.int32), np.zeros(shape, np.float32), np.zeros(shape, "f4"))

    def put(self, cell: FoundCell) -> None:
        """Put a cell where there is room; a part of one that is there already is joined to it."""
        mask = cell.mask >= _INSIDE
        area = int(np.count_nonzero(mask))
        if area < MIN_SIZE:
            return
        owners = self.owner[cell.window]
        shared = np.bincount(owners[mask], minlength=len(self.scores) + 1)
        number = self._same_cut_cell(cell, mask, shared)
        if number is None:
            if area - shared[0] > _SAME * area:
                return
            self.scores.append(cell.score)
            self.tiles.append([] if cell.tile is None else [cell.tile])
            number = len(self.scores)
        else:
            self.scores[number - 1] = max(self.scores[number - 1], cell.score)
            self.tiles[number - 1].append(cell.tile)  # type: ignore[arg-type]  # cells cut by a tile have one
        inside = self.inside[cell.window]
        won = mask & ((owners == 0) | (cell.mask > inside))
        owners[won] = number
        inside[won] = cell.mask[won]
        response = self.response[cell.window]
        np.maximum(response, np.float32(cell.score) * cell.mask, out=response)

    def _same_cut_cell(self, cell: FoundCell, mask: np.ndarray, shared: np.ndarray) -> int | None:
        """Find the other part of a cell that is cut, where both tiles see it."""
        if cell.tile is None:
            return None
        for number in np.flatnonzero(shared[1:]) + 1:
            for tile in self.tiles[number - 1]:
                common = _cut(mask, cell.window, tile)
                if tile != cell.tile and shared[number] > _SAME * max(common, MIN_SIZE):
                    return int(number)
        return None

    def finish(self, least_score: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give the label image and what belongs to it.

        Parameters
        ----------
        least_score : float
            Cells of a lower score are left out.

        Returns
        -------
        labels : ndarray of shape (height, width), int32
            Cells of one part each and at least 20 px, numbered from 1 without gaps.
        scores : ndarray of shape (n_cells,), float64
            In the order of the numbers.
        boxes : ndarray of shape (n_cells, 4), int64
            First row, first column, and those after the last ones.
        """
        labels = np.zeros_like(self.owner)
        scores, boxes = [], []
        for k, window in enumerate(ndimage.find_objects(self.owner, len(self.scores))):
            if window is None or self.scores[k] < least_score:
                continue
            part = _largest_part(self.owner[window] == k + 1)
            if np.count_nonzero(part) < MIN_SIZE:
                continue
            scores.append(self.scores[k])
            labels[window][part] = len(scores)
            (rows,), (columns,) = (np.nonzero(part.any(axis=axis)) for axis in (1, 0))
            top, left = window[0].start, window[1].start
            boxes.append(
                (top + rows[0], left + columns[0], top + rows[-1] + 1, left + columns[-1] + 1)
            )
        return labels, np.array(scores, np.float64), np.array(boxes, np.int64).reshape(-1, 4)


def put_all(cells: list[FoundCell], shape: tuple[int, int]) -> CellCanvas:
    """Put cells onto a canvas: whole ones first, the surest of each kind first."""
    canvas = CellCanvas.blank(shape)
    for cell in sorted(cells, key=lambda cell: (cell.tile is not None, -cell.score)):
        canvas.put(cell)
    return canvas


def paste_mask(box: np.ndarray, mask: np.ndarray, shape: tuple[int, int]) -> FoundCell | None:
    """Give a mask its size in the image.

    Parameters
    ----------
    box : ndarray of shape (4,)
        Top, left, bottom and right edge in pixels.
    mask : ndarray of shape (size, size), float32
        Probabilities on a regular grid inside the box.
    shape : tuple of int
        Height and width of the image; what is beyond is cut off.

    Returns
    -------
    FoundCell or None
        With score 0; None for a box without pixels.
    """
    top, left = np.maximum(np.floor(box[:2] + 0.5), 0).astype(np.int64)
    bottom, right = np.minimum(np.ceil(box[2:] - 0.5), shape).astype(np.int64)
    if bottom <= top or right <= left:
        return None
    rows = _interpolation(np.arange(top, bottom), box[0], box[2], len(mask))
    columns = _interpolation(np.arange(left, right), box[1], box[3], len(mask))
    window = slice(int(top), int(bottom)), slice(int(left), int(right))
    return FoundCell(window, rows @ mask @ columns.T, 0.0)


def _interpolation(pixels: np.ndarray, start: float, stop: float, size: int) -> np.ndarray:
    """Weights of a grid inside of [start, stop] at the middle of pixels, (n_pixels, size)."""
    places = (pixels + 0.5 - start) / max(stop - start, 1e-3) * size - 0.5
    places = np.clip(places, 0, size - 1)
    weights = np.maximum(1 - np.abs(places[:, np.newaxis] - np.arange(size)), 0)
    return weights.astype(np.float32)


def _cut(mask: np.ndarray, window: Window, tile: Window) -> int:
    """Count the pixels of a mask that lie in a tile."""
    cuts = tuple(
        slice(max(t.start - w.start, 0), max(t.stop - w.start, 0))
        for w, t in zip(window, tile, strict=True)
    )
    return int(np.count_nonzero(mask[cuts]))


def _largest_part(mask: np.ndarray) -> np.ndarray:
    """The largest 4-connected component."""
    parts, n = ndimage.label(mask)
    if n == 1:
        return mask
    return parts == np.bincount(parts.ravel())[1:].argmax() + 1

"""How many cells there are, and how large they are."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from membseg.quality._inputs import as_membranes, check_pixel_size, need_pixel_size


@dataclass(frozen=True, eq=False)
class CellAreas:
    """Areas of the cells of one mask; from :func:`cell_areas`.

    Attributes
    ----------
    areas : ndarray of shape (n_cells,), int64
        Pixels of each cell.
    at_edge : ndarray of shape (n_cells,), bool
        Whether the image's edge cuts it, so that it is larger than it looks.
    membrane_fraction : float
        Share of membrane among the pixels, in [0, 1].
    pixel_size : float or None
        Side of a pixel in nanometres, None where it was not given.
    """

    areas: np.ndarray
    at_edge: np.ndarray
    membrane_fraction: float
    pixel_size: float | None = None

    @property
    def areas_nm2(self) -> np.ndarray:
        """Areas in square nanometres, ndarray of shape (n_cells,)."""
        return self.areas * need_pixel_size(self.pixel_size, "areas in square nanometres") ** 2

    @property
    def median(self) -> float:
        """Median area in pixels, of whole cells where there are any; NaN without cells."""
        areas = self._whole()
        return float(np.median(areas)) if areas.size else float("nan")

    @property
    def spread(self) -> float:
        """Standard deviation of the areas' logarithms, as `median`; NaN without cells."""
        areas = self._whole()
        return float(np.log(areas).std()) if areas.size else float("nan")

    @property
    def concentration(self) -> float:
        """Chance that two cell pixels drawn at random lie in the same cell; NaN without cells.

        It is what leaks raise first: two cells that run together count as one of both sizes.
        """
        if not self.areas.size:
            return float("nan")
        return float(((self.areas / self.areas.sum()) ** 2).sum())

    def _whole(self) -> np.ndarray:
        return self.areas if self.at_edge.all() else self.areas[~self.at_edge]


def cell_areas(
    masks: Any,
    *,
    pixel_size: float | None = None,
    unit: str = "nm",
    membrane_label: Any = None,
) -> list[CellAreas]:
    """Measure the areas of the cells in masks.

    Parameters
    ----------
    masks : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks of two values.
    pixel_size : float or None, default=None
        Side of a pixel in `unit`; needed for square nanometres only.
    unit : str, default="nm"
        Unit of `pixel_size`: "nm", "um", "mm", "angstrom", ...
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger.

    Returns
    -------
    list of CellAreas
        One a mask. Cells are connected over edges, not over corners, as scores count them.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `masks` are no masks of two values, or `pixel_size` or `unit` cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.quality import cell_areas
    >>> (cells,) = cell_areas(np.array([[[0, 1, 0, 0], [0, 1, 0, 0]]]), pixel_size=4.0)
    >>> cells.areas.tolist(), cells.areas_nm2.tolist(), cells.membrane_fraction
    ([2, 4], [32.0, 64.0], 0.25)
    """
    size = check_pixel_size(pixel_size, unit)
    return [areas_of(m, size) for m in as_membranes(masks, membrane_label=membrane_label)]


def areas_of(membrane: np.ndarray, pixel_size: float | None = None) -> CellAreas:
    """Areas of one mask, True at membrane."""
    cells, n_cells = ndimage.label(~membrane)
    at_edge = np.zeros(n_cells + 1, dtype=bool)
    for edge in (cells[0], cells[-1], cells[:, 0], cells[:, -1]):
        at_edge[edge] = True
    areas = np.bincount(cells.ravel(), minlength=n_cells + 1)[1:]
    return CellAreas(areas, at_edge[1:], float(membrane.mean()), pixel_size)

"""Measurements of cells and of the walls between them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.instances._junctions import Contacts, find_contacts
from membseg.instances._table import CellTable
from membseg.io._units import pixel_size_in_nm
from membseg.metrics._checks import check_number
from membseg.metrics._label_images import list_label_images
from membseg.metrics._overlaps import compress
from membseg.utils import check_images, check_same_sizes

#: Columns of cells -> powers of a length that they are.
_OF_CELLS = {
    "image": 0, "cell": 0, "row": 0, "column": 0, "area": 2, "perimeter": 1, "major_axis": 1,
    "minor_axis": 1, "eccentricity": 0, "solidity": 0, "on_edge": 0, "n_neighbours": 0,
    "thickness": 1,
}  # fmt: skip
#: And of junctions.
_OF_JUNCTIONS = {"image": 0, "cell": 0, "neighbour": 0, "length": 1, "thickness": 1}

#: The mean over all directions of a line's length, over its number of steps in rows and columns.
_PER_STEP = np.pi / 4


@dataclass(frozen=True, eq=False)
class CellMeasurements:
    """Cells and their junctions, measured; from :func:`measure_cells`.

    Parameters
    ----------
    cells : CellTable
        One row a cell.
    junctions : CellTable
        One row a pair of cells with a wall between them: the edges of the cell graph.
    """

    cells: CellTable
    junctions: CellTable

    def neighbours(self, image: int = 0) -> dict[int, list[int]]:
        """Give the cell graph of one image.

        Parameters
        ----------
        image : int, default=0
            Which one.

        Returns
        -------
        dict of int to list of int
            For each cell the cells that it shares a wall with, in ascending order.
        """
        of_image = self.cells["cell"][self.cells["image"] == image]
        graph: dict[int, list[int]] = {int(cell): [] for cell in of_image}
        rows = self.junctions["image"] == image
        for a, b in zip(
            self.junctions["cell"][rows].tolist(),
            self.junctions["neighbour"][rows].tolist(),
            strict=True,
        ):
            graph[a].append(b)
            graph[b].append(a)
        return {cell: sorted(others) for cell, others in graph.items()}


def measure_cells(
    labels: Any,
    X: Any = None,
    *,
    pixel_size: float | None = None,
    unit: str = "nm",
    max_thickness: float = 20.0,
) -> CellMeasurements:
    """Measure cells, and the walls that they share.

    Parameters
    ----------
    labels : int array-like of shape (n_images, height, width), or list of 2-D arrays
        Label images, 0 where there is no cell.
    X : array-like of shape (n_images, height, width) or list of arrays, default=None
        The images, of one channel, for intensities.
    pixel_size : float or None, default=None
        Side of one pixel in `unit`; lengths and areas are then in nanometres. None: in pixels.
    unit : str, default="nm"
        Unit of `pixel_size`: "nm", "um", "mm", "cm", "m" or "angstrom".
    max_thickness : float, default=20.0
        Cells are neighbours where the gap between them is at most this wide (px).

    Returns
    -------
    CellMeasurements
        Two tables, without rows where there are no cells.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If label images, images, `pixel_size`, `unit` or `max_thickness` cannot be used, or images
        and label images differ in size.

    Notes
    -----
    Columns of ``cells``: ``image`` (from 0), ``cell`` (its number), ``row`` and ``column`` (centre,
    in pixels), ``area``, ``perimeter`` (Crofton's formula in four directions), ``major_axis`` and
    ``minor_axis`` and ``eccentricity`` (of the ellipse with the same second moments), ``solidity``
    (share of the convex hull), ``on_edge`` (touches the image's edge), ``n_neighbours``,
    ``thickness`` (mean along the cell's walls, NaN without one), and with images ``intensity``
    (mean over the cell) and ``membrane_intensity`` (mean along its walls, NaN without one).

    Columns of ``junctions``: ``image``, ``cell``, ``neighbour`` (the larger number), ``length`` and
    ``thickness`` of the wall, and with images ``intensity``. The wall of two cells runs where a
    pixel that is nearest to one of them has a neighbour that is nearest to the other; there its
    thickness is read, and the intensity of both pixels, or of the one that is no cell. Its length
    is the number of such pairs times pi / 4, which is right on average over all directions: a
    straight horizontal wall comes out a fifth too short, a diagonal one a tenth too long.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg import measure_cells
    >>> labels = np.zeros((1, 8, 9), int)
    >>> labels[:, :, :3], labels[:, :, 6:] = 1, 2
    >>> measured = measure_cells(labels, pixel_size=4.0)
    >>> measured.cells["area"].tolist(), measured.cells.units["area"]
    ([384.0, 384.0], 'nm²')
    >>> measured.junctions["thickness"].tolist(), measured.neighbours()
    ([12.0], {1: [2], 2: [1]})
    """
    images = list_label_images(labels, name="labels")
    check_number(max_thickness, "max_thickness", low=0)
    scale = 1.0 if pixel_size is None else pixel_size_in_nm(pixel_size, unit)
    shown = _check_shown(X, images)
    cells, junctions = [], []
    for i, (image, intensity) in enumerate(zip(images, shown, strict=True)):
        ids, codes, _ = compress(image)
        walls = _junctions_of(find_contacts(codes, intensity, float(max_thickness)), len(ids))
        junctions.append(_name_junctions(i, ids, walls))
        cells.append(_cells_of(i, ids, codes, intensity, walls))
    length = "px" if pixel_size is None else "nm"
    return CellMeasurements(
        _as_table(cells, _OF_CELLS, scale, length),
        _as_table(junctions, _OF_JUNCTIONS, scale, length),
    )


def _check_shown(X: Any, images: list[np.ndarray]) -> list[Any]:
    if X is None:
        return [None] * len(images)
    stack = check_images(X)
    if stack.n_channels != 1:
        raise InvalidInputError(
            f"X must have one channel to be measured; got {stack.n_channels}. Choose one, such as "
            "X[..., 0], or take the mean over the last axis."
        )
    check_same_sizes(stack.sizes, [image.shape for image in images], names=("X", "labels"))
    return [np.asarray(image)[..., 0] for image in stack.images]


def _junctions_of(contacts: Contacts, n_cells: int) -> dict[str, np.ndarray]:
    """Sum the contacts of each pair of cells up; cells by their place, from 1."""
    n = n_cells + 1
    pairs, place, count = np.unique(
        contacts.first.astype(np.int64) * n + contacts.second,
        return_inverse=True,
        return_counts=True,
    )
    walls = {
        "first": pairs // n,
        "second": pairs % n,
        "length": count * _PER_STEP,
        "thickness": np.bincount(place, weights=contacts.thickness, minlength=len(pairs)) / count,
    }
    if contacts.value is not None:
        total = np.bincount(place, weights=contacts.value, minlength=len(pairs))
        walls["intensity"] = total / count
    return walls


def _name_junctions(
    image: int, ids: np.ndarray, walls: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    named = {
        "image": np.full(len(walls["first"]), image),
        "cell": ids[walls["first"] - 1],
        "neighbour": ids[walls["second"] - 1],
    }
    return named | {k: v for k, v in walls.items() if k not in ("first", "second")}


def _cells_of(
    i: int,
    ids: np.ndarray,
    codes: np.ndarray,
    intensity: np.ndarray | None,
    walls: dict[str, np.ndarray],
) -> dict[str, np.ndarray]:
    n = len(ids)
    ends = np.concatenate([walls["first"], walls["second"]]).astype(np.int64)
    columns = {
        "image": np.full(n, i),
        "cell": ids,
        **_shapes_of(codes),
        "on_edge": _touches_edge(codes, n),
        "n_neighbours": np.bincount(ends, minlength=n + 1)[1:],
        "thickness": _along_walls(walls, "thickness", ends, n),
    }
    if intensity is not None:
        columns["intensity"] = _mean_of(intensity, codes, n)
        columns["membrane_intensity"] = _along_walls(walls, "intensity", ends, n)
    return columns


def _along_walls(walls: dict[str, np.ndarray], name: str, ends: np.ndarray, n: int) -> np.ndarray:
    """Mean of a column of junctions over the walls of each cell, by their lengths."""
    length = np.tile(walls["length"], 2)
    total = np.bincount(ends, weights=length * np.tile(walls[name], 2), minlength=n + 1)
    return _mean(total, np.bincount(ends, weights=length, minlength=n + 1))[1:]


def _shapes_of(codes: np.ndarray) -> dict[str, np.ndarray]:
    from skimage.measure import regionprops_table

    names = {
        "centroid-0": "row",
        "centroid-1": "column",
        "area": "area",
        "perimeter_crofton": "perimeter",
        "axis_major_length": "major_axis",
        "axis_minor_length": "minor_axis",
        "eccentricity": "eccentricity",
        "solidity": "solidity",
    }
    wanted = ["centroid", *list(names)[2:]]
    found = regionprops_table(codes, properties=wanted)
    return {name: np.asarray(found[key], np.float64) for key, name in names.items()}


def _touches_edge(codes: np.ndarray, n: int) -> np.ndarray:
    touching = np.zeros(n + 1, dtype=bool)
    for edge in (codes[0], codes[-1], codes[:, 0], codes[:, -1]):
        touching[edge] = True
    return touching[1:]


def _mean_of(intensity: np.ndarray, codes: np.ndarray, n: int) -> np.ndarray:
    flat = codes.ravel()
    weights = intensity.ravel().astype(np.float64, copy=False)
    total = np.bincount(flat, weights=weights, minlength=n + 1)
    return _mean(total, np.bincount(flat, minlength=n + 1))[1:]


def _mean(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    return np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)


def _as_table(
    parts: list[dict[str, np.ndarray]], powers: dict[str, int], scale: float, length: str
) -> CellTable:
    names = list(parts[0])
    columns = {name: np.concatenate([part[name] for part in parts]) for name in names}
    units = {name: ("", length, f"{length}²")[powers.get(name, 0)] for name in names}
    units |= {name: "px" for name in ("row", "column") if name in names}
    scaled = {
        name: values * scale ** powers[name] if powers.get(name) else values
        for name, values in columns.items()
    }
    return CellTable(scaled, units)

"""Outlines and measurements of cells as GeoJSON."""

import json
import os
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.instances._measure_cells import CellMeasurements
from membseg.instances._outlines import outline_cells
from membseg.io._write_file import write_file
from membseg.metrics._label_images import list_label_images


def save_geojson(
    path: str | os.PathLike[str],
    labels: Any,
    measurements: CellMeasurements | None = None,
    *,
    overwrite: bool = False,
) -> None:
    """Write the outlines of cells as GeoJSON, as QuPath and napari plugins read it.

    Parameters
    ----------
    path : str or path-like
        A file that ends in .geojson, in a folder that exists.
    labels : int array-like of shape (n_images, height, width), or list of 2-D arrays
        Label images, 0 where there is no cell.
    measurements : CellMeasurements or None, default=None
        What :func:`measure_cells` gave for these labels, written with each cell.
    overwrite : bool, default=False
        Whether a file that exists is replaced.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If label images or `path` cannot be used, or a cell is not among the measurements.
    ImageFileError
        If the file exists, or cannot be written.

    Notes
    -----
    A collection of features, one a cell: a Polygon, or a MultiPolygon where a cell has several
    parts, with rings of holes, along the edges of its pixels. Coordinates are (column, row) in
    pixels, from the upper left corner of the image, with rows running down. Properties are
    "image" (from 0), "cell", and "measurements" by name and unit; what is not known (NaN) is null.

    Examples
    --------
    >>> import json, tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from membseg.instances import save_geojson
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_geojson(Path(folder) / "cells.geojson", np.array([[[0, 3, 3]]]))
    ...     cell = json.loads((Path(folder) / "cells.geojson").read_text())["features"][0]
    >>> cell["geometry"]
    {'type': 'Polygon', 'coordinates': [[[1, 0], [3, 0], [3, 1], [1, 1], [1, 0]]]}
    """
    images = list_label_images(labels, name="labels")
    known = {} if measurements is None else _by_cell(measurements)
    features = []
    for i, image in enumerate(images):
        polygons: dict[int, list[Any]] = {}
        for label, rings in outline_cells(image):
            closed = [np.concatenate([ring, ring[:1]]).tolist() for ring in rings]
            polygons.setdefault(label, []).append(closed)
        for label, parts in polygons.items():
            if measurements is not None and (i, label) not in known:
                raise InvalidInputError(
                    f"measurements must be those of labels; cell {label} of labels[{i}] is not "
                    "among them. Give measure_cells(labels)."
                )
            features.append(_feature(i, label, parts, known.get((i, label))))
    text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
    write_file(path, text.encode("utf-8"), suffix=".geojson", overwrite=overwrite)


def _by_cell(measurements: CellMeasurements) -> dict[tuple[int, int], dict[str, Any]]:
    table = measurements.cells
    found = {}
    for row in table.table():
        values = dict(zip(table.heads, row.values(), strict=True))
        shown = {k: None if v != v else v for k, v in values.items() if k not in ("image", "cell")}
        found[row["image"], row["cell"]] = shown
    return found


def _feature(i: int, label: int, parts: list[Any], values: dict[str, Any] | None) -> dict[str, Any]:
    alone = len(parts) == 1
    properties: dict[str, Any] = {"image": i, "cell": label}
    if values is not None:
        properties["measurements"] = values
    return {
        "type": "Feature",
        "geometry": {
            "type": "Polygon" if alone else "MultiPolygon",
            "coordinates": parts[0] if alone else parts,
        },
        "properties": properties,
    }

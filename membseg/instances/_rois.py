"""Outlines of cells as ROIs of ImageJ and Fiji."""

import io
import os
import struct
import zipfile
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.instances._outlines import outline_cells
from membseg.io._write_file import write_file
from membseg.metrics._label_images import list_label_images

#: Coordinates and numbers of points are stored in two bytes, with a sign and without.
_LONGEST, _MOST_POINTS = 2**15 - 1, 2**16 - 1
#: The format's version, and its code of polygons that were traced along pixels.
_VERSION, _TRACED = 227, 8


def save_rois(path: str | os.PathLike[str], labels: Any, *, overwrite: bool = False) -> None:
    """Write the outlines of cells as a zip of ROIs that Fiji's ROI Manager opens.

    Parameters
    ----------
    path : str or path-like
        A file that ends in .zip, in a folder that exists.
    labels : int array-like of shape (n_images, height, width), or list of 2-D arrays
        Label images, 0 where there is no cell.
    overwrite : bool, default=False
        Whether a file that exists is replaced.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If label images or `path` cannot be used, or images are larger than the format allows.
    ImageFileError
        If the file exists, or cannot be written.

    Notes
    -----
    One polygon for each connected part of a cell, along the edges of its pixels; holes are filled,
    since the format's polygons have none. They are named "<slice>-<cell>", with "-2", "-3", ...
    behind for further parts of a cell, and lie on the slice of the stack that they belong to, both
    counted from 1. The format is that of ImageJ's RoiDecoder [1]_: 64 bytes of head, then all x and
    all y, each relative to the bounding box, everything big-endian in two bytes.

    References
    ----------
    .. [1] W. Rasband, ImageJ, ij/io/RoiDecoder.java, imagej.net/ij/source.

    Examples
    --------
    >>> import tempfile, zipfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from membseg.instances import save_rois
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_rois(Path(folder) / "cells.zip", np.array([[[1, 1, 0, 2]]]))
    ...     zipfile.ZipFile(Path(folder) / "cells.zip").namelist()
    ['0001-00001.roi', '0001-00002.roi']
    """
    images = list_label_images(labels, name="labels")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, image in enumerate(images):
            if max(image.shape) > _LONGEST:
                raise InvalidInputError(
                    f"labels must be at most {_LONGEST} px high and wide for ROIs; labels[{i}] is "
                    f"{image.shape}. Write parts of it, or use save_geojson."
                )
            before, part = 0, 1
            for label, rings in outline_cells(image):
                part = part + 1 if label == before else 1
                before = label
                name = f"{i + 1:04d}-{label:05d}" + (f"-{part}" if part > 1 else "")
                # A date of its own would make every file another one.
                archive.writestr(zipfile.ZipInfo(f"{name}.roi"), _encode(rings[0], i + 1))
    write_file(path, content.getvalue(), suffix=".zip", overwrite=overwrite)


def _encode(ring: np.ndarray, position: int) -> bytes:
    """Write one polygon, (column, row) corners, on a slice counted from 1."""
    if len(ring) > _MOST_POINTS:
        raise InvalidInputError(
            f"labels must have outlines of at most {_MOST_POINTS} corners for ROIs; one has "
            f"{len(ring)}. Use save_geojson."
        )
    left, top = ring.min(axis=0).tolist()
    right, bottom = ring.max(axis=0).tolist()
    head = struct.pack(">4shbx4hH", b"Iout", _VERSION, _TRACED, top, left, bottom, right, len(ring))
    # Lines, strokes, colours and arrows that it has not; then the slice, and no second head.
    head = head.ljust(56, b"\0") + struct.pack(">ii", position, 0)
    return head + (ring - (left, top)).T.astype(">i2").tobytes()

"""TIFF: plain, multi-page, ImageJ and OME."""

import struct
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import tifffile

from membseg.exceptions import (
    DataWarning,
    ImageFileError,
    InvalidInputError,
    MissingDependencyError,
)
from membseg.io._stored import StoredStack
from membseg.io._units import square_pixel, unit_in_nm
from membseg.utils import warn_user


def read_tiff(path: Path, dataset: str | int | None) -> StoredStack:
    """Read one series of a TIFF file with its axes, palette and pixel size."""
    with tifffile.TiffFile(path) as tif:
        _refuse_broken_chain(tif, path)
        series = tif.series[_choose_series(tif, dataset, path)]
        _refuse_missing_images(tif, series, path)
        array = _decode(series, path)
        page = series.keyframe
        if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
            warn_user(
                f"{path} says that its zero is white. Values are given as stored; if it looks "
                "inverted, write np.iinfo(stack.dtype).max - stack.",
                DataWarning,
            )
        colours = None
        if page.photometric == tifffile.PHOTOMETRIC.PALETTE and page.colormap is not None:
            # Entries are 16-bit, as v * 256 or v * 257: the upper byte is v either way.
            colours = np.moveaxis((page.colormap >> 8).astype(np.uint8), 0, -1)[array]
        return StoredStack(
            array=array, axes=series.axes, colours=colours, pixel_size=_pixel_size(tif, path)
        )


def _choose_series(tif: tifffile.TiffFile, dataset: str | int | None, path: Path) -> int:
    shapes = [series.shape for series in tif.series]
    if dataset is None and len(shapes) == 1:
        return 0
    if isinstance(dataset, int) and 0 <= dataset < len(shapes):
        return dataset
    got = "" if dataset is None else f"; got {dataset!r}"
    raise InvalidInputError(
        f"dataset must be the number of one of the {len(shapes)} series of {path}, whose shapes "
        f"are {shapes}{got}."
    )


def _decode(series: tifffile.TiffPageSeries, path: Path) -> np.ndarray:
    try:
        return series.asarray()
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        raise MissingDependencyError(
            f"{path} is compressed in a way that needs the package 'imagecodecs', which is not "
            "installed. Install it with: pip install 'membseg[formats]'"
        ) from error


def _refuse_broken_chain(tif: tifffile.TiffFile, path: Path) -> None:
    """Each page names the next; tifffile drops the rest of a cut chain without an error."""
    form, file = tif.tiff, tif.filehandle
    seen: set[int] = set()
    offset = tif.pages.first.offset
    while offset and offset not in seen:
        seen.add(offset)
        try:
            file.seek(offset)
            (n_tags,) = struct.unpack(form.tagnoformat, file.read(form.tagnosize))
            file.seek(offset + form.tagnosize + n_tags * form.tagsize)
            (offset,) = struct.unpack(form.offsetformat, file.read(form.offsetsize))
        except struct.error as error:
            raise ImageFileError(
                f"{path} is cut short: it ends after {len(seen) - 1} page(s), and there were more. "
                "Copy or write the file again."
            ) from error


def _refuse_missing_images(
    tif: tifffile.TiffFile, series: tifffile.TiffPageSeries, path: Path
) -> None:
    """ImageJ may describe many images in one page; tifffile gives one if the rest is gone."""
    declared = (tif.imagej_metadata or {}).get("images", 1)
    planes = [n for n, letter in zip(series.shape, series.axes, strict=True) if letter not in "YXS"]
    found = int(np.prod(planes))
    if declared > found:
        raise ImageFileError(
            f"{path} is cut short: it should hold {declared} images and holds {found}. Copy or "
            "write the file again."
        )


def _pixel_size(tif: tifffile.TiffFile, path: Path) -> float | None:
    # The resolution of a plain TIFF is one of screens or printers (72 dpi), so it is not taken.
    if tif.is_ome:
        x, y = _ome_sides(tif.ome_metadata or "")
    elif tif.is_imagej:
        x, y = _imagej_sides(tif)
    else:
        return None
    size = square_pixel(x, y)
    if size is None and x is not None and y is not None:
        warn_user(
            f"{path} has pixels of {x:g} x {y:g} nm (width x height), which is no single pixel "
            "size. The info's pixel_size is None; resample the images to square pixels.",
            DataWarning,
        )
    return size


def _ome_sides(xml: str) -> tuple[float | None, float | None]:
    pixels = ElementTree.fromstring(xml).find(".//{*}Pixels")
    if pixels is None:
        return None, None
    sides = []
    for axis in "XY":
        value = pixels.get(f"PhysicalSize{axis}")
        factor = unit_in_nm(pixels.get(f"PhysicalSize{axis}Unit", "µm"))
        sides.append(None if value is None or factor is None else float(value) * factor)
    return sides[0], sides[1]


def _imagej_sides(tif: tifffile.TiffFile) -> tuple[float | None, float | None]:
    factor = unit_in_nm((tif.imagej_metadata or {}).get("unit", ""))
    sides = []
    for tag in ("XResolution", "YResolution"):
        entry = tif.pages.first.tags.get(tag)
        pixels, units = entry.value if entry is not None else (0, 0)
        sides.append(None if factor is None or not pixels else units / pixels * factor)
    return sides[0], sides[1]

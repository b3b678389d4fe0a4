"""Writing multi-page TIFF with a pixel size, for ImageJ or as OME."""

from pathlib import Path

import numpy as np
import tifffile

from membseg.exceptions import InvalidInputError

TIFF_METADATA = ("auto", "imagej", "ome")
_IMAGEJ_DTYPES = ("uint8", "uint16", "float32")
_OME_DTYPES = (*_IMAGEJ_DTYPES, "int8", "int16", "int32", "uint32", "float64")
#: ImageJ's files cannot be BigTIFF; this leaves 32 MiB for everything but pixels.
_IMAGEJ_MAX_BYTES = 2**32 - 2**25


def choose_tiff_metadata(path: Path, dtype: np.dtype, n_bytes: int, metadata: str) -> str:
    """Settle "auto", and refuse dtypes that the chosen kind of TIFF cannot hold."""
    if metadata not in TIFF_METADATA:
        raise InvalidInputError(
            f"tiff_metadata must be one of {list(TIFF_METADATA)}; got {metadata!r}."
        )
    if metadata == "auto":
        fits = dtype.name in _IMAGEJ_DTYPES and n_bytes <= _IMAGEJ_MAX_BYTES
        is_ome = path.stem.lower().endswith(".ome")
        metadata = "imagej" if fits and not is_ome else "ome"
    known = _IMAGEJ_DTYPES if metadata == "imagej" else _OME_DTYPES
    if dtype.name not in known:
        raise InvalidInputError(
            f"TIFF with {metadata} metadata holds {', '.join(known)}; stack is {dtype.name}. "
            "Convert it with stack.astype, or save it as .h5 or .npy."
        )
    return metadata


def write_tiff(path: Path, stack: np.ndarray, pixel_size: float | None, kind: str) -> None:
    """Write a stack of shape (n_images, height, width[, channels]); `pixel_size` in nm."""
    photometric = "minisblack"
    axes = "ZYX"
    if stack.ndim == 4 and stack.shape[3] in (3, 4) and stack.dtype == np.uint8:
        axes, photometric = "ZYXS", "rgb"
    elif stack.ndim == 4:
        axes, stack = "ZCYX", np.moveaxis(stack, 3, 1)
    if kind == "imagej":
        _write_imagej(path, stack, pixel_size, axes, photometric)
    else:
        _write_ome(path, stack, pixel_size, axes, photometric)


def _write_imagej(
    path: Path, stack: np.ndarray, pixel_size: float | None, axes: str, photometric: str
) -> None:
    metadata = {"axes": axes}
    resolution = None
    if pixel_size is not None:
        metadata["unit"] = "nm"
        resolution = (1 / pixel_size, 1 / pixel_size)
    tifffile.imwrite(
        path,
        stack,
        imagej=True,
        photometric=photometric,
        resolution=resolution,
        metadata=metadata,
    )


def _write_ome(
    path: Path, stack: np.ndarray, pixel_size: float | None, axes: str, photometric: str
) -> None:
    metadata: dict[str, object] = {"axes": axes}
    if pixel_size is not None:
        for axis in "XY":
            metadata[f"PhysicalSize{axis}"] = pixel_size
            metadata[f"PhysicalSize{axis}Unit"] = "nm"
    tifffile.imwrite(path, stack, ome=True, photometric=photometric, metadata=metadata)

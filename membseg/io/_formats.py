"""Which suffix is read by whom."""

from collections.abc import Callable
from pathlib import Path

from membseg.exceptions import ImageFileError, InvalidInputError
from membseg.io._pictures import read_picture
from membseg.io._stored import StoredStack, naming_file
from membseg.io._tiff import read_tiff
from membseg.io._volumes import read_hdf5, read_mrc, read_npy

_READERS: dict[str, Callable[[Path, str | int | None], StoredStack]] = {
    ".png": read_picture,
    ".jpg": read_picture,
    ".jpeg": read_picture,
    ".bmp": read_picture,
    ".tif": read_tiff,
    ".tiff": read_tiff,
    ".npy": read_npy,
    ".mrc": read_mrc,
    ".mrcs": read_mrc,
    ".rec": read_mrc,
    ".h5": read_hdf5,
    ".hdf5": read_hdf5,
}
_HDF5 = (".h5", ".hdf5")
_WITH_DATASETS = (*_HDF5, ".tif", ".tiff")

#: What a folder of images may hold without being asked for by a pattern.
FOLDER_SUFFIXES = tuple(suffix for suffix in _READERS if suffix not in _HDF5)


def read_file(path: Path, dataset: str | int | None = None) -> StoredStack:
    """Read one file by its suffix; every failure names the file."""
    if not path.exists():
        raise ImageFileError(f"There is no file {path}. Check the path (now in {Path.cwd()}).")
    if path.is_dir():
        raise ImageFileError(
            f"{path} is a folder. Read a folder of images with membseg.io.load_image_folder."
        )
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise InvalidInputError(
            f"path must end in one of {', '.join(_READERS)}; got {path.name!r}."
        )
    if dataset is not None and suffix not in _WITH_DATASETS:
        raise InvalidInputError(
            f"dataset chooses among several arrays in an HDF5 or TIFF file; {path.name} holds "
            "one. Leave it out."
        )
    with naming_file(path):
        return _READERS[suffix](path, dataset)

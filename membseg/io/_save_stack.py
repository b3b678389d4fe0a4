"""Write a stack of images, whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from membseg.exceptions import ImageFileError, InvalidInputError
from membseg.io._pictures import check_png, write_png
from membseg.io._tiff_write import choose_tiff_metadata, write_tiff
from membseg.io._units import pixel_size_in_nm
from membseg.io._volumes import check_mrc, write_hdf5, write_mrc, write_npy
from membseg.utils import check_images

_SUFFIXES = (".png", ".tif", ".tiff", ".npy", ".mrc", ".h5", ".hdf5")
_WITHOUT_PIXEL_SIZE = ("", ".png", ".npy")


def save_stack(
    path: str | os.PathLike[str],
    stack: Any,
    *,
    pixel_size: float | None = None,
    unit: str = "nm",
    tiff_metadata: str = "auto",
    dataset: str = "data",
    names: Sequence[str] | None = None,
    overwrite: bool = False,
) -> None:
    """Write a stack of images to one file, or to a folder of PNG files.

    The suffix of `path` chooses the format; no suffix means a folder. Nothing is converted in a
    lossy way: what a format cannot hold is refused. Files are written under a temporary name
    and moved into place when complete, so an interrupted call leaves nothing half-written.

    Parameters
    ----------
    path : str or path-like
        A file that ends in .png (one image), .tif, .tiff, .npy, .mrc, .h5 or .hdf5, or a folder
        (a path without suffix) that does not exist yet or is empty. The folder above it must
        exist.
    stack : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images or masks of any real dtype. Boolean masks are written as 0 and 255 in uint8, in
        every format. Images of different sizes go to a folder only. A last axis of one channel
        is dropped.
    pixel_size : float or None, default=None
        Side of one pixel in `unit`. PNG and .npy files cannot keep it.
    unit : str, default="nm"
        Unit of `pixel_size`: "nm", "um", "mm", "cm", "m" or "angstrom". Files are written in nm
        (MRC: in angstrom).
    tiff_metadata : {"auto", "imagej", "ome"}, default="auto"
        Who can read the axes and the pixel size of a TIFF file. "auto" writes for ImageJ where
        dtype and size allow it (uint8, uint16, float32, up to 4 GB), and OME otherwise or if
        `path` ends in .ome.tif.
    dataset : str, default="data"
        Name of the dataset in an HDF5 file.
    names : sequence of str or None, default=None
        For a folder: one file name an image, without .png or with another suffix, as
        :func:`load_image_folder` returns them. None numbers the files from 000.
    overwrite : bool, default=False
        Whether an existing file may be replaced. Folders never are.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `stack` is no stack of images, or if the format cannot hold its dtype, its channels,
        its number of images or the pixel size; the message says what to write instead.
    ImageFileError
        If `path` exists already, or the folder above it does not.
    MissingDependencyError
        If the format needs an optional package.

    See Also
    --------
    load_stack : Read the stack again.

    Notes
    -----
    MRC has no unsigned 8-bit mode, so uint8 comes back as uint16 with the same values.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from membseg.io import load_image_folder, save_stack
    >>> masks = np.array([[[True, False]], [[False, False]]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_stack(pathlib.Path(folder) / "masks", masks)
    ...     loaded, names = load_image_folder(pathlib.Path(folder) / "masks", return_names=True)
    >>> loaded.tolist(), names
    ([[[255, 0]], [[0, 0]]], ['000.png', '001.png'])
    """
    path = Path(path)
    images = _prepare(stack)
    size = None if pixel_size is None else pixel_size_in_nm(pixel_size, unit)
    write = _plan(path, images, size, tiff_metadata, dataset, names)
    _check_target(path, overwrite=overwrite)
    _write_atomically(path, write)


def _prepare(stack: Any) -> list[np.ndarray]:
    """Images as (height, width) or (height, width, channels >= 2), masks as 0/255."""
    images = []
    for image in check_images(stack, name="stack", finite=False).images:
        plain = np.asarray(image[..., 0] if image.shape[2] == 1 else image)
        images.append(plain.astype(np.uint8) * np.uint8(255) if plain.dtype == bool else plain)
    return images


def _plan(
    path: Path,
    images: list[np.ndarray],
    pixel_size: float | None,
    tiff_metadata: str,
    dataset: str,
    names: Sequence[str] | None,
) -> Callable[[Path], None]:
    """Refuse what cannot be written; otherwise return the function that writes it."""
    suffix = path.suffix.lower()
    if suffix and suffix not in _SUFFIXES:
        raise InvalidInputError(
            f"path must end in one of {', '.join(_SUFFIXES)}, or have no suffix (a folder of PNG "
            f"files); got {path.name!r}."
        )
    if pixel_size is not None and suffix in _WITHOUT_PIXEL_SIZE:
        raise InvalidInputError(
            f"pixel_size cannot be kept in {'PNG' if suffix != '.npy' else '.npy'} files. Save "
            "as .tif, .h5 or .mrc, or leave pixel_size out."
        )
    if names is not None and suffix:
        raise InvalidInputError(
            f"names are for a folder of files; {path.name!r} is one file. Leave names out."
        )
    if not suffix:
        return _plan_folder(images, names)
    array = _one_array(images, path)
    if suffix == ".png":
        if len(array) > 1:
            raise InvalidInputError(
                f"A PNG file holds one image; stack has {len(array)}. Give a folder (a path "
                "without suffix), or save as .tif."
            )
        check_png(array[0])
        return lambda target: write_png(target, array[0])
    if suffix in (".tif", ".tiff"):
        kind = choose_tiff_metadata(path, array.dtype, array.nbytes, tiff_metadata)
        return lambda target: write_tiff(target, array, pixel_size, kind)
    if suffix == ".mrc":
        check_mrc(array)
        return lambda target: write_mrc(target, array, pixel_size)
    if suffix == ".npy":
        return lambda target: write_npy(target, array)
    return lambda target: write_hdf5(target, array, pixel_size, dataset)


def _one_array(images: list[np.ndarray], path: Path) -> np.ndarray:
    kinds = {(image.shape, image.dtype.name) for image in images}
    if len(kinds) > 1:
        raise InvalidInputError(
            f"One file ({path.name}) holds images of one shape and dtype; stack has "
            f"{sorted(kinds)}. Save them to a folder: a path without suffix."
        )
    return np.stack(images)


def _plan_folder(images: list[np.ndarray], names: Sequence[str] | None) -> Callable[[Path], None]:
    for image in images:
        check_png(image)
    width = max(3, len(str(len(images) - 1)))
    stems = [f"{i:0{width}d}" for i in range(len(images))] if names is None else _stems(names)
    if len(stems) != len(images) or len(set(stems)) != len(stems):
        raise InvalidInputError(
            f"names must hold one name an image, each different without its suffix; got "
            f"{len(set(stems))} different name(s) for {len(images)} image(s)."
        )

    def write(target: Path) -> None:
        target.mkdir()
        for stem, image in zip(stems, images, strict=True):
            write_png(target / f"{stem}.png", image)

    return write


def _stems(names: Sequence[str]) -> list[str]:
    for name in names:
        if not name or Path(name).name != name:
            raise InvalidInputError(f"names must be plain file names; got {name!r}.")
    return [Path(name).stem for name in names]


def _check_target(path: Path, *, overwrite: bool) -> None:
    if not path.parent.is_dir():
        raise ImageFileError(f"There is no folder {path.parent} to write into. Create it first.")
    if path.is_dir():
        if path.suffix or any(path.iterdir()):
            raise ImageFileError(
                f"{path} is a folder that exists already. Give a new one, or delete it first."
            )
    elif path.exists() and not (overwrite and path.suffix):
        raise ImageFileError(
            f"{path} exists already. Write overwrite=True to replace a file, or give a new path."
        )


def _write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    # A folder beside the target: same file system, so that the last step is one rename.
    workshop = Path(tempfile.mkdtemp(prefix=".membseg-", dir=path.parent))
    try:
        target = workshop / path.name
        write(target)
        if path.is_dir():
            path.rmdir()  # empty; not every system renames onto it
        os.replace(target, path)
    finally:
        shutil.rmtree(workshop)

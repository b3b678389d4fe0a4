"""Exported files are written whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from membseg.exceptions import InvalidInputError, InvalidTypeError, ModelFileError


def check_target(path: Any, suffix: str, *, overwrite: bool, beside: tuple[str, ...] = ()) -> Path:
    """Refuse, before anything is computed, a place that cannot be written to.

    Parameters
    ----------
    path : str or path-like
        Where the exported file, or the folder, will be.
    suffix : str
        How its name must end; "" for a folder, whose name may be any.
    overwrite : bool
        Whether what is there may be replaced.
    beside : tuple of str, default=()
        Names of files that are written next to it.

    Returns
    -------
    Path
        The same place.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `path` is no path, or ends in something else.
    ModelFileError
        If the folder above is missing, or something is there that may not be replaced.
    """
    if not isinstance(path, str | os.PathLike):
        raise InvalidTypeError(
            f"path must be a string or a path, such as 'net{suffix}'; got {type(path).__name__}."
        )
    path = Path(path)
    if suffix and path.suffix != suffix:
        raise InvalidInputError(f"path must end in {suffix}; got {path.name!r}.")
    if not path.parent.is_dir():
        raise ModelFileError(f"There is no folder {path.parent} to write into. Create it first.")
    for place in (path, *(path.with_name(name) for name in beside)):
        _check_free(place, overwrite, is_folder=not suffix)
    return path


def _check_free(place: Path, overwrite: bool, is_folder: bool) -> None:
    if not place.exists():
        return
    if place.is_dir() != is_folder:
        what, wanted = ("folder", "file") if place.is_dir() else ("file", "folder")
        raise ModelFileError(
            f"{place} is a {what}, and a {wanted} is to be written there. Give another path."
        )
    if not overwrite:
        raise ModelFileError(
            f"{place} exists already. Write overwrite=True to replace it, or give a new path."
        )
    if is_folder and any(place.iterdir()) and not (place / "saved_model.pb").is_file():
        raise ModelFileError(
            f"{place} is a folder that holds other things than a SavedModel, which would be lost. "
            "Give another path."
        )


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Give an empty folder; what lies in it at the end is moved to where `path` is.

    Parameters
    ----------
    path : Path
        A file or folder to be written; files beside it keep their names.

    Yields
    ------
    Path
        A hidden folder next to it, gone afterwards.

    Raises
    ------
    ModelFileError
        If the disk says no. What was there before is there still.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=".membseg-", dir=path.parent) as name:
            folder = Path(name)
            yield folder
            # In order of their names, so that the description of a network comes after its weights.
            for part in sorted(folder.iterdir()):
                _move(part, path.with_name(part.name))
    except OSError as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"{path} could not be written: {error}") from error


def _move(part: Path, place: Path) -> None:
    if not place.is_dir():
        os.replace(part, place)
        return
    # Folders cannot be replaced in one go: the old one steps aside, and is back if that fails.
    aside = part.with_name(f"{part.name}.old")
    os.replace(place, aside)
    try:
        os.replace(part, place)
    except OSError:
        os.replace(aside, place)
        raise
    shutil.rmtree(aside)

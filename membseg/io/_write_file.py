"""A file of a given kind, written whole or not at all."""

import os
from pathlib import Path

from membseg.exceptions import ImageFileError, InvalidInputError
from membseg.io._write_at_once import write_at_once


def write_file(
    path: str | os.PathLike[str], content: bytes, *, suffix: str, overwrite: bool
) -> None:
    """Write a file of a kind, and say what is wrong with the path if it cannot be."""
    target = Path(path)
    if target.suffix.lower() != suffix:
        raise InvalidInputError(f"path must end in {suffix}; got {str(path)!r}.")
    if target.exists() and not overwrite:
        raise ImageFileError(
            f"{target} exists already; give another path, or overwrite=True to replace it."
        )
    try:
        write_at_once(target, content)
    except OSError as error:
        raise ImageFileError(
            f"{target} cannot be written ({error.strerror or error}); the folder must exist and be "
            "writeable."
        ) from error

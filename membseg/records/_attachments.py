"""Files that go with a record: figures and the model."""

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from membseg.exceptions import InvalidInputError, InvalidTypeError, RecordError

#: Extension of model files.
_MODEL = ".membseg"


def save_figures(figures: Mapping[str, Any], folder: Path, identity: str) -> dict[str, str]:
    """Write figures, or copy pictures, into a record's folder.

    Parameters
    ----------
    figures : dict of str to (matplotlib Figure or path)
        Figures by name.
    folder : pathlib.Path
        The record's folder.
    identity : str
        The record's, with which the files' names begin.

    Returns
    -------
    dict of str to str
        Names of the files.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If one is neither a figure nor the path of a picture.
    RecordError
        If one cannot be written.
    """
    found: dict[str, str] = {}
    for number, (name, figure) in enumerate(figures.items(), start=1):
        is_path = isinstance(figure, str | os.PathLike)
        if not is_path and not hasattr(figure, "savefig"):
            raise InvalidTypeError(
                f"figures[{name!r}] must be a matplotlib Figure, or the path of a picture; got "
                f"{type(figure).__name__}. Of a Display give its figure_."
            )
        if is_path and not Path(figure).is_file():
            raise InvalidInputError(
                f"figures[{name!r}] must be the path of a picture; there is no file "
                f"{os.fspath(figure)!r}."
            )
        suffix = Path(figure).suffix if is_path else ".png"
        safe = re.sub(r"[^A-Za-z0-9_-]+", "-", str(name)).strip("-")
        file = folder / f"{identity}-{number}-{safe[:60]}{suffix}"
        try:
            if is_path:
                shutil.copyfile(figure, file)
            else:
                figure.savefig(file, dpi=150, bbox_inches="tight")
        except OSError as error:
            raise RecordError(
                f"figures[{name!r}] could not be written to {file}: {error}. Make room there, or "
                "give another folder."
            ) from error
        found[str(name)] = file.name
    return found


def save_model_file(segmenter: Any, folder: Path, identity: str) -> dict[str, str]:
    """Save a segmenter beside its record.

    Parameters
    ----------
    segmenter : segmenter
        Fitted.
    folder : pathlib.Path
        The record's folder.
    identity : str
        The record's, which is the file's name.

    Returns
    -------
    dict
        ``path``, in the folder, and ``sha256``.
    """
    from membseg.persistence import save

    file = folder / f"{identity}{_MODEL}"
    save(segmenter, file)
    return {"path": file.name, "sha256": file_digest(file)}


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

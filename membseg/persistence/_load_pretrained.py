"""Segmenters that have been trained already, by name."""

import os
from pathlib import Path
from typing import Any

from membseg.exceptions import InvalidInputError, ModelFileError
from membseg.persistence._load import load
from membseg.persistence._pretrained_registry import PACKAGE, REGISTRY, PretrainedEntry
from membseg.persistence._synthetic_unet import build_synthetic_unet
from membseg.utils._download import fetch_file, file_digest, resolve_data_home

#: Folder of model files below the data home.
_FOLDER = "pretrained"

#: Where the package lies, for files that come with it.
PACKAGE_FOLDER = Path(__file__).resolve().parents[1]


def load_pretrained(name: str, data_home: str | os.PathLike[str] | None = None) -> Any:
    """Load a segmenter that has been trained already.

    It predicts at once, and networks start from it: ``UNetSegmenter(init_from=...)``. What each
    is good for, its terms and how it was trained tells :func:`list_pretrained`.

    Parameters
    ----------
    name : str
        A name in :func:`list_pretrained`; "synthetic_unet" comes with the package.
    data_home : path-like or None, default=None
        Folder of downloaded data. None takes the environment variable ``MEMBSEG_DATA_HOME``, or
        ``~/membseg_data``. A file that does not come with the package is downloaded the first
        time, and kept in the subfolder ``pretrained``.

    Returns
    -------
    segmenter
        Fitted, of the class that :func:`list_pretrained` tells.

    Raises
    ------
    InvalidInputError
        If there is nothing of that name.
    ModelFileError
        If the file cannot be downloaded or kept, or is another one than its checksum says; it is
        compared before the file is opened.

    See Also
    --------
    list_pretrained : What there is.

    Examples
    --------
    >>> from membseg import load_pretrained, make_membranes
    >>> segmenter = load_pretrained("synthetic_unet")
    >>> X, _ = make_membranes(2, 96, 128, random_state=0)
    >>> segmenter.predict(X).shape
    (2, 96, 128)
    """
    names = sorted(REGISTRY)
    if name not in names:
        raise InvalidInputError(
            f"name must be one of {names}; got {name!r}. list_pretrained() tells what each is for."
        )
    entry = REGISTRY[name]
    if entry.source == PACKAGE:
        _check_file(PACKAGE_FOLDER / entry.filename, entry, "Install membseg again.")
        return build_synthetic_unet()
    return load(fetch_pretrained(entry, data_home))


def fetch_pretrained(
    entry: PretrainedEntry, data_home: str | os.PathLike[str] | None = None
) -> Path:
    """Give the path of an entry's file, after downloading it where it is not there yet.

    Parameters
    ----------
    entry : PretrainedEntry
        What to fetch.
    data_home : path-like or None, default=None
        Folder of downloaded data; None takes the default.

    Returns
    -------
    pathlib.Path
        Its file, whose size and checksum are those of the entry.

    Raises
    ------
    ModelFileError
        If the file cannot be downloaded or kept, or is another one.
    """
    path = resolve_data_home(data_home) / _FOLDER / entry.filename
    if path.exists():
        _check_file(path, entry, "Delete it, and it is downloaded again.")
        return path
    way_out = f"It was not kept. Try again; if it stays so, {entry.source} has changed."
    fetch_file(
        entry.source,
        path,
        max_bytes=entry.n_bytes,
        read=lambda part: _check_file(part, entry, way_out),
        error=ModelFileError,
    )
    return path


def _check_file(path: Path, entry: PretrainedEntry, way_out: str) -> None:
    """Compare a file with what the registry says of it."""
    try:
        digest = file_digest(path)
    except OSError as reason:
        raise ModelFileError(
            f"{path} must be a file that can be read; it cannot ({reason.strerror}). {way_out}"
        ) from reason
    if digest != entry.sha256:
        raise ModelFileError(
            f"The file of {entry.name!r} must have the SHA-256 {entry.sha256}; {path} has "
            f"{digest}: it is damaged, or another one. {way_out}"
        )

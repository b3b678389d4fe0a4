"""Records as files."""

import os
from pathlib import Path
from typing import Any

from membseg.exceptions import InvalidTypeError, RecordError, RecordWarning
from membseg.io._write_at_once import write_at_once
from membseg.records._record import ExperimentRecord
from membseg.records._spreadsheet import SHEET, add_row
from membseg.utils import warn_user


def save_record(
    record: ExperimentRecord, folder: str | os.PathLike[str], *, markdown: bool = False
) -> Path:
    """Write a record to a folder, and its row into the spreadsheet there.

    The record is ``<id>.json``, written whole or not at all. ``records.csv`` gets one row a
    record: the row of an earlier writing is replaced, other rows and columns, also those that
    somebody added by hand, stay. Several processes may write at the same time.

    Parameters
    ----------
    record : ExperimentRecord
        The record.
    folder : str or path-like
        The folder; made where it does not exist.
    markdown : bool, default=False
        Whether to write the model card, ``<id>.md``, too.

    Returns
    -------
    pathlib.Path
        The JSON file.

    Raises
    ------
    RecordError
        If the folder cannot be made or written to.
    InvalidTypeError
        If `record` is no record, or `folder` no path.

    Warns
    -----
    RecordWarning
        If the spreadsheet could not be written, since another program has it open for example;
        the record itself is safe then.

    Examples
    --------
    >>> import tempfile
    >>> from membseg import ThresholdSegmenter, make_membranes, record_experiment
    >>> from membseg.records import load_record, save_record
    >>> X, y = make_membranes(3, 48, 48, random_state=0)
    >>> record = record_experiment(ThresholdSegmenter().fit(X, y), X, y, scoring="iou")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save_record(record, folder)
    ...     found = load_record(path)
    >>> found == record
    True
    """
    if not isinstance(record, ExperimentRecord):
        raise InvalidTypeError(
            f"record must be an ExperimentRecord; got {type(record).__name__}. "
            "record_experiment makes one."
        )
    place = make_folder(folder)
    path = place / f"{record.id}.json"
    try:
        write_at_once(path, record.to_json().encode())
        if markdown:
            write_at_once(place / f"{record.id}.md", record.to_markdown().encode())
    except OSError as error:
        raise RecordError(
            f"folder must be one that can be written to; got {os.fspath(folder)!r}, and: {error}. "
            "Make room there, or give another folder."
        ) from error
    try:
        add_row(place, record)
    except (OSError, RecordError) as error:
        warn_user(
            f"{place / SHEET} could not be written ({error}); the record is safe in {path.name}. "
            "Close the table where it is open, then call save_record again.",
            RecordWarning,
        )
    return path


def load_record(path: str | os.PathLike[str]) -> ExperimentRecord:
    """Read a record; nothing in the file is run or imported.

    Parameters
    ----------
    path : str or path-like
        A JSON file that :func:`save_record` or :func:`membseg.record_experiment` wrote.

    Returns
    -------
    ExperimentRecord
        The record.

    Raises
    ------
    RecordError
        If there is no such file, or it is no record, or a broken one.

    Examples
    --------
    >>> import tempfile
    >>> from membseg import ThresholdSegmenter, make_membranes, record_experiment
    >>> from membseg.records import load_record
    >>> X, y = make_membranes(3, 48, 48, random_state=0)
    >>> segmenter = ThresholdSegmenter().fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     record = record_experiment(segmenter, X, y, scoring="iou", folder=folder)
    ...     load_record(f"{folder}/{record.id}.json") == record
    True
    """
    check_path(path, "path")
    try:
        text = Path(path).read_bytes().decode()
    except (OSError, ValueError) as error:
        raise RecordError(
            f"path must be the file of a record; got {os.fspath(path)!r}, and: {error}. Give a "
            "file that save_record wrote."
        ) from error
    try:
        return ExperimentRecord.from_json(text)
    except RecordError as error:
        raise RecordError(f"{os.fspath(path)}: {error}") from error


def make_folder(folder: Any) -> Path:
    """Make a folder where it does not exist, and check that it can be written to."""
    check_path(folder, "folder")
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
        writable = os.access(place, os.W_OK | os.X_OK)
    except (OSError, ValueError) as error:
        raise RecordError(
            f"folder must be a folder, or the path of one to make; got {os.fspath(folder)!r}, "
            f"and: {error}. Give another path."
        ) from error
    if not writable:
        raise RecordError(
            f"folder must be one that can be written to; got {os.fspath(folder)!r}, which cannot. "
            "Change its permissions, or give another folder."
        )
    return place


def check_path(path: Any, name: str) -> None:
    """Refuse what is no path."""
    if not isinstance(path, str | os.PathLike):
        raise InvalidTypeError(
            f"{name} must be a path, a str or a Path; got {type(path).__name__}."
        )

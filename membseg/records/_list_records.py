"""All records of a folder."""

import os
from pathlib import Path

from membseg.exceptions import RecordError, RecordWarning
from membseg.records._files import check_path, load_record
from membseg.records._record import ExperimentRecord
from membseg.records._record_table import RecordTable
from membseg.utils import warn_user


def list_records(
    folder: str | os.PathLike[str], *, sort_by: str | None = None, reverse: bool = False
) -> RecordTable:
    """Read all records of a folder as a table.

    Parameters
    ----------
    folder : str or path-like
        Where :func:`membseg.record_experiment`, a :class:`membseg.records.RecordCallback` or
        :func:`membseg.records.save_record` wrote. Other files there are left alone.
    sort_by : str or None, default=None
        A column of the table, such as "test_v_rand" or "fit_seconds", or the name of a score
        alone, "v_rand": best first for scores, smallest first for others. None: the oldest first.
    reverse : bool, default=False
        Whether to turn the order round.

    Returns
    -------
    RecordTable
        The records; it prints as a table and has ``table()`` and ``to_frame()``.

    Raises
    ------
    RecordError
        If there is no such folder.
    InvalidInputError
        If no record has a column `sort_by`.
    InvalidTypeError
        If `folder` is no path.

    Warns
    -----
    RecordWarning
        For each record that is broken; the others are listed.

    Examples
    --------
    >>> import tempfile
    >>> from membseg import ThresholdSegmenter, list_records, make_membranes, record_experiment
    >>> X, y = make_membranes(4, 48, 48, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for sigma in (4.0, 0.0):
    ...         segmenter = ThresholdSegmenter(sigma=sigma).fit(X[:3], y[:3])
    ...         record = record_experiment(
    ...             segmenter, X[:3], y[:3], X_test=X[3:], y_test=y[3:], folder=folder
    ...         )
    ...     found = list_records(folder, sort_by="v_rand")
    >>> [row["param_sigma"] for row in found.table()]
    [0.0, 4.0]
    """
    check_path(folder, "folder")
    place = Path(folder)
    if not place.is_dir():
        raise RecordError(
            f"folder must be a folder with records; there is none at {os.fspath(folder)!r}. "
            "record_experiment(..., folder=...) makes one."
        )
    records: list[ExperimentRecord] = []
    for path in sorted(place.glob("*.json")):
        try:
            record = load_record(path)
        except RecordError as error:
            if _claims_to_be_one(path):
                warn_user(f"A record is left out: {error}", RecordWarning)
        else:
            records.append(record)
    records.sort(key=lambda record: (record.created, record.id))
    table = RecordTable(tuple(records))
    if sort_by is not None:
        return table.sort(sort_by, reverse=reverse)
    return RecordTable(table.records[::-1]) if reverse else table


def _claims_to_be_one(path: Path) -> bool:
    """Whether a file that cannot be read is a record that broke, rather than a file of others."""
    try:
        content = path.read_bytes()
    except OSError:
        return True
    # An empty file may be either; a record is never written in parts.
    return b"membseg experiment record" in content

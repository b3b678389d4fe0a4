"""The spreadsheet that every laboratory keeps: a row a run."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from membseg.exceptions import RecordError
from membseg.io._write_at_once import write_at_once
from membseg.records._lock import locked
from membseg.records._record import ExperimentRecord
from membseg.records._rows import as_row

#: Name of the table, and of the file that processes lock.
SHEET = "records.csv"
_LOCK = ".records.lock"

#: Spreadsheets take a text for a formula, and run it, if it begins with one of these.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

#: Characters of a cell: what spreadsheets can take, and Python's own reader.
_LONGEST = 32_000


def add_row(folder: Path, record: ExperimentRecord) -> None:
    """Add a record to the table of a folder, or replace its row there.

    Parameters
    ----------
    folder : pathlib.Path
        Where the table is, or shall be.
    record : ExperimentRecord
        The record.

    Raises
    ------
    RecordError
        If there is a table without a column ``id``.
    """
    row = {name: _cell(value) for name, value in as_row(record).items()}
    path = folder / SHEET
    with locked(folder / _LOCK):
        columns, rows, delimiter = _read(path)
        columns += [name for name in row if name not in columns]
        old = next((known for known in rows if known.get("id") == record.id), None)
        if old is None:
            rows.append(row)
        else:
            # What somebody wrote into columns of their own stays.
            old.update(row)
        write_at_once(path, _write(columns, rows, delimiter))


def _read(path: Path) -> tuple[list[str], list[dict[str, str]], str]:
    """Give columns, rows and delimiter of a table, as programs and people may have left it."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return [], [], ","
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Saved by Excel as plain CSV.
        text = content.decode("cp1252", errors="replace")
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise RecordError(f"{path.name} must be a table, and cannot be read: {error}") from error
    if not lines:
        return [], [], ","
    columns, *cells = lines
    if "id" not in columns or len(set(columns)) < len(columns):
        raise RecordError(
            f"{path.name} must have a column id, and no two of one name; its first line is "
            f"{head[:80]!r}. Give the columns back their names, or rename the file"
        )
    if any(len(line) > len(columns) for line in cells):
        raise RecordError(
            f"{path.name} must have a name above each of its columns, and some row is longer than "
            "the first. Give the last columns names, or rename the file"
        )
    # Programs that leave empty cells at the end out make short rows.
    return columns, [dict(zip(columns, line, strict=False)) for line in cells if line], delimiter


def _write(columns: list[str], rows: list[dict[str, str]], delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    # The mark in front is how Excel knows UTF-8.
    return text.getvalue().encode("utf-8-sig")


def _cell(value: Any) -> str:
    """Write one value as text."""
    if value is None:
        return ""
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):
        value = f"'{value}" if value.startswith(_FORMULA) else value
        return value if len(value) <= _LONGEST else f"{value[:_LONGEST]} ..."
    return repr(value)

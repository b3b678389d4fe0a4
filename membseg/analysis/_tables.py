"""Rows of plain values, and their text."""

import csv
import io
from typing import Any

import numpy as np

#: Spreadsheets take a text for a formula, and run it, if it begins with one of these.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """Give a row in Python's own types; numbers that are not finite become None."""
    return {name: _plain(value) for name, value in row.items()}


def as_csv(rows: list[dict[str, Any]]) -> str:
    """Write plain rows as comma-separated values, with all their columns."""
    if not rows:
        return ""
    text = io.StringIO(newline="")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value

"""Values that JSON can hold, and nothing else."""

import math
from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any

import numpy as np

from membseg.exceptions import RecordError


def as_plain(value: Any, name: str) -> Any:
    """Turn a value into what JSON gives back unchanged.

    Parameters
    ----------
    value : object
        Numbers, texts, paths, None; dicts, lists, tuples and arrays of them.
    name : str
        What it is called in messages.

    Returns
    -------
    object
        None, bool, int, float, str, and lists and dicts of them. Numbers that are not finite are
        None, since JSON has none of them.

    Raises
    ------
    RecordError
        If there is anything else in it.
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, PathLike):
        value = fspath(value)
    if isinstance(value, Mapping):
        return {_as_text(str(k), name): as_plain(v, f"{name}[{k!r}]") for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(item, f"{name}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, float):
        # A float of its own class, such as numpy's, prints differently.
        return float(value) if math.isfinite(value) else None
    if isinstance(value, str):
        return _as_text(value, name)
    if value is None or isinstance(value, bool | int):
        return value
    raise RecordError(
        f"{name} must hold numbers, texts, lists and dicts, since a record is kept as JSON; got "
        f"{type(value).__name__}. Give its text, or leave it out."
    )


def _as_text(value: str, name: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise RecordError(
            f"{name} must hold text that can be written to a file; got {value!r}, half of a "
            "character. Leave it out."
        ) from error
    return str(value)

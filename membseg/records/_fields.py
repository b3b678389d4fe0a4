"""What each field of a record may hold."""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

from membseg.exceptions import RecordError

#: Names of files are made of identifiers, so they hold nothing that means something in a path.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class Kind(NamedTuple):
    """A test of a value, and its description in messages."""

    fits: Callable[[Any], bool]
    text: str

    def or_none(self) -> "Kind":
        """Allow None too."""
        return Kind(lambda v: v is None or self.fits(v), f"{self.text} or None")


def check_fields(values: dict[str, Any]) -> None:
    """Refuse values of wrong kinds.

    Parameters
    ----------
    values : dict of str to object
        The fields of a record, as plain values.

    Raises
    ------
    RecordError
        If a field holds something else than it should.
    """
    for name, value in values.items():
        kind = _KINDS[name]
        if not kind.fits(value):
            shown = repr(value)
            raise RecordError(
                f"{name} of a record must be {kind.text}; got "
                f"{shown if len(shown) <= 80 else shown[:77] + '...'}. The record is broken, or "
                "not one of membseg's."
            )


def is_inside(path: Any) -> bool:
    """Whether a path stays in the folder that it is relative to, on every system."""
    if not isinstance(path, str) or not path or "\0" in path:
        return False
    windows = PureWindowsPath(path)
    if windows.drive or windows.root or PurePosixPath(path).is_absolute():
        return False
    return ".." not in windows.parts


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_dict(value: Any, fits: Callable[[Any], bool]) -> bool:
    return isinstance(value, dict) and all(fits(item) for item in value.values())


def _is_list(value: Any, fits: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and all(fits(item) for item in value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_numbers(value: Any) -> bool:
    return _is_dict(value, _is_number)


def _is_row(value: Any) -> bool:
    return _is_dict(value, lambda v: v is None or _is_number(v))


def _is_time(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _is_fingerprint(value: Any) -> bool:
    """Whether it has what the checks of data read; more is fine."""
    if not isinstance(value, dict):
        return False
    images, masks = value.get("images"), value.get("masks")
    return (
        isinstance(images, list)
        and isinstance(masks, list)
        and _is_list([*images, *masks], _is_text)
        and len(images) == len(masks) == value.get("n_images")
        and _is_list(value.get("sizes"), lambda v: _is_list(v, _is_number) and len(v) == 2)
        and _is_text(value.get("dtype"))
        and _is_number(value.get("n_channels"))
        and _is_number(value.get("membrane_fraction"))
    )


def _is_file(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and sorted(value) == ["path", "sha256"]
        and is_inside(value["path"])
        and _is_text(value["sha256"])
    )


_TEXT = Kind(_is_text, "a text")
_DICT = Kind(lambda v: isinstance(v, dict), "a dict")
_NUMBERS = Kind(_is_numbers, "a dict of numbers")

_KINDS = {
    "id": Kind(
        lambda v: isinstance(v, str) and _ID.fullmatch(v) is not None,
        "letters, digits, - and _, at most 64",
    ),
    "created": Kind(_is_time, "a time with its zone, as in 2026-01-31T12:00:00+00:00"),
    "estimator_class": _TEXT,
    "parameters": _DICT,
    "estimator": _DICT.or_none(),
    "name": _TEXT.or_none(),
    "notes": _TEXT.or_none(),
    "tags": Kind(lambda v: _is_list(v, _is_text), "a list of texts"),
    "data": Kind(lambda v: _is_dict(v, _is_fingerprint), "a dict of fingerprints"),
    "fit_params": Kind(lambda v: _is_dict(v, _is_text), "a dict of texts"),
    "split": Kind(lambda v: _is_dict(v, lambda w: isinstance(w, list)), "a dict of lists"),
    "environment": _DICT,
    "seeds": _DICT,
    "n_steps": Kind(
        lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= 0, "an int"
    ).or_none(),
    "fitted": _NUMBERS,
    "history": Kind(lambda v: _is_list(v, _is_row), "a list of dicts of numbers"),
    "scores": Kind(lambda v: _is_dict(v, _is_numbers), "a dict of dicts of numbers"),
    "fold_scores": Kind(
        lambda v: _is_dict(v, lambda w: _is_list(w, _is_number)), "a dict of lists of numbers"
    ),
    "timings": _NUMBERS,
    "memory": _NUMBERS,
    "figures": Kind(lambda v: _is_dict(v, is_inside), "a dict of paths inside the folder"),
    "model_file": Kind(_is_file, "a dict of a path inside the folder and its sha256").or_none(),
    "intended_use": _TEXT.or_none(),
    "limits": _TEXT.or_none(),
    "origin": _DICT.or_none(),
}

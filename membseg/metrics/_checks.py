"""Checks of numbers that the metrics take."""

import numbers
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError, InvalidTypeError


def check_number(
    value: Any,
    name: str,
    *,
    low: float,
    high: float = np.inf,
    open_low: bool = False,
) -> None:
    """Refuse what is no finite real number between `low` and `high`."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise InvalidTypeError(f"{name} must be a number; got {value!r}.")
    number = float(value)
    inside = (low < number if open_low else low <= number) and number <= high
    if not inside or not np.isfinite(number):
        raise InvalidInputError(
            f"{name} must be a finite number {_range(low, high, open_low)}; got {value!r}."
        )


def check_inside(value: Any, name: str, what: str) -> None:
    """Refuse what is no number above 0 and below 1; `what` says which kind of number it is."""
    check_number(value, name, low=-np.inf)
    if not 0 < float(value) < 1:
        raise InvalidInputError(f"{name} must be {what}, above 0 and below 1; got {value!r}.")


def _range(low: float, high: float, open_low: bool) -> str:
    if np.isfinite(high):
        return f"in [{low:g}, {high:g}]"
    return f"above {low:g}" if open_low else f"of at least {low:g}"

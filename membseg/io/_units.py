"""Lengths: every pixel size inside membseg is in nanometres."""

import math
from numbers import Real
from typing import Any

from membseg.exceptions import InvalidInputError

#: Nanometres in one unit, under the names that people and microscopes' files use.
_NANOMETRES = {
    "angstrom": 0.1,
    "å": 0.1,
    "nm": 1.0,
    "nanometer": 1.0,
    "um": 1e3,
    "µm": 1e3,
    "micron": 1e3,
    "microns": 1e3,
    "micrometer": 1e3,
    "mm": 1e6,
    "millimeter": 1e6,
    "cm": 1e7,
    "m": 1e9,
}


def unit_in_nm(unit: str) -> float | None:
    """Nanometres in one `unit`, or None where the name means no length."""
    # ImageJ writes the micro sign as an escape; Unicode has two letters that look like it.
    name = str(unit).strip().lower().replace("\\u00b5", "µ").replace("μ", "µ")
    return _NANOMETRES.get(name)


def pixel_size_in_nm(pixel_size: Any, unit: str) -> float:
    """Check a pixel size given by the user and return it in nanometres."""
    factor = unit_in_nm(unit)
    if factor is None:
        raise InvalidInputError(
            f"unit must be one of 'nm', 'um', 'mm', 'cm', 'm' or 'angstrom'; got {unit!r}."
        )
    is_number = isinstance(pixel_size, Real) and not isinstance(pixel_size, bool)
    if not is_number or not math.isfinite(pixel_size) or pixel_size <= 0:
        raise InvalidInputError(
            "pixel_size must be a positive number, the side of one pixel; got "
            f"{pixel_size!r}. Leave it out where it is not known."
        )
    return float(pixel_size) * factor


def square_pixel(x: float | None, y: float | None) -> float | None:
    """Pixel size from the two sides, in nm; None where unknown or not square within 0.1 %."""
    sides = [side for side in (x, y) if side is not None]
    known = [side for side in sides if math.isfinite(side) and side > 0]
    if not known or len(known) < len(sides):
        return None
    return known[0] if max(known) <= 1.001 * min(known) else None

"""Whether masks agree with what is known of membranes and cells beforehand."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.io._units import pixel_size_in_nm, unit_in_nm
from membseg.quality._cells import CellAreas, areas_of
from membseg.quality._inputs import as_membranes
from membseg.quality._thickness import MembraneThickness, thickness_of
from membseg.quality._trace import trace_membranes


@dataclass(frozen=True)
class Verdict:
    """Whether one quantity of one mask is as expected; from :func:`plausibility`.

    Attributes
    ----------
    image : int
        Number of the mask.
    quantity : {"thickness", "area", "membrane_fraction"}
        What was looked at: the membrane's median thickness, the cells' median area, the share of
        membrane.
    value : float
        What it is, in `unit`; NaN where there is nothing to measure.
    low, high : float
        The range that is expected, in `unit`.
    unit : str
        The unit of the three; empty for a share.
    inside : float
        Share of the places, or of the cells, that lie in the range by themselves.
    ok : bool
        Whether `value` lies in the range.
    """

    image: int
    quantity: str
    value: float
    low: float
    high: float
    unit: str
    inside: float
    ok: bool

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        name = self.quantity.replace("_", " ")
        if np.isnan(self.value):
            return f"image {self.image}: no {name} can be measured; expected {self._range()}{unit}"
        verdict = "as expected" if self.ok else "implausible"
        return (
            f"image {self.image}: {name} {self.value:.3g}{unit} is {verdict} "
            f"({self._range()}{unit}; {100 * self.inside:.0f} % inside)"
        )

    def _range(self) -> str:
        return f"{self.low:g} to {self.high:g}"


def plausibility(
    masks: Any,
    *,
    thickness: tuple[float, float] | None = None,
    area: tuple[float, float] | None = None,
    membrane_fraction: tuple[float, float] | None = None,
    pixel_size: float | None = None,
    unit: str = "nm",
    membrane_label: Any = None,
) -> list[Verdict]:
    """Judge masks by what is known beforehand of membranes and cells.

    Parameters
    ----------
    masks : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks of two values.
    thickness : tuple (low, high) or None, default=None
        The thickness that membranes are expected to have, in `unit`.
    area : tuple (low, high) or None, default=None
        The area that cells are expected to have, in `unit` squared.
    membrane_fraction : tuple (low, high) or None, default=None
        The share of membrane that is expected, in [0, 1].
    pixel_size : float or None, default=None
        Side of a pixel in `unit`; needed unless `unit` is "px".
    unit : str, default="nm"
        Unit of the ranges and of `pixel_size`: "px", "nm", "um", ...
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger.

    Returns
    -------
    list of Verdict
        One for each mask and each range, mask by mask; each prints as a sentence.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If no range is given, a range is none, `pixel_size` is missing, or `masks` are no masks of
        two values.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.quality import plausibility
    >>> mask = np.zeros((1, 32, 32), int)
    >>> mask[0, :, 12:17] = 1
    >>> (verdict,) = plausibility(mask, thickness=(8, 15), pixel_size=4.0)
    >>> print(verdict)
    image 0: thickness 20 nm is implausible (8 to 15 nm; 0 % inside)
    """
    ranges = {"thickness": thickness, "area": area, "membrane_fraction": membrane_fraction}
    expected = {name: _check_range(name, r) for name, r in ranges.items() if r is not None}
    if not expected:
        raise InvalidInputError(
            "One of thickness, area and membrane_fraction must be given, as (low, high); got none "
            "of them."
        )
    side = 1.0
    if set(expected) != {"membrane_fraction"}:
        side = _side_of_pixel(pixel_size, unit)
    verdicts = []
    for i, membrane in enumerate(as_membranes(masks, membrane_label=membrane_label)):
        widths, cells = thickness_of(trace_membranes(membrane)), areas_of(membrane)
        verdicts += [
            _judge(i, name, low, high, side, unit, widths, cells)
            for name, (low, high) in expected.items()
        ]
    return verdicts


def _judge(
    image: int,
    name: str,
    low: float,
    high: float,
    side: float,
    unit: str,
    widths: MembraneThickness,
    cells: CellAreas,
) -> Verdict:
    if name == "thickness":
        value, single = widths.median * side, widths.widths * side
    elif name == "area":
        value, single, unit = cells.median * side**2, cells.areas * side**2, f"{unit}²"
    else:
        value, single, unit = cells.membrane_fraction, np.array([cells.membrane_fraction]), ""
    inside = float(((single >= low) & (single <= high)).mean()) if single.size else 0.0
    return Verdict(image, name, value, low, high, unit, inside, bool(low <= value <= high))


def _check_range(name: str, given: Any) -> tuple[float, float]:
    try:
        low, high = (float(value) for value in given)
    except (TypeError, ValueError):
        low = high = float("nan")
    if not 0 <= low < high:
        raise InvalidInputError(
            f"{name} must be a range (low, high) of two numbers, 0 <= low < high; got {given!r}."
        )
    return low, high


def _side_of_pixel(pixel_size: Any, unit: str) -> float:
    """Side of a pixel in the unit of the ranges."""
    if unit == "px":
        return 1.0
    if unit_in_nm(unit) is None:
        raise InvalidInputError(
            f"unit must be 'px', 'nm', 'um', 'mm', 'cm', 'm' or 'angstrom'; got {unit!r}."
        )
    if pixel_size is None:
        raise InvalidInputError(
            f"pixel_size must be given where ranges are in {unit}; got None. Give the side of a "
            f"pixel in {unit}, or ranges in pixels with unit='px'."
        )
    pixel_size_in_nm(pixel_size, unit)
    return float(pixel_size)

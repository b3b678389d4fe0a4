"""Lengths and their units."""

import re

import numpy as np
import pytest

from membseg.exceptions import InvalidInputError
from membseg.io import save_stack
from membseg.io._units import pixel_size_in_nm, square_pixel, unit_in_nm

STACK = np.zeros((1, 4, 4), dtype=np.uint8)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (4, "nm", 4.0),
        (0.15, "um", 150.0),
        (0.15, "µm", 150.0),
        (0.15, "\u03bcm", 150.0),
        (0.15, "\\u00B5m", 150.0),
        (0.15, "micron", 150.0),
        (40, "angstrom", 4.0),
        (1, "mm", 1e6),
        (1, "cm", 1e7),
        (1, "m", 1e9),
    ],
)
def test_units_become_nanometres(value, unit, expected):
    assert pixel_size_in_nm(value, unit) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["", "pixel", "inch", "None"])
def test_a_name_that_is_no_length_is_none(name):
    assert unit_in_nm(name) is None


def test_unknown_unit_is_refused(tmp_path):
    message = "unit must be one of 'nm', 'um', 'mm', 'cm', 'm' or 'angstrom'; got 'px'."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        save_stack(tmp_path / "a.tif", STACK, pixel_size=1, unit="px")


@pytest.mark.parametrize("size", [0, -1.0, np.nan, np.inf, True, "4"])
def test_a_pixel_size_that_is_no_length_is_refused(tmp_path, size):
    message = f"pixel_size must be a positive number, the side of one pixel; got {size!r}."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        save_stack(tmp_path / "a.tif", STACK, pixel_size=size)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (4.0, 4.0, 4.0),
        (4.0, 4.001, 4.0),
        (4.0, 5.0, None),
        (4.0, None, 4.0),
        (None, 4.0, 4.0),
        (None, None, None),
        (0.0, 0.0, None),
        (4.0, 0.0, None),
    ],
)
def test_square_pixel(x, y, expected):
    assert square_pixel(x, y) == expected

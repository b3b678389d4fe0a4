"""Verdicts: in pixels and in units, as expected or not."""

import numpy as np
import pytest

from membseg.exceptions import InvalidInputError
from membseg.quality import plausibility


@pytest.fixture
def mask():
    mask = np.zeros((1, 40, 41), int)
    mask[0, :, 18:23] = 1
    return mask


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({"unit": "px"}, 5.0),
        ({"unit": "nm", "pixel_size": 4.0}, 20.0),
        ({"unit": "um", "pixel_size": 0.004}, 0.02),
    ],
)
def test_thickness_in_units(mask, options, value):
    (fine,) = plausibility(mask, thickness=(0.9 * value, 1.1 * value), **options)
    assert fine.ok
    assert fine.value == pytest.approx(value)
    assert fine.inside == 1
    (bad,) = plausibility(mask, thickness=(1.1 * value, 1.2 * value), **options)
    assert not bad.ok
    assert bad.inside == 0


def test_areas_are_squared(mask):
    (verdict,) = plausibility(mask, area=(10_000, 12_000), pixel_size=4.0)
    assert verdict.value == 40 * 18 * 16
    assert verdict.unit == "nm²"
    assert verdict.ok


def test_shares_need_no_pixel_size(mask):
    verdict, other = plausibility(np.concatenate([mask, 0 * mask]), membrane_fraction=(0.1, 0.2))
    assert verdict.ok
    assert verdict.value == pytest.approx(5 / 41)
    assert str(verdict) == (
        "image 0: membrane fraction 0.122 is as expected (0.1 to 0.2; 100 % inside)"
    )
    assert (other.image, other.ok) == (1, False)


def test_nothing_to_measure(mask):
    (verdict,) = plausibility(0 * mask, thickness=(1, 2), unit="px", membrane_label=1)
    assert not verdict.ok
    assert str(verdict) == "image 0: no thickness can be measured; expected 1 to 2 px"


def test_all_at_once(mask):
    verdicts = plausibility(
        mask, thickness=(1, 9), area=(1, 9), membrane_fraction=(0, 1), unit="px"
    )
    assert [v.quantity for v in verdicts] == ["thickness", "area", "membrane_fraction"]
    assert [v.ok for v in verdicts] == [True, False, True]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({}, r"One of thickness, area and membrane_fraction must be given"),
        ({"thickness": (5, 2), "unit": "px"}, r"thickness must be a range \(low, high\)"),
        ({"thickness": 5, "unit": "px"}, r"thickness must be a range \(low, high\)"),
        ({"area": (-1, 2), "unit": "px"}, r"area must be a range"),
        ({"thickness": (1, 2)}, r"pixel_size must be given where ranges are in nm"),
        ({"thickness": (1, 2), "unit": "ell"}, r"unit must be 'px', 'nm', 'um'"),
        ({"thickness": (1, 2), "pixel_size": 0}, r"pixel_size must be a positive number"),
    ],
)
def test_bad_input(mask, options, match):
    with pytest.raises(InvalidInputError, match=match):
        plausibility(mask, **options)

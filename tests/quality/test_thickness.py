"""Thickness: bands of known width, straight, slanted and bent; units; edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg.exceptions import InvalidInputError
from membseg.quality import membrane_thickness


def grid_of(side=96):
    return np.mgrid[:side, :side] - (side - 1) / 2


def band(angle, width, *, side=96, offset=0.03):
    """A straight band through a square image; its angle is in degrees."""
    rows, columns = grid_of(side)
    turn = np.deg2rad(angle)
    across = columns * np.cos(turn) + rows * np.sin(turn) - offset
    return (np.abs(across) < width / 2).astype(np.uint8)


def ring(radius, width):
    return (np.abs(np.hypot(*grid_of()) - radius) < width / 2).astype(np.uint8)


def measure(mask, **options):
    (found,) = membrane_thickness(mask[np.newaxis], membrane_label=1, **options)
    return found


@pytest.mark.parametrize("width", range(1, 13))
@pytest.mark.parametrize("turned", [False, True])
def test_bands_along_the_axes_are_exact(width, turned):
    mask = np.zeros((40, 50), np.uint8)
    mask[:, 17 : 17 + width] = 1
    found = measure(mask.T if turned else mask)
    assert set(found.widths.tolist()) == {float(width)}


@pytest.mark.parametrize("width", [2, 3, 4, 5.5, 7, 9])
@pytest.mark.parametrize("angle", [0, 10, 22.5, 30, 45, 60, 77])
def test_slanted_bands_are_true_to_half_a_pixel(width, angle):
    # The width that was drawn can differ from the one asked for: pixels a row, or a column, in the
    # middle of the image, foreshortened.
    mask = band(angle, width)
    turn = np.deg2rad(angle)
    upright = abs(np.cos(turn)) >= abs(np.sin(turn))
    lines = mask[24:72] if upright else mask[:, 24:72]
    drawn = lines.sum() / 48 * max(abs(np.cos(turn)), abs(np.sin(turn)))
    assert abs(measure(mask).median - drawn) <= 0.5


@pytest.mark.parametrize("width", [2, 3, 4, 6, 8])
@pytest.mark.parametrize("radius", [15, 20.3, 30])
def test_rings_are_true_to_half_a_pixel(width, radius):
    assert abs(measure(ring(radius, width)).median - width) <= 0.5


def test_it_is_a_distribution():
    mask = np.zeros((60, 100), np.uint8)
    mask[10:13] = 1
    mask[30:39] = 1
    found = measure(mask)
    assert set(found.widths.tolist()) == {3.0, 9.0}
    assert found.quantile(0.1) == 3
    assert found.quantile(0.9) == 9
    assert found.widths.shape == (len(found.places),)
    assert mask[tuple(found.places.T)].all()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**20), k=st.integers(0, 3), flip=st.booleans())
def test_flips_and_turns_change_little(seed, k, flip):
    rng = np.random.default_rng(seed)
    mask = band(rng.uniform(0, 180), rng.uniform(2, 8), side=64, offset=rng.uniform(-9, 9))
    turned = np.rot90(mask, k)[:, :: -1 if flip else 1]
    # The skeleton may run on the other one of two middle lines; each is true to half a pixel.
    assert abs(measure(mask).median - measure(turned).median) <= 1.0


def test_dilation_makes_it_thicker():
    from scipy.ndimage import binary_dilation

    mask = band(30, 4)
    thicker = binary_dilation(mask, np.ones((3, 3))).astype(np.uint8)
    assert measure(thicker).median > measure(mask).median + 1


def test_pixels_and_nanometres():
    mask = band(0, 5)
    plain, nm, um = measure(mask), measure(mask, pixel_size=4.0), measure(
        mask, pixel_size=0.004, unit="um"
    )  # fmt: skip
    assert plain.median == 5
    assert nm.median_nm == um.median_nm == 20
    np.testing.assert_array_equal(nm.widths_nm, 4 * plain.widths)
    for asked in ("median_nm", "widths_nm"):
        with pytest.raises(InvalidInputError, match=r"pixel_size must be given for a thickness"):
            getattr(plain, asked)


def test_membranes_cut_by_the_edge_are_left_out():
    mask = np.zeros((40, 40), np.uint8)
    mask[:6] = 1
    assert measure(mask).widths.size == 0
    mask[20:23] = 1
    assert set(measure(mask).widths.tolist()) == {3.0}


@pytest.mark.parametrize("value", [0, 1])
def test_without_membrane_or_cell_there_is_none(value):
    found = measure(np.full((16, 16), value))
    assert found.widths.size == 0
    assert np.isnan(found.median)


def test_lists_of_sizes_and_other_values():
    masks = [np.where(band(0, 3), 0, 255), np.where(band(0, 6, side=50), 0, 255)]
    found = membrane_thickness(masks, membrane_label=0)
    assert [one.median for one in found] == [3, 6]


def test_bad_input():
    with pytest.raises(InvalidInputError, match="must hold two values"):
        membrane_thickness(np.arange(16).reshape(1, 4, 4))
    with pytest.raises(InvalidInputError, match="pixel_size must be a positive number"):
        measure(band(0, 3), pixel_size=-1)
    with pytest.raises(InvalidInputError, match="unit must be one of"):
        measure(band(0, 3), pixel_size=1, unit="parsec")

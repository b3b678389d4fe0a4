"""Descriptions in numbers."""

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg.datasets import describe_dataset, make_membranes
from membseg.exceptions import InvalidInputError


def lines_of_width(width, size=60):
    """A mask of one upright line."""
    mask = np.zeros((1, size, size), dtype=bool)
    mask[:, :, 20 : 20 + width] = True
    return mask


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 6, 9, 10])
def test_membrane_width_of_a_straight_line(width):
    y = lines_of_width(width)
    found = describe_dataset(y.astype(float), y, pixel_size=4.0)
    assert found.membrane_width == pytest.approx(width)
    assert found.membrane_width_units == pytest.approx(4 * width)


def test_contrast_and_balance_counted_by_hand():
    X = np.array([[[0, 2, 10, 12]]], dtype=np.uint8)
    y = np.array([[[1, 1, 0, 0]]])
    found = describe_dataset(X, y)
    # Means 1 and 11, and a standard deviation of 1 within both.
    assert found.contrast == pytest.approx(-10.0)
    assert found.membrane_fraction == 0.5
    assert found.intensity_range == (0.0, 12.0)
    assert describe_dataset(X, y, membrane_label=0).contrast == pytest.approx(10.0)


def test_ignored_pixels_do_not_count():
    X = np.array([[[0, 2, 10, 12, 200]]], dtype=np.uint8)
    y = np.array([[[1, 1, 0, 0, 7]]])
    found = describe_dataset(X, y, ignore_label=7)
    assert found.membrane_fractions == [0.5]
    assert found.contrast == pytest.approx(-10.0)


@settings(max_examples=20, deadline=None)
@given(sigma=st.floats(1.0, 20.0), seed=st.integers(0, 1000))
def test_noise_of_a_noisy_ramp(sigma, seed):
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:128, :128]
    X = (3.0 * rows + 2.0 * columns + rng.normal(0, sigma, (128, 128)))[np.newaxis]
    assert describe_dataset(X).noise == pytest.approx(sigma, rel=0.1)


def test_jumps_are_named():
    rng = np.random.default_rng(0)
    same = rng.normal(100, 10, (40, 40))
    other = rng.normal(100, 10, (40, 40))
    X = np.stack([same, same, same, other, other + 60, (other + 60 - 160) * 4 + 160])
    found = describe_dataset(X)
    assert {(*jump["between"], jump["what"]) for jump in found.jumps} == {
        (2, 3, "structure"),
        (3, 4, "brightness"),
        (4, 5, "sharpness"),
    }
    assert found.neighbour_correlations[0] == pytest.approx(1.0)
    assert abs(found.neighbour_correlations[2]) < 0.5
    assert "jump in structure between images 2 and 3" in str(found)


def test_images_of_different_sizes_and_colours():
    X = [np.zeros((8, 9, 3), np.uint8), np.ones((7, 9, 3), np.uint8)]
    found = describe_dataset(X)
    assert found.sizes == [(8, 9), (7, 9)]
    assert found.n_channels == 3
    assert found.neighbour_correlations == [None]
    assert found.membrane_fraction is None
    assert "7x9, 8x9" in str(found)


def test_text_and_dict():
    X, y = make_membranes(3, 64, 64, random_state=0)
    found = describe_dataset(X, y, pixel_size=4.0)
    text = str(found)
    for part in ("3 images of 64x64 px", "uint8", "darker than cells", "membrane width", "nm)"):
        assert part in text
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["sizes"] == [[64, 64]] * 3
    assert plain["contrast"] == found.contrast


def test_masks_of_one_class_and_tiny_images():
    X = np.zeros((1, 2, 2))
    found = describe_dataset(X, np.zeros((1, 2, 2), bool))
    assert (found.contrast, found.membrane_width, found.noise) == (None, None, 0.0)
    flat = describe_dataset(np.ones((1, 4, 4)), lines_of_width(2, 4 * 8)[:, :4, 18:22])
    assert flat.contrast is None


def test_pixel_size_must_be_positive():
    message = "pixel_size must be above 0 (in nm) or None; got 0."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        describe_dataset(np.zeros((1, 4, 4)), pixel_size=0)


def test_masks_that_do_not_fit_are_refused():
    with pytest.raises(InvalidInputError, match="must agree in height and width"):
        describe_dataset(np.zeros((1, 4, 4)), np.zeros((1, 4, 5)))


def test_real_slices(shared_data):
    imread = pytest.importorskip("imageio.v3").imread
    folder = shared_data / "isbi2012"
    indices = range(7, 17)
    X = np.stack([imread(folder / "image" / f"{i:02d}.png") for i in indices])
    y = np.stack([imread(folder / "label" / f"{i:02d}.png") for i in indices])
    found = describe_dataset(X, y, membrane_label=0, pixel_size=4.0)
    named = {(jump["between"][0] + 7, jump["what"]) for jump in found.jumps}
    # The data's own notes: a jump between 09 and 10, and a low-pass filter up to 14.
    assert {(9, "structure"), (14, "sharpness")} <= named
    assert found.contrast < -1
    assert 5 <= found.membrane_width <= 7
    assert np.median(found.neighbour_correlations) == pytest.approx(0.47, abs=0.1)

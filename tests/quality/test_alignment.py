"""Edge alignment: right masks lie on ridges, moved ones are found to be moved."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg import make_membranes
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.quality import edge_alignment


@pytest.fixture(scope="module")
def slices():
    return make_membranes(2, 112, 112, random_state=1)


@settings(max_examples=12, deadline=None)
@given(rows=st.integers(-8, 8), columns=st.integers(-8, 8))
def test_a_shift_is_found_and_undone(rows, columns):
    X, y = make_membranes(1, 112, 112, random_state=1)
    (right,) = edge_alignment(X, y)
    assert right.shifts.tolist() == [[0, 0]]
    (moved,) = edge_alignment(X, np.roll(y, (rows, columns), axis=(1, 2)))
    np.testing.assert_allclose(moved.shifts, [[-rows, -columns]], atol=1)
    assert moved.shift == pytest.approx(np.hypot(*moved.shifts[0]))


def test_contrast_falls_as_masks_move_away(slices):
    X, y = slices
    contrasts = [edge_alignment(X, np.roll(y, k, axis=2))[0].contrast for k in (0, 2, 4, 7)]
    assert contrasts == sorted(contrasts, reverse=True)
    assert contrasts[0] > 0.3 > contrasts[-1]


def test_means_are_those_of_the_filter(slices):
    from skimage.filters import sato

    X, y = slices
    grey = (X[0] - X[0].mean()) / X[0].std()
    ridge = sato(grey, sigmas=[1.5], black_ridges=True, mode="reflect")
    found = edge_alignment(X, y, scale=1.5)[0]
    assert found.on == pytest.approx(ridge[y[0] == 1].mean())
    assert found.off == pytest.approx(ridge[y[0] == 0].mean())
    assert found.contrast == pytest.approx((found.on - found.off) / ridge.std())


@pytest.mark.parametrize("change", [lambda X: 3.0 * X + 7, lambda X: 255.0 - X])
def test_units_and_polarity_of_the_image_do_not_matter(slices, change):
    X, y = slices
    for a, b in zip(edge_alignment(X, y), edge_alignment(change(X), y), strict=True):
        np.testing.assert_allclose([a.on, a.off, a.contrast], [b.on, b.off, b.contrast], rtol=1e-6)
        np.testing.assert_array_equal(a.shifts, b.shifts)


@pytest.mark.parametrize("k", range(4))
def test_views_do_not_matter(slices, k):
    X, y = slices
    (a,) = edge_alignment(X[:1], y[:1])
    (b,) = edge_alignment(np.rot90(X[:1], k, (1, 2)), np.rot90(y[:1], k, (1, 2)))
    # The filter itself is true to turns up to a thousandth.
    np.testing.assert_allclose([a.on, a.off], [b.on, b.off], rtol=2e-3)
    assert a.shift == b.shift


def test_the_wrong_polarity_has_no_contrast(slices):
    X, y = slices
    right, wrong = (edge_alignment(X, y, dark=dark)[0].contrast for dark in (True, False))
    assert right > 0.3
    assert wrong < 0


@pytest.mark.parametrize("value", [0, 1])
def test_without_membrane_or_cell(slices, value):
    X, _ = slices
    found = edge_alignment(X, np.full(X.shape, value))[0]
    assert np.isnan(found.contrast)
    assert np.isnan(found.shift)
    assert np.isnan(found.on) == (value == 0)


def test_constant_images_have_no_ridges(slices):
    _, y = slices
    found = edge_alignment(np.ones(y.shape), y)[0]
    assert found.contrast == 0
    assert len(found.shifts) == 0


def test_big_images_have_blocks():
    X, y = make_membranes(1, 260, 130, random_state=0)
    assert len(edge_alignment(X, y)[0].shifts) == 2


def test_bad_input(slices):
    X, y = slices
    with pytest.raises(InvalidInputError, match=r"X and masks must agree in height and width"):
        edge_alignment(X, y[:, 1:])
    with pytest.raises(InvalidInputError, match="same number of images"):
        edge_alignment(X, y[:1])
    with pytest.raises(InvalidInputError, match="scale must be a finite number above 0"):
        edge_alignment(X, y, scale=0)
    with pytest.raises(InvalidInputError, match="max_shift must be a whole number"):
        edge_alignment(X, y, max_shift=1.5)
    with pytest.raises(InvalidTypeError, match="dark must be True, False or None"):
        edge_alignment(X, y, dark="yes")

"""Texture at membrane and at cell, against what drawn images must have."""

import numpy as np
import pytest

from membseg.exceptions import InvalidInputError
from membseg.quality import membrane_texture


def halves(left, right, side=48):
    """An image of two textures, and a mask that calls the left half membrane."""
    image = np.empty((side, side))
    image[:, : side // 2], image[:, side // 2 :] = left, right
    mask = np.zeros((side, side), int)
    mask[:, : side // 2] = 1
    return image[np.newaxis], mask[np.newaxis]


def look(X, y, **options):
    (found,) = membrane_texture(X, y, membrane_label=1, **options)
    return found


def test_flat_halves_have_contrast_and_no_texture():
    found = look(*halves(0.0, 1.0))
    assert found.contrast == pytest.approx(-2)
    assert found.glcm_contrast_on == found.glcm_contrast_off == 0
    assert found.homogeneity_on == found.homogeneity_off == 1


def test_a_checkerboard_is_known_exactly():
    board = np.indices((48, 24)).sum(axis=0) % 2
    X, y = halves(np.where(board, 1.0, -1.0), 0.0)
    levels = 16
    found = look(X, y, n_levels=levels)
    # Mean 0, standard deviation root one half: levels of +-1.414 in steps of 5 / 16.
    step = int((2.5 + np.sqrt(2)) * levels / 5) - int((2.5 - np.sqrt(2)) * levels / 5)
    rows, columns = 48, 24
    straight = rows * (columns - 1) + (rows - 1) * columns
    diagonal = 2 * (rows - 1) * (columns - 1)
    assert found.glcm_contrast_on == pytest.approx(step**2 * straight / (straight + diagonal))
    assert found.glcm_contrast_off == 0
    assert found.entropy_on > 0.8 > found.entropy_off


def test_noise_has_more_entropy():
    noise = np.random.default_rng(0).normal(size=(48, 24))
    found = look(*halves(noise, 0.0))
    assert found.entropy_on > 2 > found.entropy_off
    assert found.homogeneity_on < 0.5 < found.homogeneity_off


@pytest.mark.parametrize("k", range(4))
def test_turns_and_polarity(k):
    rng = np.random.default_rng(0)
    X, y = halves(rng.normal(size=(48, 24)), 2 * rng.normal(size=(48, 24)) + 1)
    a, b = look(X, y), look(np.rot90(X, k, (1, 2)), np.rot90(y, k, (1, 2)))
    np.testing.assert_allclose(list(vars(a).values()), list(vars(b).values()), rtol=1e-6)
    other = look(7 - X, y)
    assert other.contrast == pytest.approx(-a.contrast)
    assert other.glcm_contrast_on == pytest.approx(a.glcm_contrast_on, rel=0.05)


@pytest.mark.parametrize("value", [0, 1])
def test_without_membrane_or_cell(value):
    X, y = halves(0.0, 1.0)
    assert np.isnan(list(vars(look(X, np.full_like(y, value))).values())).all()


def test_a_single_pixel_has_no_pairs():
    X, y = halves(0.0, 1.0)
    y[:] = 0
    y[0, 5, 5] = 1
    assert np.isnan(look(X, y).glcm_contrast_on)


def test_bad_input():
    X, y = halves(0.0, 1.0)
    with pytest.raises(InvalidInputError, match="radius must be a finite number of at least 1"):
        look(X, y, radius=0)
    with pytest.raises(InvalidInputError, match=r"n_levels must be a finite number in \[2, 254\]"):
        look(X, y, n_levels=255)
    with pytest.raises(InvalidInputError, match="n_levels must be a whole number"):
        look(X, y, n_levels=3.5)
    with pytest.raises(InvalidInputError, match="must agree in height and width"):
        look(X, y[:, 1:])

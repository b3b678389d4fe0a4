"""The U-Net's weight map against its definition, pixel by pixel and cell by cell."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.losses import border_weights

CELL, MEMBRANE, IGNORED = 0, 1, -1


def neighbours(mask, pixel):
    for step in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        i, j = pixel[0] + step[0], pixel[1] + step[1]
        if 0 <= i < mask.shape[0] and 0 <= j < mask.shape[1]:
            yield i, j


def find_borders(mask):
    """Border pixels of each cell, by flood fill."""
    left = {tuple(p) for p in np.argwhere(mask == CELL)}
    borders = []
    while left:
        cell, todo = set(), [left.pop()]
        while todo:
            pixel = todo.pop()
            cell.add(pixel)
            for other in neighbours(mask, pixel):
                if other in left:
                    left.remove(other)
                    todo.append(other)
        borders.append([p for p in cell if any(mask[q] == MEMBRANE for q in neighbours(mask, p))])
    return [border for border in borders if border]


def by_definition(mask, w0, sigma):
    borders = find_borders(mask)
    weights = np.ones(mask.shape)
    for pixel in np.ndindex(mask.shape):
        distances = sorted(min(math.dist(pixel, p) for p in border) for border in borders)
        if len(distances) > 1:
            weights[pixel] += w0 * math.exp(-(sum(distances[:2]) ** 2) / (2 * sigma**2))
    weights[mask == IGNORED] = 0
    return weights


def make_mask(rng, height, width):
    chances = rng.dirichlet([2, 2, 0.3])
    mask = rng.choice([CELL, MEMBRANE, IGNORED], (height, width), p=chances)
    mask.flat[:2] = CELL, MEMBRANE
    return mask


@settings(deadline=None, max_examples=60)
@given(
    height=st.integers(1, 9),
    width=st.integers(2, 9),
    w0=st.floats(0, 20),
    sigma=st.floats(0.5, 8),
    seed=st.integers(0, 2**20),
)
def test_it_is_its_definition(height, width, w0, sigma, seed):
    mask = make_mask(np.random.default_rng(seed), height, width)
    weights = border_weights(mask[None], w0=w0, sigma=sigma, ignore_label=IGNORED)
    assert weights.shape == (1, height, width)
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights[0], by_definition(mask, w0, sigma), rtol=1e-6)


def test_thin_walls_weigh_more_than_thick_ones():
    y = np.zeros((1, 20, 60), dtype=bool)
    y[:, :, 20:22] = True
    y[:, :, 40:50] = True
    weights = border_weights(y)[0, 10]
    assert weights[20] > 9
    assert weights[45] < 2
    assert weights[5] < 1.1


def test_lists_stay_lists_and_values_mean_what_is_said():
    rng = np.random.default_rng(0)
    masks = [rng.integers(0, 2, (6, 7)), rng.integers(0, 2, (9, 5))]
    weights = border_weights(masks)
    assert [w.shape for w in weights] == [(6, 7), (9, 5)]
    for w, swapped in zip(
        weights, border_weights([255 * (1 - m) for m in masks], membrane_label=0), strict=True
    ):
        np.testing.assert_array_equal(w, swapped)


@pytest.mark.parametrize("value", [0, 1])
def test_without_two_cells_all_weights_are_one(value):
    y = np.full((1, 5, 5), value)
    np.testing.assert_array_equal(border_weights(y, membrane_label=1), 1)
    y[0, 2, 2] = 1
    np.testing.assert_array_equal(border_weights(y, membrane_label=1), 1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"w0": -1}, InvalidInputError, "w0 must be a finite number of at least 0; got -1."),
        ({"w0": math.inf}, InvalidInputError, "w0 must be a finite number of at least 0; got inf."),
        ({"w0": "10"}, InvalidTypeError, "w0 must be a number; got '10'."),
        ({"sigma": 0}, InvalidInputError, "sigma must be a finite number above 0; got 0."),
        ({"sigma": True}, InvalidTypeError, "sigma must be a number; got True."),
    ],
)
def test_bad_numbers_are_refused(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        border_weights(np.eye(4, dtype=int)[None], **arguments)

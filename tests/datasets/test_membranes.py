"""Synthetic slices: what their docstring promises."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata

from membseg.datasets import make_membranes
from membseg.exceptions import InvalidInputError, InvalidTypeError

STYLES = ("em", "fluorescence")


def auc(X, y):
    """Probability that a membrane pixel is darker than a cell pixel."""
    ranks = rankdata(-X.astype(float).ravel())
    membrane = y.ravel() == 1
    n = membrane.sum()
    return (ranks[membrane].sum() - n * (n + 1) / 2) / (n * (membrane.size - n))


def likeness(a, b):
    a, b = (gaussian_filter(i.astype(float), 3) for i in (a, b))
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


@settings(max_examples=25, deadline=None)
@given(
    n_images=st.integers(1, 3),
    height=st.integers(16, 80),
    width=st.integers(16, 80),
    style=st.sampled_from(STYLES),
    difficulty=st.floats(0, 1),
    continuity=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_shapes_dtypes_and_values(n_images, height, width, style, difficulty, continuity, seed):
    X, y, cells = make_membranes(
        n_images,
        height,
        width,
        style=style,
        difficulty=difficulty,
        continuity=continuity,
        return_cells=True,
        random_state=seed,
    )
    assert X.shape == y.shape == cells.shape == (n_images, height, width)
    assert (X.dtype, y.dtype, cells.dtype) == (np.uint8, np.uint8, np.int32)
    assert set(np.unique(y)) == {0, 1}
    assert cells.min() >= 1


@pytest.mark.parametrize("style", STYLES)
def test_same_seed_same_bits(style):
    first = make_membranes(2, 48, 64, style=style, return_cells=True, random_state=5)
    second = make_membranes(2, 48, 64, style=style, return_cells=True, random_state=5)
    other = make_membranes(2, 48, 64, style=style, return_cells=True, random_state=6)
    for a, b, c in zip(first, second, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)


def test_random_state_kinds():
    from_int, _ = make_membranes(1, 32, 32, random_state=3)
    generator = np.random.default_rng(3)
    from_generator, _ = make_membranes(1, 32, 32, random_state=generator)
    further, _ = make_membranes(1, 32, 32, random_state=generator)
    np.testing.assert_array_equal(from_int, from_generator)
    assert not np.array_equal(from_generator, further)
    legacy = [make_membranes(1, 32, 32, random_state=np.random.RandomState(3))[0] for _ in "ab"]
    np.testing.assert_array_equal(*legacy)


def test_global_random_state_is_left_alone():
    before = np.random.get_state()[1].copy()
    make_membranes(1, 32, 32, random_state=0)
    np.testing.assert_array_equal(before, np.random.get_state()[1])


@pytest.mark.parametrize(("style", "sign"), [("em", -1), ("fluorescence", 1)])
def test_membranes_have_the_styles_polarity(style, sign):
    X, y = make_membranes(3, 128, 128, style=style, random_state=0)
    for image, mask in zip(X, y, strict=True):
        assert sign * (image[mask == 1].mean() - image[mask == 0].mean()) > 20


@pytest.mark.parametrize("style", STYLES)
def test_membrane_lies_on_borders_of_cells(style):
    _, y, cells = make_membranes(2, 96, 96, style=style, return_cells=True, random_state=1)
    for axis in (1, 2):
        before = np.take(cells, range(cells.shape[axis] - 1), axis)
        after = np.take(cells, range(1, cells.shape[axis]), axis)
        border = before != after
        assert np.take(y, range(cells.shape[axis] - 1), axis)[border].all()
        assert np.take(y, range(1, cells.shape[axis]), axis)[border].all()


def test_em_membrane_fraction_is_like_the_real_one():
    _, y = make_membranes(3, 384, 384, random_state=2)
    assert 0.15 < y.mean() < 0.30  # 0.20 to 0.24 in ISBI 2012


def test_intensities_overlap_as_in_real_slices():
    X, y = make_membranes(4, 256, 256, random_state=4)
    assert 0.80 < auc(X, y) < 0.93  # 0.81 to 0.89 in ISBI 2012


@pytest.mark.parametrize("style", STYLES)
def test_difficulty_makes_intensities_overlap(style):
    separations = [
        abs(
            auc(*make_membranes(2, 160, 160, style=style, difficulty=difficulty, random_state=7))
            - 0.5
        )
        for difficulty in (0.0, 0.5, 1.0)
    ]
    assert separations[0] > separations[1] > separations[2]


def test_neighbours_are_more_alike_than_distant_slices():
    X, y = make_membranes(8, 192, 192, random_state=8)
    for stack in (X, 100 * y):
        near = np.mean([likeness(stack[i], stack[i + 1]) for i in range(7)])
        far = np.mean([likeness(stack[i], stack[i + 5]) for i in range(3)])
        assert 0.25 < near < 0.75  # 0.47 in ISBI 2012
        assert near > far + 0.15


def test_continuity_goes_from_independent_to_the_same_cells():
    options = {"return_cells": True, "random_state": 9}
    *_, same = make_membranes(3, 96, 96, continuity=1.0, **options)
    np.testing.assert_array_equal(same[0], same[2])
    _, y_apart, _ = make_membranes(4, 128, 128, continuity=0.0, **options)
    _, y_close, _ = make_membranes(4, 128, 128, continuity=0.9, **options)
    assert abs(likeness(y_apart[0], y_apart[1])) < 0.2 < 0.6 < likeness(y_close[0], y_close[1])


def test_cell_size_is_the_mean_diameter():
    for size in (24.0, 48.0):
        *_, cells = make_membranes(2, 320, 320, cell_size=size, return_cells=True, random_state=10)
        diameters = np.concatenate([np.sqrt(4 * np.bincount(c.ravel())[1:] / np.pi) for c in cells])
        assert diameters[diameters > 4].mean() == pytest.approx(size, rel=0.25)


def test_membrane_width_widens_the_lines():
    fractions = [
        make_membranes(1, 128, 128, membrane_width=width, random_state=11)[1].mean()
        for width in (3, 6, 9)
    ]
    assert fractions[0] < fractions[1] < fractions[2]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_images": 0}, InvalidInputError, "n_images must be 1 or more; got 0."),
        ({"height": 8}, InvalidInputError, "height must be 16 or more; got 8."),
        ({"width": 32.0}, InvalidTypeError, "width must be an integer of 16 or more; got 32.0."),
        (
            {"style": "xray"},
            InvalidInputError,
            "style must be one of ['em', 'fluorescence']; got 'xray'.",
        ),
        (
            {"difficulty": 1.5},
            InvalidInputError,
            "difficulty must be a number from 0 to 1; got 1.5.",
        ),
        (
            {"difficulty": "simple"},
            InvalidInputError,
            "difficulty must be a number from 0 to 1 or one of ['easy', 'medium', 'hard']; got "
            "'simple'.",
        ),
        (
            {"continuity": "high"},
            InvalidTypeError,
            "continuity must be a number from 0 to 1; got 'high'.",
        ),
        ({"cell_size": 1}, InvalidInputError, "cell_size must be a number of 4 or more; got 1."),
        (
            {"cell_size": 20.0, "membrane_width": 12},
            InvalidInputError,
            "membrane_width must be a number from 2 to 10; got 12.",
        ),
    ],
)
def test_refusals(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        make_membranes(**{"n_images": 1, "height": 32, "width": 32, **arguments})


@pytest.mark.parametrize(("name", "number"), [("easy", 0.1), ("medium", 0.5), ("hard", 0.9)])
def test_difficulties_have_names(name, number):
    named, given_as_number = (
        make_membranes(1, 48, 48, difficulty=difficulty, random_state=3)[0]
        for difficulty in (name, number)
    )
    np.testing.assert_array_equal(named, given_as_number)


def test_grey_levels_match_real_slices(shared_data):
    imread = pytest.importorskip("imageio.v3").imread
    folder = shared_data / "isbi2012"
    real = [imread(folder / "image" / f"{i:02d}.png") for i in (4, 20)]
    masks = [imread(folder / "label" / f"{i:02d}.png") == 0 for i in (4, 20)]
    X, y = make_membranes(4, 256, 256, random_state=12)
    for part in (0, 1):
        ours = X[y == part].mean()
        theirs = np.mean(
            [image[mask == part].mean() for image, mask in zip(real, masks, strict=True)]
        )
        assert ours == pytest.approx(theirs, abs=25)
    assert X.std() == pytest.approx(np.mean([image.std() for image in real]), rel=0.25)

"""Boundary F1, clDice and Hausdorff distance: against brute force, and by hand."""

import itertools
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.metrics import hausdorff_distance as sk_hausdorff
from skimage.morphology import skeletonize

from membseg import metrics as mm
from membseg.exceptions import InvalidInputError, InvalidTypeError

SIDES = ((-1, 0), (1, 0), (0, -1), (0, 1))


def points(mask):
    return [(int(i), int(j)) for i, j in np.argwhere(mask)]


def edge_points(codes):
    """Membrane (1) with a cell (0) beside it; 2 is ignored."""
    height, width = codes.shape
    found = []
    for i, j in points(codes == 1):
        beside = [(i + a, j + b) for a, b in SIDES]
        if any(0 <= a < height and 0 <= b < width and codes[a, b] == 0 for a, b in beside):
            found.append((i, j))
    return found


def nearest(point, others):
    return min(math.dist(point, other) for other in others)


def slow_boundary_f1(truth, guess, tolerance):
    true_edge, guessed_edge = edge_points(truth), edge_points(np.where(truth == 2, 2, guess))
    if not true_edge and not guessed_edge:
        return float((truth == guess)[truth != 2].all())
    if not true_edge or not guessed_edge:
        return 0.0
    precision = np.mean([nearest(p, true_edge) <= tolerance for p in guessed_edge])
    recall = np.mean([nearest(p, guessed_edge) <= tolerance for p in true_edge])
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def slow_hausdorff(truth, guess, percentile):
    true_points, guessed = points(truth == 1), points((guess == 1) & (truth != 2))
    if not true_points or not guessed:
        return 0.0 if bool(true_points) == bool(guessed) else math.hypot(*truth.shape)
    there = [nearest(p, guessed) for p in true_points]
    back = [nearest(p, true_points) for p in guessed]
    return max(np.percentile(there, percentile), np.percentile(back, percentile))


def slow_cldice(truth, guess):
    true_points, guessed = set(points(truth == 1)), set(points((guess == 1) & (truth != 2)))
    if not true_points or not guessed:
        return float(bool(true_points) == bool(guessed))
    true_line = points(skeletonize(truth == 1) & (truth != 2))
    guessed_line = points(skeletonize((guess == 1) & (truth != 2)))
    precision = sum(p in true_points for p in guessed_line) / len(guessed_line)
    sensitivity = sum(p in guessed for p in true_line) / len(true_line)
    total = precision + sensitivity
    return 2 * precision * sensitivity / total if total else 0.0


@st.composite
def pairs(draw):
    shape = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    truth = draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, 2)))
    truth[0, 0] = draw(st.integers(0, 1))
    guess = draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, 1)))
    return truth, guess


OPTIONS = {"membrane_label": 1, "ignore_label": 2}


@settings(max_examples=50, deadline=None)
@given(pair=pairs(), tolerance=st.sampled_from([0, 1, 1.5, 2, 3]))
def test_boundary_f1_against_brute_force(pair, tolerance):
    truth, guess = pair
    result = mm.boundary_f1_score(truth[None], guess[None], tolerance=tolerance, **OPTIONS)
    assert result == pytest.approx(slow_boundary_f1(truth, guess, tolerance))


@settings(max_examples=50, deadline=None)
@given(pair=pairs(), percentile=st.sampled_from([50, 95, 100]))
def test_hausdorff_against_brute_force(pair, percentile):
    truth, guess = pair
    result = mm.hausdorff_distance(truth[None], guess[None], percentile=percentile, **OPTIONS)
    assert result == pytest.approx(slow_hausdorff(truth, guess, percentile))
    assert result <= math.hypot(*truth.shape)


@settings(max_examples=50, deadline=None)
@given(pair=pairs())
def test_cldice_against_brute_force(pair):
    truth, guess = pair
    result = mm.cldice_score(truth[None], guess[None], **OPTIONS)
    assert result == pytest.approx(slow_cldice(truth, guess))


@settings(max_examples=30, deadline=None)
@given(pair=pairs())
def test_hausdorff_at_100_is_that_of_scikit_image(pair):
    truth, guess = (mask == 1 for mask in pair)
    if truth.any() and guess.any():
        result = mm.hausdorff_distance(truth[None], guess[None], percentile=100)
        assert result == pytest.approx(sk_hausdorff(truth, guess))


def test_every_small_mask_has_a_skeleton():
    """The definition of clDice here rests on it."""
    for bits in itertools.product([False, True], repeat=9):
        mask = np.array(bits).reshape(3, 3)
        assert skeletonize(mask).any() == mask.any()


def line(row, size=9):
    mask = np.zeros((1, size, size), int)
    mask[:, row] = 1
    return mask


def test_boundary_by_hand():
    assert mm.boundary_f1_score(line(4), line(6)) == 1.0
    assert mm.boundary_f1_score(line(4), line(7)) == 0.0
    assert mm.boundary_f1_score(line(4), line(7), tolerance=3) == 1.0
    # Two predicted lines, of which one is true: precision 1/2, recall 1.
    assert mm.boundary_f1_score(line(1), line(1) + line(7)) == pytest.approx(2 / 3)
    assert mm.boundary_f1_score(line(1) + line(7), line(1)) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("truth", "guess", "boundary", "cldice", "hausdorff"),
    [
        (0, 0, 1.0, 1.0, 0.0),
        (1, 1, 1.0, 1.0, 0.0),
        (0, 1, 0.0, 0.0, 5.0),
        (1, 0, 0.0, 0.0, 5.0),
    ],
)
def test_constant_masks(truth, guess, boundary, cldice, hausdorff):
    y_true, y_pred = np.full((1, 3, 4), truth), np.full((1, 3, 4), guess)
    assert mm.boundary_f1_score(y_true, y_pred) == boundary
    assert mm.cldice_score(y_true, y_pred) == cldice
    assert mm.hausdorff_distance(y_true, y_pred) == hausdorff


def test_cldice_sees_gaps_but_not_width():
    wide = line(4, 21) + line(3, 21) + line(5, 21)
    gap = line(4, 21)
    gap[:, :, 8:13] = 0
    assert mm.cldice_score(line(4, 21), wide) > 0.95
    assert mm.cldice_score(line(4, 21), gap) == pytest.approx(2 * (16 / 21) / (1 + 16 / 21))


def test_hausdorff_by_hand_in_units():
    assert mm.hausdorff_distance(line(2), line(5)) == 3.0
    assert mm.hausdorff_distance(line(2), line(5), pixel_size=4) == 12.0
    # Two directions: from the second line of the truth it is 5 rows to the prediction.
    both = line(2) + line(7)
    assert mm.hausdorff_distance(both, line(2), percentile=100) == 5.0
    assert mm.hausdorff_distance(line(2), both, percentile=100) == 5.0


@pytest.mark.parametrize("score", [mm.boundary_f1_score, mm.cldice_score, mm.hausdorff_distance])
def test_weighted_mean_over_images(score):
    y_true = [line(4)[0], line(4, 11)[0], np.full((3, 3), -1)]
    y_pred = [line(8)[0], line(4, 11)[0], np.zeros((3, 3), int)]
    first, second = (score([t], [p]) for t, p in zip(y_true[:2], y_pred[:2], strict=True))
    assert score(y_true, y_pred) == pytest.approx((first + second) / 2)
    weighted = score(y_true, y_pred, sample_weight=[3, 1, 5])
    assert weighted == pytest.approx((3 * first + second) / 4)
    maps = [np.full(t.shape, w) for t, w in zip(y_true, [3, 1, 5], strict=True)]
    assert score(y_true, y_pred, sample_weight=maps) == pytest.approx(weighted)


@pytest.mark.parametrize(
    ("score", "options", "error", "message"),
    [
        (
            mm.boundary_f1_score,
            {"tolerance": -1},
            InvalidInputError,
            "tolerance must be a finite number of at least 0; got -1.",
        ),
        (
            mm.boundary_f1_score,
            {"tolerance": "2"},
            InvalidTypeError,
            "tolerance must be a number; got '2'.",
        ),
        (
            mm.hausdorff_distance,
            {"percentile": 101},
            InvalidInputError,
            "percentile must be a finite number in [0, 100]; got 101.",
        ),
        (
            mm.hausdorff_distance,
            {"percentile": True},
            InvalidTypeError,
            "percentile must be a number; got True.",
        ),
        (
            mm.hausdorff_distance,
            {"pixel_size": 0},
            InvalidInputError,
            "pixel_size must be a finite number above 0; got 0.",
        ),
        (
            mm.hausdorff_distance,
            {"pixel_size": float("nan")},
            InvalidInputError,
            "pixel_size must be a finite number above 0; got nan.",
        ),
        (
            mm.hausdorff_distance,
            {"pixel_size": float("inf")},
            InvalidInputError,
            "pixel_size must be a finite number above 0; got inf.",
        ),
    ],
)
def test_refused(score, options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        score(line(4), line(4), **options)

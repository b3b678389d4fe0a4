"""Places are where something is wrong, and the worst come first."""

import re

import numpy as np
import pytest

from membseg import make_membranes
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.review import doubtful_places


@pytest.fixture(scope="module")
def right():
    return make_membranes(2, 96, 96, difficulty=0.1, random_state=0)


def shows(place, row, column):
    inside = place.top <= row < place.top + place.height
    return inside and place.left <= column < place.left + place.width


def test_a_planted_gap_comes_first_and_says_so(right):
    X, y = right
    broken = y.copy()
    rows, columns = np.nonzero(y[1][40:56, 40:56])
    row, column = 40 + rows[0], 40 + columns[0]
    broken[1, row - 5 : row + 6, column - 5 : column + 6] = 0
    first = doubtful_places(X, broken, place_size=32)[0]
    assert first.image == 1
    assert shows(first, row, column)
    assert first.reason in (
        "two ends of membrane face each other across a gap",
        "a line of the image is no membrane here",
        "a membrane ends",
    )
    before = [place.doubt for place in doubtful_places(X, y, place_size=32) if place.image == 1]
    assert first.doubt > max(before, default=0)


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (np.s_[14:17, 4:26], "a membrane ends"),
        (np.s_[14:17, 14:17], "a speck that touches no other membrane"),
    ],
)
def test_defects_of_masks_have_their_reasons(mask, reason):
    masks = np.zeros((1, 32, 32), int)
    masks[0][mask] = 1
    places = doubtful_places(np.zeros((1, 32, 32)), masks, place_size=8)
    assert places[0].reason == reason


def test_a_hole_has_its_reason():
    masks = np.ones((1, 32, 32), int)
    masks[0, 14:17, 14:17] = 0
    (place,) = doubtful_places(np.zeros((1, 32, 32)), masks, place_size=16)
    assert place.reason == "a small hole in a membrane"
    assert place.doubt == pytest.approx(0.3)
    assert (place.top, place.left, place.height, place.width) == (7, 7, 16, 16)


def test_unsure_maps_are_doubtful_where_they_are_unsure():
    maps = np.zeros((2, 64, 64))
    maps[1, 20:44, 20:44] = 0.5
    places = doubtful_places(np.zeros((2, 64, 64)), maps, threshold=0.6, place_size=24)
    assert places[0].image == 1
    assert shows(places[0], 32, 32)
    assert places[0].reason == "the probability is near one half"
    # A block six times as wide as what is averaged: entropy 1 in its middle, of weight 0.6.
    assert places[0].doubt == pytest.approx(0.6, abs=0.02)


def test_lines_without_membrane_are_doubtful():
    X = np.ones((1, 64, 64))
    X[0, :, 15:18] = X[0, :, 50:53] = 0
    masks = np.zeros((1, 64, 64), int)
    masks[0, :, 15:18] = 1
    missed = doubtful_places(X, masks, place_size=16)
    assert {place.reason for place in missed} == {"a line of the image is no membrane here"}
    assert all(place.left > 32 for place in missed)


def test_membranes_without_line_are_doubtful():
    X = np.ones((1, 64, 64))
    for column in range(2, 45, 6):
        X[0, :, column : column + 3] = 0
    masks = (X == 0).astype(int)
    masks[0, :, 56:59] = 1
    invented = doubtful_places(X, masks, place_size=16)
    assert {place.reason for place in invented} == {"a membrane lies on no line of the image"}
    assert all(shows(place, place.top, 57) for place in invented)


def test_order_number_and_size(right):
    X, y = right
    noise = np.random.default_rng(0).random(y.shape)
    places = doubtful_places(list(X), list(noise), n_places=7, place_size=20)
    doubts = [place.doubt for place in places]
    assert doubts == sorted(doubts, reverse=True)
    assert len(places) == 7
    for place in places:
        assert (place.height, place.width) == (20, 20)
        assert 0 <= place.top <= 76
        assert 0 <= place.left <= 76
        assert 0 <= place.doubt <= 1


def test_no_two_places_show_the_same(right):
    X, y = right
    noise = np.random.default_rng(0).random(y.shape)
    places = doubtful_places(X, noise, n_places=50, place_size=24)
    middles = [(p.image, p.top + 12, p.left + 12) for p in places]
    for a, first in enumerate(places):
        for b, (image, row, column) in enumerate(middles):
            assert a == b or image != first.image or not shows(first, row, column)


def test_places_are_as_large_as_small_images():
    (place,) = doubtful_places(np.zeros((1, 16, 20)), np.full((1, 16, 20), 0.5), place_size=96)
    assert (place.top, place.left, place.height, place.width) == (0, 0, 16, 20)


def test_nothing_to_doubt():
    assert doubtful_places(np.zeros((1, 32, 32)), np.zeros((1, 32, 32))) == []
    assert doubtful_places(np.zeros((1, 32, 32)), np.zeros((1, 32, 32), bool)) == []
    assert doubtful_places(np.zeros((1, 32, 32)), np.full((1, 32, 32), 0.5), n_places=0) == []


def test_polarity_of_masks(right):
    X, y = right
    places = doubtful_places(X, 1 - y, membrane_label=0)
    assert places == doubtful_places(X, y)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"n_places": -1}, InvalidInputError, "n_places must be a finite number of at least 0"),
        ({"n_places": 1.5}, InvalidInputError, "n_places must be a whole number; got 1.5."),
        ({"place_size": 7}, InvalidInputError, "place_size must be a finite number of at least 8"),
        ({"place_size": "9"}, InvalidTypeError, "place_size must be a number; got '9'."),
        ({"threshold": 2}, InvalidInputError, "threshold must be a finite number in [0, 1]"),
    ],
)
def test_bad_parameters(options, error, text):
    with pytest.raises(error, match=re.escape(text)):
        doubtful_places(np.zeros((1, 32, 32)), np.zeros((1, 32, 32)), **options)


@pytest.mark.parametrize(
    ("predictions", "error", "text"),
    [
        (
            np.zeros((1, 32, 30)),
            InvalidInputError,
            "X and predictions must agree in height and width; X[0] is (32, 32) and "
            "predictions[0] is (32, 30).",
        ),
        (np.zeros((2, 32, 32)), InvalidInputError, "got 1 in X and 2 in predictions."),
        (np.array([["a"]]), InvalidTypeError, "predictions must hold masks"),
        (
            np.arange(3 * 1024).reshape(3, 32, 32),
            InvalidInputError,
            "predictions must hold two values, cell and membrane",
        ),
        (
            np.where(np.eye(32, dtype=bool), -1, np.arange(32) % 2)[np.newaxis],
            InvalidInputError,
            "predictions must say cell or membrane at every pixel; got pixels of value -1, which "
            "stand for no label. Give what predict gave.",
        ),
    ],
)
def test_bad_predictions(predictions, error, text):
    with pytest.raises(error, match=re.escape(text)):
        doubtful_places(np.zeros((1, 32, 32)), predictions)

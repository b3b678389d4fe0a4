"""The Otsu baseline: finds lines of another grey value, whatever the polarity."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from membseg import ThresholdSegmenter
from membseg.exceptions import InvalidInputError


def make_lines(dark, seed=0):
    """Lines three pixels wide on a noisy ground."""
    rng = np.random.default_rng(seed)
    y = np.zeros((3, 40, 50), dtype=np.uint8)
    y[:, 10:13] = 1
    y[:, :, 20:23] = 1
    X = np.where(y == 1, 40.0, 160.0) if dark else np.where(y == 1, 160.0, 40.0)
    return X + rng.normal(0, 5, X.shape), y


@settings(deadline=None, max_examples=20)
@given(st.booleans(), st.floats(0.01, 100), st.floats(-1000, 1000), st.integers(0, 99))
def test_finds_lines_whatever_polarity_gain_and_offset(dark, gain, offset, seed):
    X, y = make_lines(dark, seed)
    X = gain * X + offset
    segmenter = ThresholdSegmenter(sigma=0).fit(X[:2], y[:2])
    assert segmenter.sign_ == (-1 if dark else 1)
    assert segmenter.score(X[2:], y[2:]) > 0.95


def test_contract():
    X, y = make_lines(dark=True)
    segmenter = ThresholdSegmenter(membrane_label=0).fit(X, 1 - y)
    assert segmenter.classes_.tolist() == [1, 0]
    proba = segmenter.predict_proba(list(X))
    assert isinstance(proba, list)
    assert proba[0].shape == (2, 40, 50)
    np.testing.assert_array_equal(
        segmenter.predict(X) == 0, segmenter.predict_membrane(X) >= segmenter.threshold_
    )
    with pytest.raises(NotFittedError):
        clone(segmenter).predict(X)


def test_a_constant_image_has_no_membrane_side():
    X, y = make_lines(dark=True)
    flat = ThresholdSegmenter().fit(X, y).decision_function(np.full((1, 8, 8), 7.0))
    np.testing.assert_array_equal(flat, 0)


def test_ignored_pixels_do_not_tell_the_polarity():
    X, y = make_lines(dark=True)
    sparse = y.astype(int)
    X[:, 30:] = 1000
    sparse[:, 30:] = 1
    assert ThresholdSegmenter().fit(X, sparse).sign_ == 1
    sparse[:, 30:] = -1
    assert ThresholdSegmenter().fit(X, sparse).sign_ == -1


@pytest.mark.parametrize(
    ("name", "value"),
    [("method", "yen"), ("sigma", -1), ("membrane_label", "x"), ("ignore_label", "x")],
)
def test_bad_parameters(name, value):
    segmenter = ThresholdSegmenter(**{name: value})
    with pytest.raises(ValueError, match=f"The '{name}' parameter of ThresholdSegmenter"):
        segmenter.fit(*make_lines(dark=True))


def test_bad_channels_at_predict():
    segmenter = ThresholdSegmenter().fit(*make_lines(dark=True))
    with pytest.raises(InvalidInputError, match=re.escape("X must have 1 channel(s), as in fit")):
        segmenter.predict(np.zeros((1, 40, 50, 3)))

"""Thresholds: lines of another grey value are found, whatever the polarity."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from skimage.filters import apply_hysteresis_threshold, gaussian, threshold_otsu
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from membseg import ThresholdSegmenter, make_membranes
from membseg.exceptions import InvalidInputError
from membseg.metrics import iou_score
from membseg.testing import check_segmenter


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
    [
        ("method", "yen"),
        ("sigma", -1),
        ("block_size", 1),
        ("low", np.inf),
        ("high", "high"),
        ("threshold", 1.5),
        ("membrane_label", "x"),
        ("ignore_label", "x"),
    ],
)
def test_bad_parameters(name, value):
    segmenter = ThresholdSegmenter(**{name: value})
    with pytest.raises(ValueError, match=f"The '{name}' parameter of ThresholdSegmenter"):
        segmenter.fit(*make_lines(dark=True))


def test_bad_channels_at_predict():
    segmenter = ThresholdSegmenter().fit(*make_lines(dark=True))
    with pytest.raises(InvalidInputError, match=re.escape("X must have 1 channel(s), as in fit")):
        segmenter.predict(np.zeros((1, 40, 50, 3)))


# --------------------------------------------------------------- local and hysteresis


METHODS = ("otsu", "local", "hysteresis")


def make_blotches(seed, n_images=2, size=40):
    """Smooth noise: blobs of all heights, without ties."""
    rng = np.random.default_rng(seed)
    return gaussian_filter(rng.normal(size=(n_images, size, size)), (0, 2, 2))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dark", [True, False])
def test_every_method_finds_lines_whatever_gain_and_offset(method, dark):
    X, y = make_lines(dark)
    plain = ThresholdSegmenter(method=method, sigma=0, block_size=31).fit(X[:2], y[:2])
    assert plain.score(X[2:], y[2:]) > 0.95
    scaled = ThresholdSegmenter(method=method, sigma=0, block_size=31).fit(3 * X[:2] - 700, y[:2])
    np.testing.assert_allclose(
        scaled.decision_function(3 * X - 700), plain.decision_function(X), atol=0.05
    )
    assert scaled.threshold_ == pytest.approx(plain.threshold_, abs=0.02)


def test_local_follows_uneven_light_and_otsu_does_not():
    X, y = make_lines(dark=True)
    uneven = X + 10 * np.arange(50)
    local = ThresholdSegmenter(method="local", block_size=15).fit(uneven[:2], y[:2])
    otsu = ThresholdSegmenter().fit(uneven[:2], y[:2])
    assert local.score(uneven[2:], y[2:]) > 0.8
    assert otsu.score(uneven[2:], y[2:]) < 0.4


def test_the_threshold_of_local_is_hardly_worse_than_the_best():
    X, y = make_membranes(3, 64, 64, random_state=0)
    segmenter = ThresholdSegmenter(method="local").fit(X, y)
    prob = segmenter.predict_membrane(X)
    ious = [iou_score(y, prob >= t) for t in np.arange(1, 100) / 100]
    assert segmenter.score(X, y) >= 0.99 * max(ious)
    # A lower one would be chosen if it were as good.
    assert iou_score(y, prob >= 0.95 * segmenter.threshold_) < 0.996 * max(ious)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 999), st.floats(-1, 1), st.floats(0, 2), st.floats(0.05, 0.95))
def test_hysteresis_is_that_of_scikit_image_at_every_threshold(seed, low, gap, threshold):
    X = make_blotches(seed)
    y = X / X.std() > 1.2
    plain = ThresholdSegmenter().fit(X, y)
    response = plain.decision_function(X).astype(np.float64)
    segmenter = ThresholdSegmenter(
        method="hysteresis", low=low, high=low + gap, threshold=threshold
    ).fit(X, y)
    assert (segmenter.low_, segmenter.high_) == (low, low + gap)
    shift = np.log(threshold / (1 - threshold))
    for found, image in zip(segmenter.predict(X), response, strict=True):
        expected = apply_hysteresis_threshold(image, low + shift, low + gap + shift)
        # Rounding may move a pixel that lies on a cut, and what hangs on it.
        assert np.mean(found == expected) > 0.99


def test_hysteresis_learns_two_cuts_where_one_does_not_do():
    # Lines with a faint part, and blots that are as faint but hang on nothing.
    rng = np.random.default_rng(0)
    y = np.zeros((2, 60, 60), bool)
    y[:, 10:13] = y[:, 40:43] = True
    X = np.where(y, 200.0, 0.0)
    X[:, :, 20:40] /= 2
    X[:, 20:32, 5:55] = 100
    X += rng.normal(0, 4, X.shape)
    segmenter = ThresholdSegmenter(method="hysteresis", sigma=0).fit(X[:1], y[:1])
    assert segmenter.high_ > segmenter.low_
    assert segmenter.score(X[1:], y[1:]) > 0.95
    one = ThresholdSegmenter(method="hysteresis", sigma=0, low=segmenter.low_, high=segmenter.low_)
    assert one.fit(X[:1], y[:1]).score(X[1:], y[1:]) < 0.5


def test_a_given_cut_is_kept_and_the_other_is_learnt():
    X, y = make_membranes(2, 64, 64, random_state=0)
    for name in ("low", "high"):
        segmenter = ThresholdSegmenter(method="hysteresis", **{name: 0.8}).fit(X, y)
        assert getattr(segmenter, f"{name}_") == pytest.approx(0.8)
        assert segmenter.low_ <= segmenter.high_
        # The other could have been equal.
        equal = ThresholdSegmenter(method="hysteresis", low=0.8, high=0.8).fit(X, y)
        assert segmenter.score(X, y) >= equal.score(X, y)


@pytest.mark.parametrize("method", METHODS)
def test_a_given_threshold_is_taken(method):
    X, y = make_lines(dark=True)
    segmenter = ThresholdSegmenter(method=method, threshold=0.3).fit(X, y)
    assert segmenter.threshold_ == 0.3
    np.testing.assert_array_equal(segmenter.predict(X) == 1, segmenter.predict_membrane(X) >= 0.3)


def test_what_otsu_and_the_blur_do_is_what_scikit_image_does():
    X, y = make_membranes(2, 48, 56, random_state=3)
    segmenter = ThresholdSegmenter(sigma=1.5).fit(X, y)
    for found, image in zip(segmenter.predict(X), X, strict=True):
        grey = gaussian(image.astype(float), 1.5, preserve_range=True)
        np.testing.assert_array_equal(found == 1, grey <= threshold_otsu(grey))


@pytest.mark.parametrize("method", METHODS)
def test_parameters_changed_after_fit_change_nothing(method):
    X, y = make_lines(dark=True)
    segmenter = ThresholdSegmenter(method=method).fit(X, y)
    before = segmenter.decision_function(X)
    segmenter.set_params(method="local", sigma=4, block_size=9, low=3.0, threshold=0.9)
    np.testing.assert_array_equal(segmenter.decision_function(X), before)


def test_weights_decide_where_images_disagree():
    dark, y = make_lines(dark=True)
    X = np.concatenate([dark[:1], make_lines(dark=False)[0][:1]])
    for weights, sign in (([1, 5], 1), ([5, 1], -1)):
        assert ThresholdSegmenter().fit(X, y[:2], sample_weight=weights).sign_ == sign


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, 0.1, 255.0, -1e300])
def test_constant_images_survive_in_fit_and_predict(method, value):
    X, y = make_lines(dark=True)
    X[0] = 0.1
    segmenter = ThresholdSegmenter(method=method).fit(X, y)
    assert np.isfinite(segmenter.decision_function(np.full((1, 8, 8), value))).all()
    flat = ThresholdSegmenter(method=method).fit(np.full(X.shape, value), y)
    assert np.isfinite(flat.decision_function(X)).all()


@pytest.mark.parametrize("method", METHODS)
def test_huge_values_and_thin_images_survive(method):
    X, y = make_lines(dark=True)
    segmenter = ThresholdSegmenter(method=method).fit(X, y)
    huge = ThresholdSegmenter(method=method).fit(X * 1e300, y)
    np.testing.assert_allclose(
        huge.decision_function(X * 1e300), segmenter.decision_function(X), atol=1e-4
    )
    for size in ((1, 1), (1, 30), (30, 1), (8, 8)):
        thin = np.arange(float(np.prod(size))).reshape(size)
        assert segmenter.predict([thin])[0].shape == size


def test_even_blocks_and_swapped_cuts_are_refused():
    X, y = make_lines(dark=True)
    message = "block_size must be odd, so that a pixel is the middle of its neighbourhood; got 50."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        ThresholdSegmenter(method="local", block_size=50).fit(X, y)
    message = "low must not exceed high; got low=1.0 and high=0.5. Swap them"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        ThresholdSegmenter(method="hysteresis", low=1.0, high=0.5).fit(X, y)


@pytest.mark.parametrize("method", METHODS)
def test_it_keeps_the_contract(method):
    check_segmenter(ThresholdSegmenter(method=method, block_size=21))

"""Ridge filters: the width, the polarity, the probability and the threshold are learnt."""

import re

import numpy as np
import pytest
from skimage import filters

from membseg import DummySegmenter, RidgeSegmenter, ThresholdSegmenter, make_membranes
from membseg.exceptions import InvalidInputError
from membseg.metrics import iou_score, log_loss
from membseg.testing import check_segmenter

FILTERS = ("sato", "frangi", "meijering")


def make_stripes(width, dark=True, seed=0):
    """Stripes of one width on a ground whose light is uneven, with noise."""
    rng = np.random.default_rng(seed)
    y = np.zeros((3, 64, 72), dtype=np.uint8)
    for start in (10, 30, 50):
        y[:, start : start + width] = 1
    sign = -1 if dark else 1
    return sign * 100.0 * y + 3 * np.arange(72) + rng.normal(0, 20, y.shape), y


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("dark", [True, False])
def test_lines_are_found_whatever_their_polarity(name, dark):
    X, y = make_stripes(4, dark)
    segmenter = RidgeSegmenter(filter=name).fit(X[:2], y[:2])
    assert segmenter.sign_ == (-1 if dark else 1)
    otsu = ThresholdSegmenter().fit(X[:2], y[:2])
    assert segmenter.score(X[2:], y[2:]) > max(0.6, otsu.score(X[2:], y[2:]))


def test_wider_lines_have_a_larger_scale():
    scales = [RidgeSegmenter().fit(*make_stripes(width)).scale_ for width in (2, 5, 10)]
    assert scales == sorted(set(scales))
    # A line of width w answers best where sigma is w / 2 or a bit less.
    for width, scale in zip((2, 5, 10), scales, strict=True):
        assert width / 5 <= scale <= width


def test_a_given_scale_and_threshold_are_taken():
    X, y = make_stripes(4)
    segmenter = RidgeSegmenter(scale=3, threshold=0.4).fit(X, y)
    assert (segmenter.scale_, segmenter.threshold_) == (3.0, 0.4)
    np.testing.assert_array_equal(segmenter.predict(X) == 1, segmenter.predict_membrane(X) >= 0.4)


@pytest.mark.parametrize("name", FILTERS)
def test_probability_never_falls_with_the_response(name):
    X, y = make_membranes(3, 64, 64, random_state=0)
    segmenter = RidgeSegmenter(filter=name).fit(X[:2], y[:2])
    grey = (X[2] - X[2].mean()) / X[2].std()
    response = getattr(filters, name)(grey, sigmas=[segmenter.scale_], black_ridges=True)
    prob = segmenter.predict_membrane(X[2:])[0]
    order = np.argsort(response, axis=None)
    assert (np.diff(prob.ravel()[order]) >= -1e-6).all()
    assert np.ptp(prob) > 0.3


@pytest.mark.parametrize("name", FILTERS)
def test_probabilities_mean_something(name):
    X, y = make_membranes(4, 64, 64, random_state=0)
    segmenter = RidgeSegmenter(filter=name).fit(X[:3], y[:3])
    # As logistic regression has it: right on average over the training pixels.
    assert segmenter.predict_membrane(X[:3]).mean() == pytest.approx(y[:3].mean(), abs=0.005)
    prior = DummySegmenter().fit(X[:3], y[:3])
    assert log_loss(y[3:], segmenter.predict_membrane(X[3:])) < 0.95 * log_loss(
        y[3:], prior.predict_membrane(X[3:])
    )


def test_the_threshold_is_hardly_worse_than_the_best():
    X, y = make_membranes(3, 64, 64, random_state=0)
    segmenter = RidgeSegmenter().fit(X, y)
    prob = segmenter.predict_membrane(X)
    best = max(iou_score(y, prob >= t) for t in np.arange(1, 100) / 100)
    assert segmenter.score(X, y) >= 0.99 * best


def test_images_of_no_weight_might_as_well_be_missing():
    X, y = make_membranes(3, 48, 48, random_state=0)
    rng = np.random.default_rng(0)
    X[2] = rng.integers(0, 255, X[2].shape)
    weighted = RidgeSegmenter().fit(X, y, sample_weight=[2, 2, 0])
    without = RidgeSegmenter().fit(X[:2], y[:2])
    assert weighted.scale_ == without.scale_
    np.testing.assert_allclose(weighted.decision_function(X), without.decision_function(X), 1e-4)
    assert weighted.threshold_ == pytest.approx(without.threshold_, rel=1e-4)


def test_weights_of_pixels_move_the_probabilities():
    X, y = make_membranes(2, 48, 48, random_state=0)
    plain = RidgeSegmenter(scale=2).fit(X, y)
    heavy = RidgeSegmenter(scale=2).fit(X, y, sample_weight=np.where(y == 1, 4.0, 1.0))
    # Four times the odds, about.
    shift = heavy.decision_function(X) - plain.decision_function(X)
    assert np.median(shift) == pytest.approx(np.log(4), abs=0.4)


def test_gain_and_offset_do_not_matter():
    X, y = make_stripes(4)
    plain = RidgeSegmenter(scale=2).fit(X, y).decision_function(X)
    scaled = RidgeSegmenter(scale=2).fit(1e200 * X + 3e202, y).decision_function(1e200 * X + 3e202)
    np.testing.assert_allclose(scaled, plain, atol=1e-4)


@pytest.mark.parametrize("name", FILTERS)
def test_constant_and_small_images_survive(name):
    X, y = make_stripes(4)
    X[0] = 0.1
    segmenter = RidgeSegmenter(filter=name).fit(X, y)
    for size in ((1, 1), (1, 30), (30, 1), (8, 8)):
        thin = np.arange(float(np.prod(size))).reshape(size)
        assert np.isfinite(segmenter.decision_function([thin])[0]).all()
    flat = RidgeSegmenter(filter=name).fit(np.full(X.shape, 7.3), y)
    logits = flat.decision_function(X)
    np.testing.assert_allclose(logits, np.log(y.mean() / (1 - y.mean())), atol=0.01)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("filter", "hessian"),
        ("scale", 0),
        ("scale", "wide"),
        ("threshold", -0.1),
        ("membrane_label", "x"),
        ("ignore_label", "x"),
    ],
)
def test_bad_parameters(slices, name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of RidgeSegmenter"):
        RidgeSegmenter(**{name: value}).fit(*slices)


def test_other_channels_at_predict_are_refused(slices):
    segmenter = RidgeSegmenter(scale=2).fit(*slices)
    with pytest.raises(InvalidInputError, match=re.escape("X must have 1 channel(s), as in fit")):
        segmenter.predict(np.zeros((1, 40, 50, 3)))


@pytest.mark.slow
@pytest.mark.parametrize("name", FILTERS)
def test_it_keeps_the_contract(name):
    check_segmenter(RidgeSegmenter(filter=name))

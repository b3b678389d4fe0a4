"""What baselines learn from labelled pixels, against searches by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg.segmenters import _labelled_pixels
from membseg.segmenters._fit_inputs import check_fit_inputs
from membseg.segmenters._labelled_pixels import (
    LabelledPixels,
    LogisticCurve,
    gather,
    spread_images,
)


def make_inputs(y, sample_weight=None):
    return check_fit_inputs(np.zeros(np.shape(y)), y, sample_weight=sample_weight)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 9999), st.integers(2, 40), st.booleans())
def test_the_best_cut_is_that_of_all_cuts(seed, n_pixels, tied):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 5, n_pixels) if tied else rng.random(n_pixels)
    membrane = np.append(rng.random(n_pixels - 1) < 0.4, True)
    pixels = LabelledPixels(values.astype(float), membrane, rng.random(n_pixels) + 0.1)
    cuts = np.unique(values)
    # Halfway below each value, and at the least one.
    between = np.append(cuts[0], (cuts[1:] + cuts[:-1]) / 2)
    ious = np.array([pixels.iou(cut) for cut in between])
    cut, iou = pixels.best_cut()
    lowest = np.flatnonzero(ious >= 0.995 * ious.max())[0]
    assert cut == pytest.approx(between[lowest])
    assert iou == pytest.approx(ious[lowest])


def test_iou_by_hand():
    pixels = LabelledPixels(
        np.array([0.1, 0.4, 0.6, 0.9]), np.array([False, True, False, True]), np.array([1, 2, 3, 4])
    )
    assert pixels.iou(0.0) == pytest.approx(6 / 10)
    assert pixels.iou(0.4) == pytest.approx(6 / 9)
    assert pixels.iou(0.5) == pytest.approx(4 / 9)
    assert pixels.iou(2.0) == 0


def test_gathered_pixels_are_the_labelled_ones_with_their_weights():
    y = np.array([[[0, 1, -1], [1, 0, 0]], [[-1, -1, -1], [0, -1, 1]]], dtype=np.int8)
    maps = np.arange(12.0).reshape(y.shape)
    inputs = make_inputs(y, sample_weight=[1, 3])
    pixels = gather(inputs, enumerate(maps))
    assert sorted(pixels.values.tolist()) == [0, 1, 3, 4, 5, 9, 11]
    np.testing.assert_array_equal(pixels.membrane, np.isin(pixels.values, [1, 3, 11]))
    # Scaled to a mean of one over the labelled pixels: (5 * 1 + 2 * 3) / 7.
    np.testing.assert_allclose(pixels.weights, np.where(pixels.values < 6, 1, 3) * 7 / 11)


def test_many_pixels_are_thinned_out_but_no_class_is_lost(monkeypatch):
    monkeypatch.setattr(_labelled_pixels, "_MOST_PIXELS", 100)
    y = np.zeros((1, 100, 100), int)
    y[0, 99, 99] = 1
    pixels = gather(make_inputs(y), [(0, np.arange(1e4).reshape(100, 100))])
    assert pixels.membrane.sum() == 1
    assert 90 <= len(pixels.values) <= 102
    # Not all from the same few columns.
    assert len(np.unique(pixels.values % 100)) > 50


def test_images_are_spread_over_the_stack():
    y = np.zeros((9, 10, 10), int)
    y[1:, 0] = 1
    assert spread_images(make_inputs(y), 300) == [1, 4, 8]
    assert spread_images(make_inputs(y), 1) == [1]
    assert spread_images(make_inputs(y), 10**9) == [1, 2, 3, 4, 5, 6, 7, 8]
    y[1:] = np.array([0, 1] * 4).reshape(8, 1, 1)
    assert spread_images(make_inputs(y), 1) == list(range(9))


def test_the_curve_recovers_the_odds_that_made_the_labels():
    rng = np.random.default_rng(0)
    response = rng.exponential(2.0, 200_000)
    unit = response.mean()
    logit = -2 + 3 * np.log1p(response / unit)
    pixels = LabelledPixels(
        response, rng.random(logit.size) < 1 / (1 + np.exp(-logit)), 1.0 + 0 * logit
    )
    curve = LogisticCurve.fit(pixels)
    assert curve.intercept == pytest.approx(-2, abs=0.05)
    assert curve.slope == pytest.approx(3, abs=0.05)
    np.testing.assert_allclose(curve.logits(response), logit, atol=0.1)


def test_a_response_that_points_the_wrong_way_gives_the_prior():
    response = np.linspace(0, 1, 100)
    curve = LogisticCurve.fit(LabelledPixels(response, response < 0.25, np.ones(100)))
    np.testing.assert_allclose(curve.logits(response), np.log(1 / 3), rtol=1e-6)


def test_no_response_at_all_gives_the_prior():
    membrane = np.arange(100) < 20
    curve = LogisticCurve.fit(LabelledPixels(np.zeros(100), membrane, np.ones(100)))
    np.testing.assert_allclose(curve.logits(np.zeros(3)), np.log(0.25), atol=1e-3)

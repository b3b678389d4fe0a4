"""Bins of probabilities: counted by hand, and the scores that follow from the counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from membseg.calibration import reliability_table
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.metrics import brier_loss, expected_calibration_error

Y = np.array([[[0, 1, 1, 0]], [[1, 1, 0, 0]]])
P = np.array([[[0.1, 0.9, 0.3, 0.5]], [[1.0, 0.6, 0.0, 0.3]]])


def test_counts_by_hand():
    table = reliability_table(Y, P, n_bins=2)
    # Below 0.5: 0.1, 0.3 (membrane) | 0.0, 0.3. From 0.5: 0.9 (m), 0.5 | 1.0 (m), 0.6 (m).
    np.testing.assert_allclose(table.weights, [[2, 2], [2, 2]])
    np.testing.assert_allclose(table.predicted_sums, [[0.4, 1.4], [0.3, 1.6]])
    np.testing.assert_allclose(table.membrane_sums, [[1, 1], [0, 2]])
    np.testing.assert_allclose(table.predicted, [0.175, 0.75])
    np.testing.assert_allclose(table.observed, [0.25, 0.75])
    assert table.expected_error == pytest.approx((0.3 + 0.0) / 8)
    assert table.maximum_error == pytest.approx(0.075)
    assert table.brier_reliability == pytest.approx(0.5 * 0.075**2)
    assert table.brier_resolution == pytest.approx(0.25**2)
    assert table.brier_uncertainty == 0.25


def test_empty_bins():
    table = reliability_table(Y, P, n_bins=100)
    assert np.isnan(table.predicted).sum() == 93
    assert np.isfinite([table.expected_error, table.maximum_error, table.brier_resolution]).all()


grids = st.lists(st.integers(0, 8), min_size=12, max_size=12)


@given(levels=grids, labels=st.lists(st.booleans(), min_size=12, max_size=12))
def test_murphys_decomposition_of_the_brier_score(levels, labels):
    # One probability a bin, so that nothing varies within bins.
    prob = (np.reshape(levels, (2, 2, 3)) + 0.5) / 9
    truth = np.reshape(labels, (2, 2, 3)).astype(int)
    table = reliability_table(truth, prob, n_bins=9, membrane_label=1)
    parts = table.brier_reliability - table.brier_resolution + table.brier_uncertainty
    assert brier_loss(truth, prob, membrane_label=1) == pytest.approx(parts, abs=1e-12)


@given(seed=st.integers(0, 99), n_bins=st.integers(1, 20), border=st.sampled_from([None, 1.0]))
def test_expected_error_is_the_metric_of_that_name(seed, n_bins, border):
    rng = np.random.default_rng(seed)
    # Numbers that no bin's bound equals.
    prob = rng.random((2, 6, 7))
    truth = (rng.random((2, 6, 7)) < prob).astype(int)
    weights = rng.random((2, 6, 7)) + 0.1
    options = {"n_bins": n_bins, "border": border, "sample_weight": weights}
    assert reliability_table(truth, prob, **options).expected_error == pytest.approx(
        expected_calibration_error(truth, prob, **options)
    )


def test_quantiles_share_the_pixels_out():
    rng = np.random.default_rng(0)
    prob = rng.random((2, 30, 30)) ** 3
    table = reliability_table((rng.random(prob.shape) < prob).astype(int), prob, n_bins=6,
                              strategy="quantile")  # fmt: skip
    np.testing.assert_allclose(table.shares, 1 / 6, atol=2e-3)
    assert table.edges[0] == 0
    assert table.edges[-1] == 1


def test_pixels_without_a_label_and_of_no_weight():
    hidden = np.where(np.arange(4) < 2, -1, Y)
    weights = np.broadcast_to((np.arange(4) >= 2).astype(float), Y.shape)
    expected = reliability_table(Y[:, :, 2:], P[:, :, 2:], n_bins=3)
    for table in (
        reliability_table(hidden, P, n_bins=3),
        reliability_table(Y, P, n_bins=3, sample_weight=weights),
    ):
        np.testing.assert_allclose(table.weights, expected.weights)
        np.testing.assert_allclose(table.membrane_sums, expected.membrane_sums)


def test_intervals_hold_the_true_value_as_often_as_they_say():
    # The true error is known: probabilities are 0.1 too high, image by image a bit different.
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        truth = rng.random((12, 1, 400)) < 0.4 + rng.normal(0, 0.03, (12, 1, 1))
        table = reliability_table(truth, np.full(truth.shape, 0.5), n_bins=1)
        low, high = table.interval(n_resamples=300, random_state=rng.integers(2**31))
        held += low <= 0.1 <= high
    assert 0.85 <= held / 200 <= 0.99


def test_intervals_are_the_same_again_and_wider_at_a_higher_level():
    table = reliability_table(Y, P, n_bins=2)
    assert table.interval() == table.interval()
    low, high = table.interval(level=0.5)
    wide_low, wide_high = table.interval(level=0.99)
    assert wide_low <= low <= high <= wide_high


def test_bad_input():
    with pytest.raises(InvalidTypeError, match=r"n_bins must be a whole number; got 2\.5"):
        reliability_table(Y, P, n_bins=2.5)
    with pytest.raises(InvalidInputError, match='strategy must be "uniform" or "quantile"'):
        reliability_table(Y, P, strategy="equal")
    with pytest.raises(InvalidInputError, match="border must be a finite number of at least 0"):
        reliability_table(Y, P, border=-1)
    with pytest.raises(InvalidInputError, match="border=2 leaves no labelled pixel"):
        reliability_table(np.zeros_like(Y), P, border=2)
    table = reliability_table(Y, P)
    with pytest.raises(InvalidInputError, match="score must be one of 'expected_error', "):
        table.interval("ece")
    with pytest.raises(InvalidInputError, match="level must lie between 0 and 1; got 95"):
        table.interval(level=95)
    with pytest.raises(InvalidInputError, match="interval needs at least two images"):
        reliability_table(Y[:1], P[:1]).interval()

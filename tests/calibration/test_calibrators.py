"""Curves from logits to probabilities: from their definitions."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit

from membseg.calibration._calibrators import METHODS, fit_curve


def draw(n=4000, scale=3.0, shift=0.0, seed=0):
    """Give logits that are `scale` times too large and shifted, and labels drawn from the truth."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=n) * 2
    return (true * scale + shift).astype(np.float32), (rng.random(n) < expit(true)).astype(int)


def loss(logits, labels):
    return -np.where(labels, log_expit(logits), log_expit(-logits)).mean()


@pytest.mark.parametrize("method", METHODS)
def test_probabilities_come_near_the_truth(method):
    logits, labels = draw(n=20_000)
    curve = fit_curve(method, logits, labels, None)
    where = np.array([-6.0, -3.0, 0.0, 3.0, 6.0], dtype=np.float32)
    np.testing.assert_allclose(curve(where), expit(where / 3), atol=0.05)
    grid = np.linspace(-15, 15, 101, dtype=np.float32)
    assert (np.diff(curve(grid)) >= 0).all()
    assert curve(grid.reshape(1, 101)).shape == (1, 101)


def test_temperature_is_the_one_of_least_log_loss():
    logits, labels = draw()
    found = minimize_scalar(
        lambda t: loss(logits.astype(float) / t, labels), bounds=(0.1, 20), method="bounded"
    ).x
    curve = fit_curve("temperature", logits, labels, None)
    np.testing.assert_allclose(curve(logits), expit(logits / found), atol=1e-3)


def test_beta_with_equal_slopes_is_a_sigmoid_of_the_logit():
    logits, labels = draw(shift=1.5)
    curve = fit_curve("beta", logits, labels, None)
    p = expit(logits.astype(float))
    by_definition = expit(
        curve.slopes[0] * np.log(p) - curve.slopes[1] * np.log1p(-p) + curve.offset
    )
    inside = np.abs(logits) < 10  # where 1 - p has digits left
    np.testing.assert_allclose(curve(logits)[inside], by_definition[inside], atol=1e-9)
    assert loss(np.log(curve(logits) / (1 - curve(logits))), labels) <= loss(logits, labels)


def test_beta_leaves_out_a_part_that_would_fall():
    # Above 0 the labels fall where the logit rises.
    rng = np.random.default_rng(0)
    logits = rng.uniform(-4, 4, 4000).astype(np.float32)
    share = np.where(logits < 0, expit(logits), 0.5 - 0.1 * logits)
    curve = fit_curve("beta", logits, (rng.random(4000) < share).astype(int), None)
    assert min(curve.slopes) == 0.0
    assert (np.diff(curve(np.sort(logits))) >= 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_weights_count_as_repetitions(method):
    logits, labels = draw(n=400)
    times = np.random.default_rng(1).integers(0, 3, 400)
    weighted = fit_curve(method, logits, labels, times.astype(float))
    repeated = fit_curve(method, np.repeat(logits, times), np.repeat(labels, times), None)
    np.testing.assert_allclose(weighted(logits), repeated(logits), atol=2e-3)

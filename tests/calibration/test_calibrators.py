"""Curves from logits to probabilities: from their definitions."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit

from membseg.calibration._calibrators import METHODS, LocalCurve, make_curve


def draw(n=4000, scale=3.0, shift=0.0, seed=0):
    """Give logits that are `scale` times too large and shifted, and labels drawn from the truth."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=n) * 2
    return (true * scale + shift).astype(np.float32), (rng.random(n) < expit(true)).astype(int)


def fit_curve(method, logits, labels, weights):
    return make_curve(method).fit(logits, labels, weights)


PIXELWISE = sorted(set(METHODS) - {"local"})


def loss(logits, labels):
    return -np.where(labels, log_expit(logits), log_expit(-logits)).mean()


@pytest.mark.parametrize("method", PIXELWISE)
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


@pytest.mark.parametrize("method", PIXELWISE)
def test_weights_count_as_repetitions(method):
    logits, labels = draw(n=400)
    times = np.random.default_rng(1).integers(0, 3, 400)
    weighted = fit_curve(method, logits, labels, times.astype(float))
    repeated = fit_curve(method, np.repeat(logits, times), np.repeat(labels, times), None)
    np.testing.assert_allclose(weighted(logits), repeated(logits), atol=2e-3)


# Local: slope and shift by the steepness of the logits around.


def draw_local(n=40_000, seed=0):
    """Give pixels that are too sure by 4 where flat and by 1.5 where steep, and labels."""
    rng = np.random.default_rng(seed)
    true, steepness = rng.normal(size=n) * 2, rng.uniform(0, 2, n)
    times = 1 / (0.25 + (2 / 3 - 0.25) * steepness / 2)
    pixels = np.stack([true * times, steepness], axis=1).astype(np.float32)
    return pixels, (rng.random(n) < expit(true)).astype(int), true


def test_steepness_by_hand():
    logits = np.zeros((2, 7, 9), dtype=np.float32)
    logits[0, 3, 4], logits[1, 0, 0] = 5.0, -3.0
    seen = LocalCurve.look(logits)
    np.testing.assert_array_equal(seen[..., 0], logits)
    expected = np.zeros_like(logits)
    expected[0, 1:6, 2:7], expected[1, :3, :3] = np.log(6), np.log(4)
    np.testing.assert_allclose(seen[..., 1], expected, rtol=1e-6)
    np.testing.assert_array_equal(LocalCurve.look(logits[1]), seen[1])


def test_local_finds_what_one_temperature_cannot():
    pixels, labels, true = draw_local()
    local = make_curve("local").fit(pixels, labels, None)
    one = make_curve("temperature").fit(pixels[:, 0], labels, None)
    off = [np.abs(p - expit(true)).max() for p in (local(pixels), one(pixels[:, 0]))]
    assert off[0] < 0.03 < 0.1 < off[1]
    # Steeper than anything seen counts as the steepest.
    at = np.array([[1.0, 2.0], [1.0, 9.0]], dtype=np.float32)
    np.testing.assert_allclose(*local(at), atol=1e-3)


def test_local_never_falls():
    # Where it is steep, the labels fall where the logit rises.
    rng = np.random.default_rng(0)
    pixels = rng.uniform(-3, 3, (4000, 2)).astype(np.float32)
    pixels[:, 1] = (pixels[:, 1] > 2).astype(np.float32)
    share = expit(np.where(pixels[:, 1] == 1, -pixels[:, 0], pixels[:, 0]))
    curve = make_curve("local").fit(pixels, (rng.random(4000) < share).astype(int), None)
    for steepness in (0.0, 1.0):
        line = np.stack([np.linspace(-3, 3, 9), np.full(9, steepness)], axis=1)
        assert (np.diff(curve(line)) > 0).all()


def test_local_weights_count_as_repetitions():
    pixels, labels, _ = draw_local(n=400)
    times = np.random.default_rng(1).integers(0, 3, 400)
    weighted = make_curve("local").fit(pixels, labels, times.astype(float))
    repeated = make_curve("local").fit(
        np.repeat(pixels, times, axis=0), np.repeat(labels, times), None
    )
    weighted.steepest = repeated.steepest
    np.testing.assert_allclose(weighted(pixels), repeated(pixels), atol=2e-3)

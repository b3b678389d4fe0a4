"""Losses of detection: equal to their formulas in numpy."""

import numpy as np
import pytest

from membseg.losses import class_loss, objectness_loss, smooth_l1_loss


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def weights_of(rng, shape):
    return rng.uniform(0, 1, shape).astype(np.float32) * (rng.random(shape) < 0.7)


@pytest.mark.parametrize("beta", [1.0, 1 / 9])
def test_smooth_l1(rng, beta):
    true, pred = (rng.normal(size=(2, 7, 4)).astype(np.float32) for _ in range(2))
    weight = weights_of(rng, (2, 7))
    total = 0.0
    for i, j in np.ndindex(2, 7):
        for error in np.abs(true[i, j].astype(float) - pred[i, j]):
            each = error**2 / (2 * beta) if error < beta else error - beta / 2
            total += weight[i, j] * each
    got = float(smooth_l1_loss(true, pred, weight, beta))
    np.testing.assert_allclose(got, total / weight.sum(), rtol=1e-5)


def test_objectness(rng):
    true = (rng.random((3, 9)) < 0.3).astype(np.float32)
    logit = (3 * rng.normal(size=(3, 9))).astype(np.float32)
    weight = weights_of(rng, (3, 9))
    p = 1 / (1 + np.exp(-logit.astype(float)))
    each = -(true * np.log(p) + (1 - true) * np.log(1 - p))
    got = float(objectness_loss(true, logit, weight))
    np.testing.assert_allclose(got, (weight * each).sum() / weight.sum(), rtol=1e-5)


def test_objectness_of_large_logits_is_finite():
    logit = np.array([200.0, -200.0], dtype=np.float32)
    loss = objectness_loss(np.array([0.0, 1.0], "f4"), logit, np.ones(2, "f4"))
    np.testing.assert_allclose(float(loss), 200.0)


def test_classes(rng):
    true = rng.integers(0, 3, (2, 5))
    logit = rng.normal(size=(2, 5, 3)).astype(np.float32)
    weight = weights_of(rng, (2, 5))
    p = np.exp(logit.astype(float))
    p /= p.sum(-1, keepdims=True)
    each = -np.log(np.take_along_axis(p, true[..., np.newaxis], -1))[..., 0]
    got = float(class_loss(true, logit, weight))
    np.testing.assert_allclose(got, (weight * each).sum() / weight.sum(), rtol=1e-5)


def test_nothing_counts_nothing():
    zero = np.zeros(3, dtype=np.float32)
    codes = np.ones((3, 4), dtype=np.float32)
    assert float(smooth_l1_loss(codes, 0 * codes, zero)) == 0
    assert float(objectness_loss(zero, zero, zero)) == 0
    assert float(class_loss(zero.astype(int), codes, zero)) == 0

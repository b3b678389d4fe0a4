"""Losses against plain numpy definitions, weights, empty masks, gradients, configuration."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg.losses import LOSSES, PixelLoss, bce_dice_loss, binary_crossentropy, dice_loss


def numpy_bce(target, weight, logit):
    p = 1 / (1 + np.exp(-logit))
    losses = -(target * np.log(p) + (1 - target) * np.log(1 - p))
    return (weight * losses).sum() / np.count_nonzero(weight)


def numpy_dice(target, weight, logit):
    p = 1 / (1 + np.exp(-logit))
    return 1 - (2 * (weight * p * target).sum() + 1) / ((weight * (p + target)).sum() + 1)


def make_case(seed):
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 2, (2, 4, 5)).astype(np.float64)
    weight = rng.uniform(0, 2, (2, 4, 5)) * rng.integers(0, 2, (2, 4, 5))
    weight[0, 0, 0] = 1.0
    logit = rng.normal(0, 3, (2, 4, 5))
    y_true = np.stack([target, weight], axis=-1).astype(np.float32)
    return target, weight, logit, y_true, logit[..., None].astype(np.float32)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**20))
def test_losses_are_their_definitions(seed):
    target, weight, logit, y_true, y_logit = make_case(seed)
    bce, dice = numpy_bce(target, weight, logit), numpy_dice(target, weight, logit)
    assert float(binary_crossentropy(y_true, y_logit)) == pytest.approx(bce, rel=1e-4)
    assert float(dice_loss(y_true, y_logit)) == pytest.approx(dice, rel=1e-4)
    assert float(bce_dice_loss(y_true, y_logit)) == pytest.approx(bce + dice, rel=1e-4)


@pytest.mark.parametrize("name", LOSSES)
def test_pixels_without_weight_change_nothing(name):
    *_, y_true, y_logit = make_case(3)
    loss = PixelLoss(name)
    before = float(loss(y_true, y_logit))
    ignored = y_true[..., 1] == 0
    y_true[ignored, 0] = 1 - y_true[ignored, 0]
    y_logit[ignored] += 7.0
    assert ignored.any()
    assert float(loss(y_true, y_logit)) == before


def test_heavier_batches_have_a_larger_cross_entropy():
    *_, y_true, y_logit = make_case(4)
    before = float(binary_crossentropy(y_true, y_logit))
    y_true[..., 1] *= 1000
    assert float(binary_crossentropy(y_true, y_logit)) == pytest.approx(1000 * before, rel=1e-4)


@pytest.mark.parametrize("name", LOSSES)
def test_finite_where_everything_is_ignored_or_empty_or_sure(name):
    loss = PixelLoss(name)
    y_true = np.zeros((1, 2, 2, 2), dtype=np.float32)
    assert float(loss(y_true, np.zeros((1, 2, 2, 1), np.float32))) == pytest.approx(0, abs=1e-6)
    y_true[..., 1] = 1
    assert float(loss(y_true, np.full((1, 2, 2, 1), -50.0))) == pytest.approx(0, abs=1e-6)
    assert np.isfinite(float(loss(y_true, np.full((1, 2, 2, 1), 1e4))))


@pytest.mark.parametrize("name", LOSSES)
def test_bfloat16_logits_are_summed_in_float32(name):
    y_true = np.ones((1, 64, 64, 2), dtype=np.float32)
    y_logit = keras.ops.cast(np.full((1, 64, 64, 1), 0.5), "bfloat16")
    expected = float(PixelLoss(name)(y_true, np.full((1, 64, 64, 1), 0.5, np.float32)))
    assert float(PixelLoss(name)(y_true, y_logit)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_configuration_builds_the_same_loss(name):
    loss = PixelLoss(name, name="other")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert isinstance(copy, PixelLoss)
    assert (copy.loss, copy.name) == (name, "other")

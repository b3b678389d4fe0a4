"""The rivals of adversarial training: sizes, fields, bounds of weights."""

import keras
import numpy as np
import pytest

from membseg.networks import build_critic, build_discriminator
from membseg.networks._discriminator import Clip


def ramp(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize(("depth", "sizes"), [(1, (12, 9)), (3, (3, 3))])
def test_a_logit_for_every_field(n_channels, depth, sizes):
    network = build_discriminator(n_channels, depth=depth, base_filters=2)
    logits = network.predict_on_batch([ramp(2, 24, 18, n_channels), ramp(2, 24, 18, 1)])
    assert logits.shape == (2, *sizes, 1)
    assert logits.dtype == np.float32


@pytest.mark.parametrize("depth", [1, 3])
def test_a_logit_sees_a_field_of_the_size_that_is_told(depth):
    network = build_discriminator(depth=depth, base_filters=2)
    # Positive kernels on an empty image: no signal can cancel out, none is there before.
    for weight in network.weights:
        weight.assign(np.abs(keras.ops.convert_to_numpy(weight)))
    side, step = 96, 2**depth
    seen = []
    for row in range(side):
        mask = np.zeros((1, side, step, 1), dtype=np.float32)
        mask[0, row] = 1.0
        logits = network.predict_on_batch([np.zeros_like(mask), mask])
        seen.append(logits[0, side // step // 2, 0, 0] > 0)
    rows = np.flatnonzero(seen)
    assert np.ptp(rows) + 1 == len(rows) == 5 * 2**depth - 2


def test_parameter_counts_are_those_of_the_definition():
    levels = [16 * (3 + 1) * 8 + 8, 16 * 8 * 16 + 16, 16 * 16 * 32 + 32]
    assert build_critic(3).count_params() == sum(levels)
    assert build_discriminator(3).count_params() == sum(levels) + 9 * 32 + 1


def test_the_critic_gives_features_from_fine_to_coarse():
    features = build_critic(base_filters=2).predict_on_batch([ramp(2, 16, 24, 1)] * 2)
    assert [f.shape for f in features] == [(2, 8, 12, 2), (2, 4, 6, 4), (2, 2, 3, 8)]


def test_the_critic_sees_nothing_of_the_image_outside_the_mask():
    critic = build_critic(base_filters=2)
    mask = np.zeros((1, 16, 16, 1), dtype=np.float32)
    mask[:, :, :8] = 1.0
    image = ramp(1, 16, 16, 1)
    other = np.where(mask, image, ramp(1, 16, 16, 1, seed=1))
    inside = np.where(mask, ramp(1, 16, 16, 1, seed=2), image)
    wanted = critic.predict_on_batch([image, mask])
    for a, b in zip(wanted, critic.predict_on_batch([other, mask]), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(wanted[0], critic.predict_on_batch([inside, mask])[0])
    # Where an image is at its mean, the mask shows all the same.
    flat = np.zeros_like(image)
    features = [critic.predict_on_batch([flat, m])[0] for m in (mask, 1 - mask)]
    assert not np.array_equal(*features)


def test_the_critics_weights_start_and_stay_within_bounds():
    critic = build_critic(base_filters=4)
    kernels = [keras.ops.convert_to_numpy(w) for w in critic.weights if "kernel" in w.path]
    for kernel in kernels:
        assert 0.04 < np.abs(kernel).max() <= 0.05
    for layer in critic.layers:
        if layer.weights:
            assert layer.kernel.constraint.bound == layer.bias.constraint.bound == 0.05
    clipped = Clip.from_config(Clip(0.5).get_config())(np.array([-2.0, 0.25, 0.75]))
    np.testing.assert_array_equal(clipped, [-0.5, 0.25, 0.5])


@pytest.mark.parametrize("build", [build_discriminator, build_critic])
def test_seed_precision_and_configuration(build):
    first, again, other = (build(base_filters=2, seed=seed) for seed in (7, 7, 8))
    for a, b in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])
    network = build(base_filters=2, dtype="mixed_bfloat16")
    assert network.get_layer("down1_conv").compute_dtype == "bfloat16"
    twin = keras.Model.from_config(network.get_config())
    assert twin.count_params() == network.count_params()


def test_the_logits_are_float32_in_any_case():
    network = build_discriminator(base_filters=2, dtype="mixed_bfloat16")
    assert network.get_layer("logits").compute_dtype == "float32"

"""Steps of a network and its rival by turns; one test runs some of the others under JAX."""

import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from membseg import make_membranes
from membseg.exceptions import InvalidInputError, TrainingError
from membseg.networks import build_unet
from membseg.training import (
    AdversarialSteps,
    HostSteps,
    PatchSampler,
    Schedule,
    TrainingData,
    TrainingLoop,
    Validator,
    compile_network,
    plan_validation,
)
from membseg.training._adversarial import _train
from membseg.utils import fit_intensity

MODES = ["patch", "segan"]
COLUMNS = ["loss", "adversarial_loss", "discriminator_loss"]
SIZE = 16

#: Tests of what differs between Keras's backends: who holds variables, and when they are updated.
FOR_JAX = "hardly_any_weight or copy_alone or very_prediction"


class Batches:
    """Gives random images, whose bright pixels are membrane; half of the pixels have no label."""

    batch_size, patch_size = 2, SIZE

    def __init__(self, *, unlabelled_target=0.0):
        self.rng = np.random.default_rng(0)
        self.unlabelled_target = unlabelled_target

    def draw(self):
        x = self.rng.normal(size=(2, SIZE, SIZE, 1)).astype(np.float32)
        labelled = self.rng.random(x.shape) < 0.5
        target = np.where(labelled, x > 0.5, self.unlabelled_target)
        return x, np.concatenate([target, labelled], axis=-1).astype(np.float32)

    def state(self):
        return self.rng.bit_generator.state

    def restore(self, state):
        self.rng.bit_generator.state = state


def make_network(**options):
    network = build_unet(**({"depth": 1, "base_filters": 2} | options))
    compile_network(network, loss="bce", weight_decay=1e-2)
    return network


def make_steps(network=None, sampler=None, *, weight=0.5, mode="patch", seed=0):
    network = make_network() if network is None else network
    sampler = Batches() if sampler is None else sampler
    return AdversarialSteps(network, sampler, weight=weight, mode=mode, seed=seed)


def take(steps, rates):
    with steps:
        return steps.take(rates)


def assert_same(first, second, atol=0.0):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=atol)


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "weight"), [("patch", 1e-6), ("segan", 0.0)])
def test_with_hardly_any_weight_the_network_learns_as_without_a_rival(mode, weight):
    # Penalties, weight decay, statistics and dropout are all part of it.
    options = {"norm_layer": "batch", "l2": 1e-2, "dropout": 0.2}
    plain, network = make_network(**options), make_network(**options)
    rates = [1e-2, 5e-3, 1e-2]
    losses = take(HostSteps(plain, Batches()), rates)["loss"]
    columns = take(make_steps(network, weight=weight, mode=mode), rates)
    np.testing.assert_allclose(columns["loss"], losses, rtol=1e-4)
    assert_same(network.get_weights(), plain.get_weights(), atol=1e-4)
    assert int(network.optimizer.iterations) == 3


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_the_rival_changes_what_the_network_learns(mode):
    without, with_rival = make_network(), make_network()
    take(HostSteps(without, Batches()), [1e-2] * 2)
    columns = take(make_steps(with_rival, weight=1.0, mode=mode), [1e-2] * 2)
    assert list(columns) == COLUMNS
    assert all(values.shape == (2,) and np.isfinite(values).all() for values in columns.values())
    moved = np.abs(without.get_weights()[0] - with_rival.get_weights()[0]).max()
    assert moved > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_targets_without_a_label_change_nothing(mode):
    runs = []
    for target in (0.0, 1.0):
        steps = make_steps(sampler=Batches(unlabelled_target=target), mode=mode)
        columns = take(steps, [1e-2] * 3)
        runs.append([*columns.values(), *steps.network.get_weights()])
    assert_same(*runs)


@pytest.mark.parametrize("mode", MODES)
def test_the_rival_learns_to_tell_masks_from_noise(mode):
    steps = make_steps(mode=mode)
    rng = np.random.default_rng(1)
    x, _ = Batches().draw()
    stripes = np.zeros((2, SIZE, SIZE, 1), dtype=np.float32)
    stripes[:, :, ::4] = 1.0
    y = np.concatenate([stripes, np.ones_like(stripes)], axis=-1)
    nothing = np.zeros((2, 1), dtype=np.float32)
    losses = []
    for _ in range(60):
        noise = rng.random(stripes.shape).astype(np.float32)
        losses.append(_train(steps._rival_step, 1e-2, [x, y, noise], nothing)["loss"])
    if mode == "patch":
        # With answers of 0.9 the least loss is half the entropy of a coin that falls so, 0.16.
        assert losses[-1] < 0.3 < 0.6 < losses[0]
        answers = [steps._rival.predict_on_batch([x, mask]).mean() for mask in (stripes, noise)]
        assert answers[0] > 1.0 > -1.0 > answers[1]
    else:
        assert losses[-1] < 10 * losses[0] < 0.0
        weights = np.concatenate([weight.ravel() for weight in steps._rival.get_weights()])
        # The maximum is at the bounds.
        assert np.abs(weights).max() == np.float32(0.05)


@pytest.mark.parametrize("mode", MODES)
def test_the_networks_step_leaves_the_rival_and_its_copy_alone(mode):
    steps = make_steps(mode=mode)
    take(steps, [1e-2] * 2)
    before = steps._rival.get_weights()
    assert_same(steps._frozen.get_weights(), before)
    x, y = Batches().draw()
    targets = {"segmentation": y, "adversarial": np.zeros((2, 1), dtype=np.float32)}
    network_before = steps.network.get_weights()
    _train(steps._network_step, 1e-2, [x, y], targets)
    assert_same(steps._frozen.get_weights(), before)
    assert_same(steps._rival.get_weights(), before)
    assert not np.array_equal(steps.network.get_weights()[0], network_before[0])


def test_what_of_the_network_is_frozen_stays_so():
    network = build_unet(depth=1, base_filters=2)
    network.get_layer("down0_conv0").trainable = False
    compile_network(network, loss="bce", weight_decay=1e-2)
    flags = [layer.trainable for layer in network.layers]
    before = network.get_weights()
    take(make_steps(network), [1e-2] * 2)
    assert [layer.trainable for layer in network.layers] == flags
    assert_same(network.get_layer("down0_conv0").get_weights(), before[:2])
    assert not np.array_equal(network.get_layer("down0_conv1").get_weights()[0], before[2])


def test_the_rival_sees_the_very_prediction_that_the_network_learnt_from():
    steps = make_steps()
    x, _ = Batches().draw()
    logits = steps.network.predict_on_batch(x)
    take(steps, [1e-2])
    kept = keras.ops.convert_to_numpy(steps._prediction.kept)
    np.testing.assert_allclose(kept, 1 / (1 + np.exp(-logits)), atol=1e-5)
    # Afterwards the network predicts with what it has learnt.
    assert np.abs(steps.network.predict_on_batch(x) - logits).max() > 1e-3


@pytest.mark.slow
def test_of_several_heads_the_rival_sees_the_mean():
    network = make_network(depth=2, skips="nested", deep_supervision=True)
    steps = make_steps(network)
    x, _ = Batches().draw()
    heads = keras.ops.convert_to_numpy(network(x, training=True))
    assert heads.shape[-1] > 1
    assert np.isfinite(take(steps, [1e-2])["loss"]).all()
    kept = keras.ops.convert_to_numpy(steps._prediction.kept)
    wanted = 1 / (1 + np.exp(-heads.mean(axis=-1, keepdims=True)))
    np.testing.assert_allclose(kept, wanted, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_the_rival_computes_in_the_networks_precision(mode):
    steps = make_steps(make_network(dtype="mixed_bfloat16"), mode=mode)
    assert steps._rival.get_layer("down0_conv").compute_dtype == "bfloat16"
    columns = take(steps, [1e-2] * 2)
    assert all(np.isfinite(values).all() for values in columns.values())


def test_the_seed_is_that_of_the_rival():
    first, again, other = (make_steps(seed=seed)._rival.get_weights() for seed in (3, 3, 4))
    assert_same(first, again)
    assert not np.array_equal(first[0], other[0])


def test_rates_are_set_at_every_step():
    steps = make_steps()
    take(steps, [1e-2, 3e-3])
    rates = [model.optimizer.learning_rate for model in (steps.network, steps._rival_step)]
    np.testing.assert_allclose([float(rate) for rate in rates], [3e-3, 1.5e-3], rtol=1e-6)
    assert steps.n_at_once(10, None) == 1


def test_an_unknown_mode_is_refused():
    message = "adversarial_mode must be one of patch, segan; got 'wgan'."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        make_steps(mode="wgan")


def make_loop(mode, **options):
    X, y = make_membranes(3, 32, 32, random_state=0)
    images = [image[..., np.newaxis] for image in X]
    masks = [(mask > 0).astype(np.uint8) for mask in y]
    data = TrainingData(images, masks, None, fit_intensity(images, "image"))
    plan = plan_validation([(32, 32)] * 3, 0.3, np.random.default_rng(0))
    sampler = PatchSampler(
        data, plan, patch_size=SIZE, batch_size=2, augmentation="d4+intensity",
        augmentation_strength=1.0, rng=np.random.default_rng(0),
    )  # fmt: skip
    steps = make_steps(sampler=sampler, mode=mode)
    validator = Validator(data, plan.blocks, factor=2, halo=8, tile_size=32)
    schedule = Schedule(peak=1e-2, n_steps=4, start=0.0, deadline=None)
    return TrainingLoop(
        steps.network, steps, validator, schedule,
        steps_per_epoch=2, monitor="loss", patience=None, **options,
    )  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_the_history_tells_of_the_game(mode):
    history = make_loop(mode).run().history
    assert len(history) == 2
    for row in history:
        assert set(row) > {"val_loss", *COLUMNS}
        assert all(np.isfinite(row[name]) for name in COLUMNS)


def test_a_rival_that_is_not_finite_stops_training():
    loop = make_loop("patch")
    rival = loop.steps._rival
    rival.set_weights([np.full_like(weight, np.nan) for weight in rival.get_weights()])
    with pytest.raises(TrainingError, match="training's discriminator_loss became nan at step 1"):
        loop.run()


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() == "jax", reason="starts JAX")
def test_steps_by_turns_under_jax():
    pytest.importorskip("jax")
    options = ("-q", "-p", "no:cacheprovider", "-m", "slow or not slow", "-k", FOR_JAX)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, __file__],
        env=os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:]
    assert " passed" in run.stdout

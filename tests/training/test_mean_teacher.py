"""Steps with a mean teacher: its weights, its targets, and what they weigh."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg import make_membranes
from membseg.losses import binary_crossentropy
from membseg.networks import build_unet
from membseg.training import PatchSampler, TrainingData, ValidationPlan, compile_network
from membseg.training._mean_teacher import MeanTeacherSteps, join_targets, ramp_up
from membseg.training._mix import exchange_pairs
from membseg.training._unlabelled import UnlabelledSampler
from membseg.utils import IGNORED, fit_intensity

FOLDER = Path(__file__).parent
MODES = ("mean_teacher", "pseudo_labels")
RATE = 1e-2


@pytest.fixture(scope="module")
def slices():
    return make_membranes(4, 48, 48, random_state=0)


@cache
def networks(number):
    """Network and teacher, compiled once for all tests, and the network's first weights."""
    network, teacher = (build_unet(depth=1, base_filters=4, seed=seed) for seed in (0, 1))
    compile_network(network, loss="bce", weight_decay=1e-2)
    return network, teacher, network.get_weights()


def as_new(number):
    network, teacher, weights = networks(number)
    network.set_weights(weights)
    for variable in network.optimizer.variables:
        variable.assign(np.zeros(variable.shape, variable.dtype))
    return network, teacher


def make_steps(slices, *, mode="mean_teacher", change=None, number=0, **options):
    """Two slices have labels, two have none; `change` makes other slices of these."""
    images = [image[..., np.newaxis].astype(np.float32) for image in slices[0]]
    masks = [(mask > 0).astype(np.uint8) for mask in slices[1]]
    intensities = fit_intensity(images, "image")
    for i in (2, 3):
        masks[i] = np.full_like(masks[i], IGNORED)
        images[i] = images[i] if change is None else change(images[i])
    data = TrainingData(images, masks, None, intensities)
    common = {
        "patch_size": 16, "batch_size": 4, "augmentation": "d4+intensity",
        "augmentation_strength": 1.0,
    }  # fmt: skip
    plan = ValidationPlan([], [])
    sampler = PatchSampler(data, plan, rng=np.random.default_rng(0), **common)
    unlabelled = UnlabelledSampler(data, plan, rng=np.random.default_rng(1), **common)
    network, teacher = as_new(number)
    return MeanTeacherSteps(network, sampler, unlabelled, teacher, mode=mode, **options)


def take(steps, n):
    with steps:
        return [steps.take([RATE]) for _ in range(n)]


def assert_same_weights(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_teacher_is_the_moving_average_of_every_fifth_network(slices):
    steps = make_steps(slices)
    average = steps.network.get_weights()
    assert_same_weights(steps.teacher.get_weights(), average)
    with steps:
        for step in range(1, 13):
            steps.take([RATE])
            if step % 5 == 0:
                # The network's share of the average: less than 1/100 only later on.
                keep = np.prod([min(0.99, (1 + t) / (10 + t)) for t in range(step - 4, step + 1)])
                now = steps.network.get_weights()
                average = [keep * a + (1 - keep) * b for a, b in zip(average, now, strict=True)]
            for a, b in zip(steps.teacher.get_weights(), average, strict=True):
                np.testing.assert_allclose(a, b, atol=1e-6)
    assert not np.allclose(steps.teacher.get_weights()[0], steps.network.get_weights()[0])


@pytest.mark.parametrize("mode", MODES)
def test_a_step_is_a_step_of_keras_on_both_kinds_of_patches(slices, mode):
    steps, other = (make_steps(slices, mode=mode, number=number) for number in (0, 1))
    # A teacher that is sure of something.
    weights = [1.5 * weight for weight in steps.network.get_weights()]
    for one in (steps, other):
        one.teacher.set_weights(weights)
        one.n_taken = 100
    (columns,) = take(steps, 1)
    (x, y), batch = other.draw()
    probability = 1 / (1 + np.exp(-other.teacher.predict_on_batch(batch.weak)[..., 0]))
    weight = np.full_like(probability, np.exp(-5 * 0.5**2))
    if mode == "pseudo_labels":
        sure = (probability >= 0.9) | (probability <= 0.1)
        assert 0 < sure.mean() < 1
        probability, weight = (probability > 0.5).astype(np.float32), weight * sure
    taught = exchange_pairs(np.stack([probability, weight], axis=-1), batch.pasted)
    x = np.concatenate([x, batch.strong])
    y = join_targets(y, taught, batch.weight)
    other.network.optimizer.learning_rate = RATE
    loss = other.network.train_on_batch(x, y)
    assert list(columns) == ["loss", "unlabelled_weight"]
    np.testing.assert_allclose(columns["loss"], [loss], rtol=1e-5)
    np.testing.assert_allclose(columns["unlabelled_weight"], [weight.mean()], rtol=1e-4)
    for a, b in zip(steps.network.get_weights(), other.network.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_without_weight_images_without_labels_have_no_influence(slices, mode):
    weights = []
    for change in (None, lambda image: 2 * image[::-1]):
        steps = make_steps(slices, mode=mode, change=change, weight=0.0)
        columns = take(steps, 6)
        assert [column["unlabelled_weight"].tolist() for column in columns] == [[0.0]] * 6
        weights.append(steps.network.get_weights())
    assert_same_weights(*weights)


def test_with_weight_they_have_some(slices):
    weights = []
    for change in (None, lambda image: 2 * image[::-1]):
        steps = make_steps(slices, change=change)
        take(steps, 2)
        weights.append(steps.network.get_weights())
    assert any(not np.array_equal(a, b) for a, b in zip(*weights, strict=True))


def test_the_same_seeds_give_the_same_weights(slices):
    weights = []
    for _ in range(2):
        steps = make_steps(slices)
        take(steps, 6)
        weights.append(steps.network.get_weights())
    assert_same_weights(*weights)


def test_steps_are_taken_one_by_one_and_both_losses_fall(slices):
    steps = make_steps(slices)
    assert steps.n_at_once(100, 60.0) == 1
    columns = take(steps, 80)
    losses = [float(column["loss"][0]) for column in columns]
    assert np.mean(losses[-10:]) < 0.9 * np.mean(losses[:10])


def test_the_weight_rises_and_stays():
    ramp = [ramp_up(step) for step in range(300)]
    assert ramp[0] == pytest.approx(np.exp(-5))
    assert ramp[100] == pytest.approx(np.exp(-5 / 4))
    assert (np.diff(ramp[:201]) > 0).all()
    assert ramp[200:] == [1.0] * 100


def make_targets(rng, n, share):
    """Target and weight; a share of the pixels has a weight."""
    weight = rng.uniform(0.1, 2, (n, 6, 6)) * (rng.random((n, 6, 6)) < share)
    return np.stack([rng.random((n, 6, 6)), weight], axis=-1).astype(np.float32)


@settings(deadline=None)
@given(seed=st.integers(0, 2**20), share=st.floats(0, 1), n=st.integers(1, 3))
def test_the_mean_over_both_is_the_sum_of_two_means(seed, share, n):
    rng = np.random.default_rng(seed)
    labelled, taught = make_targets(rng, 2, 0.7), make_targets(rng, n, share)
    counted = np.maximum(rng.integers(0, 2, (n, 6, 6)), taught[..., 1] > 0).astype(np.float32)
    counted[0, 0, 0] = 1
    logits = rng.normal(size=(2 + n, 6, 6, 1)).astype(np.float32)
    loss = float(binary_crossentropy(join_targets(labelled, taught, counted), logits))
    first = float(binary_crossentropy(labelled, logits[:2]))
    z, target, weight = logits[2:, ..., 0], taught[..., 0], taught[..., 1]
    second = (weight * (np.log1p(np.exp(z)) - target * z)).sum() / counted.sum()
    assert loss == pytest.approx(first + second, rel=1e-4)


def test_where_the_others_have_no_weight_the_labelled_stay():
    rng = np.random.default_rng(0)
    labelled, taught = make_targets(rng, 2, 0.5), make_targets(rng, 2, 0.0)
    joined = join_targets(labelled, taught, np.ones((2, 6, 6), np.float32))
    np.testing.assert_array_equal(joined[:2], labelled)
    assert not joined[2:, ..., 1].any()
    # Nor does a batch without a label divide by zero.
    assert np.isfinite(join_targets(taught, labelled, np.ones((2, 6, 6), np.float32))).all()


#: What may differ from backend to backend.
FOR_JAX = "moving_average or step_of_keras or same_seeds"


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() == "jax", reason="runs this file under JAX")
def test_steps_under_jax():
    pytest.importorskip("jax")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", FOR_JAX],
        env=os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        cwd=FOLDER.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:]
    assert " passed" in run.stdout

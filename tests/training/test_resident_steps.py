"""Training steps whose data stay on the device; under Keras's JAX backend only.

test_resident.py runs this file in a process with that backend.
"""

import keras
import numpy as np
import pytest

from membseg import UNetSegmenter, make_membranes
from membseg.networks import build_unet
from membseg.training import (
    HostSteps,
    PatchSampler,
    ResidentSteps,
    TrainingData,
    choose_steps,
    compile_network,
    plan_validation,
)
from membseg.training._resident_patches import draw_batch
from membseg.utils import fit_intensity

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="needs KERAS_BACKEND=jax; test_resident.py sets it"
)

RATE = 1e-2


@pytest.fixture(scope="module")
def slices():
    return make_membranes(3, 48, 48, random_state=0)


def make_steps(slices, **network):
    images = [image[..., np.newaxis] for image in slices[0]]
    masks = [(mask > 0).astype(np.uint8) for mask in slices[1]]
    data = TrainingData(images, masks, None, fit_intensity(images, "image"))
    plan = plan_validation([(48, 48)] * 3, 0.1, np.random.default_rng(0))
    sampler = PatchSampler(
        data, plan, patch_size=32, batch_size=4, augmentation="d4+intensity",
        augmentation_strength=1.0, rng=np.random.default_rng(0),
    )  # fmt: skip
    unet = build_unet(**({"depth": 1, "base_filters": 4} | network))
    compile_network(unet, loss="bce", weight_decay=1e-2)
    return ResidentSteps(unet, sampler)


def same(first, second):
    return all(
        np.array_equal(a, b) for a, b in zip(first.get_weights(), second.get_weights(), strict=True)
    )


def test_a_step_is_the_step_of_keras_on_the_same_batch(slices):
    import jax

    # Penalties, weight decay and moving statistics are all part of it.
    resident = make_steps(slices, norm_layer="batch", l1=1e-4, l2=1e-3)
    other = keras.models.clone_model(resident.network)
    compile_network(other, loss="bce", weight_decay=1e-2)
    other.set_weights(resident.network.get_weights())
    losses = []
    for step in range(2):
        x, y = draw_batch(
            resident.data, jax.random.fold_in(resident.key, step),
            batch_size=4, patch_size=32, steps=("d4", "intensity"), strength=1.0,
        )  # fmt: skip
        other.optimizer.learning_rate = RATE / (step + 1)
        other.reset_metrics()
        losses.append(float(other.train_on_batch(np.asarray(x), np.asarray(y))))
    taken = resident.take([RATE, RATE / 2])["loss"]
    np.testing.assert_allclose(taken, losses, rtol=1e-5)
    for a, b in zip(resident.network.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert int(resident.network.optimizer.iterations) == 2


def test_mixed_patches_and_smoothed_labels_are_part_of_the_step(slices):
    import jax

    resident = make_steps(slices)
    resident.sampler.steps, resident.sampler.label_smoothing = ["d4", "mixup", "cutmix"], 0.2
    x, y = draw_batch(
        resident.data, jax.random.fold_in(resident.key, 0), batch_size=4, patch_size=32,
        steps=("d4", "mixup", "cutmix"), strength=1.0, label_smoothing=0.2,
    )  # fmt: skip
    loss = float(resident.network.test_on_batch(np.asarray(x), np.asarray(y)))
    assert resident.take([RATE])["loss"][0] == pytest.approx(loss, rel=1e-5)


def test_how_many_steps_a_call_takes_changes_nothing(slices):
    together, one_by_one = make_steps(slices, dropout=0.5), make_steps(slices, dropout=0.5)
    losses = together.take([RATE] * 5)["loss"]
    singles = [one_by_one.take([RATE])["loss"][0] for _ in range(5)]
    np.testing.assert_array_equal(losses, singles)
    assert same(together.network, one_by_one.network)
    assert len(set(singles)) == 5


def test_the_loss_falls_and_weights_that_were_read_stay(slices):
    resident = make_steps(slices)
    before = resident.network.get_weights()
    copies = [weight.copy() for weight in before]
    losses = resident.take([RATE] * 100)["loss"]
    assert losses[-10:].mean() < 0.8 * losses[:10].mean()
    for weight, copy in zip(before, copies, strict=True):
        np.testing.assert_array_equal(weight, copy)
    # Without a learning rate nothing moves.
    now = resident.network.get_weights()
    resident.take([0.0] * 3)
    for a, b in zip(resident.network.get_weights(), now, strict=True):
        np.testing.assert_array_equal(a, b)


def test_calls_grow_until_they_take_a_fifth_of_a_second(slices, monkeypatch):
    resident = make_steps(slices)
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])

    def take(n, seconds):
        def call(state, *arguments, **options):
            now[0] += seconds
            return state, np.zeros(256)

        monkeypatch.setattr(resident, "_call", call)
        resident.take([RATE] * n)

    assert resident.n_at_once(100, None) == 1
    take(1, 30.0)  # compiles: says nothing
    assert resident.n_at_once(100, None) == 1
    take(1, 0.01)
    assert resident.n_at_once(100, None) == 2
    take(2, 0.02)
    take(4, 0.04)
    take(8, 0.08)
    assert resident.n_at_once(100, None) == 16
    take(16, 0.16)
    assert resident.n_at_once(100, None) in (19, 20)
    assert resident.n_at_once(7, None) == 7
    assert resident.n_at_once(100, 2.01) == 10
    assert resident.n_at_once(100, -1.0) == 1
    take(16, 1e-4)
    assert resident.n_at_once(10_000, None) == 32
    take(250, 1e-3)
    assert resident.n_at_once(10_000, None) == 256


def quick(**params):
    few = {
        "depth": 1, "base_filters": 4, "max_steps": 3, "steps_per_epoch": 2, "batch_size": 2,
        "tta": "none", "random_state": 0, "precision": "float32",
    }  # fmt: skip
    return UNetSegmenter(**(few | params))


def test_fit_uses_the_device_when_told_to(slices, monkeypatch):
    X, y = slices
    on_device = quick(device_data=np.True_).fit(X, y)
    assert [row["step"] for row in on_device.history_] == [2, 3]
    wanted = on_device.decision_function(X)
    # Without an accelerator "auto" is the host, whose random numbers are others.
    monkeypatch.setattr("membseg.training._resident.has_accelerator", lambda: False)
    assert not np.array_equal(quick().fit(X, y).decision_function(X), wanted)
    # With one it is the device, and the same seed gives the same weights.
    monkeypatch.setattr("membseg.training._resident.has_accelerator", lambda: True)
    np.testing.assert_array_equal(quick().fit(X, y).decision_function(X), wanted)


def test_data_that_do_not_fit_stay_on_the_host(slices, monkeypatch):
    resident = make_steps(slices)
    pair = (resident.network, resident.sampler)
    assert isinstance(choose_steps(True, *pair), ResidentSteps)
    assert isinstance(choose_steps(False, *pair), HostSteps)
    monkeypatch.setattr("membseg.training._resident.has_accelerator", lambda: True)
    assert isinstance(choose_steps("auto", *pair), ResidentSteps)
    monkeypatch.setattr("membseg.training._resident.memory_limit", lambda: 3 * 48 * 48)
    assert isinstance(choose_steps("auto", *pair), HostSteps)
    with pytest.raises(ValueError, match=r"device_data=True would need 0\.0 GB of the device"):
        choose_steps(True, *pair)
    monkeypatch.setattr("membseg.training._resident.MAX_PIXELS", 3 * 48 * 48 - 1)
    assert isinstance(choose_steps("auto", *pair), HostSteps)
    with pytest.raises(ValueError, match="can hold 6911 pixels of labelled images; got 6912"):
        choose_steps(True, *pair)


def test_a_step_that_the_device_does_not_know_is_left_to_the_host(slices, monkeypatch):
    resident = make_steps(slices)
    resident.sampler.steps = ["d4", "swirl"]
    monkeypatch.setattr("membseg.training._resident.has_accelerator", lambda: True)
    steps = choose_steps("auto", resident.network, resident.sampler)
    assert isinstance(steps, HostSteps)
    with pytest.raises(ValueError, match="cannot be had with swirl in augmentation"):
        choose_steps(True, resident.network, resident.sampler)


def test_a_state_brings_key_and_count_back(slices):
    steps = make_steps(slices)
    steps.take([RATE] * 2)
    state = steps.state()
    values = [np.array(variable.value) for variable in steps.network.variables]
    moments = [np.array(variable.value) for variable in steps.network.optimizer.variables]
    steps.take([RATE])
    other = make_steps(slices)
    for variables, kept in (
        (other.network.variables, values), (other.network.optimizer.variables, moments)
    ):  # fmt: skip
        for variable, value in zip(variables, kept, strict=True):
            variable.assign(value)
    other.key = None
    other.restore(state)
    other.take([RATE])
    assert same(steps.network, other.network)

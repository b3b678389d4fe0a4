"""Training with data on the device: the loop around it, and its tests under the JAX backend."""

import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from membseg import UNetSegmenter, make_membranes
from membseg.exceptions import InvalidInputError, OutOfMemoryError, TrainingError
from membseg.training import Schedule, TrainingLoop

FOLDER = Path(__file__).parent

#: Learns and predicts both ways where TensorFlow cannot be imported.
WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = None
from membseg import UNetSegmenter, make_membranes
X, y = make_membranes(2, 48, 48, random_state=0)
for device_data in (False, True):
    segmenter = UNetSegmenter(
        depth=1, base_filters=4, max_steps=1, batch_size=2, tta="none", device_data=device_data
    )
    print(segmenter.fit(X, y).predict(X).shape)
assert sys.modules["tensorflow"] is None
"""


def run_under_jax(*arguments):
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    run = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=environment,
        cwd=FOLDER.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    return run.stdout


@pytest.mark.slow
def test_steps_on_the_device_under_jax():
    pytest.importorskip("jax")
    file = FOLDER / "test_resident_steps.py"
    output = run_under_jax("-m", "pytest", "-q", "-p", "no:cacheprovider", file)
    assert " passed" in output
    assert " skipped" not in output


@pytest.mark.slow
def test_under_jax_tensorflow_is_not_needed():
    pytest.importorskip("jax")
    assert run_under_jax("-c", WITHOUT_TENSORFLOW).split("\n")[:2] == ["(2, 48, 48)"] * 2


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="is about the other backends")
def test_another_backend_is_refused_with_the_way_out():
    X, y = make_membranes(2, 48, 48, random_state=0)
    segmenter = UNetSegmenter(depth=1, base_filters=4, max_steps=1, device_data=True)
    message = f"device_data=True needs Keras's JAX backend; got {keras.backend.backend()!r}. Set"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        segmenter.fit(X, y)


class ScriptedSteps:
    """Takes three steps a call, if it may; every loss is scripted."""

    def __init__(self, losses):
        self.losses = list(losses)
        self.rates = []
        self.offers = []

    def n_at_once(self, most, seconds_left):
        self.offers.append((most, seconds_left))
        return min(3, most)

    def take(self, rates):
        self.rates += rates
        losses = [self.losses.pop(0) for _ in rates]
        if isinstance(losses[0], Exception):
            raise losses[0]
        return {"loss": np.array(losses, dtype=np.float32)}

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


class Nothing:
    """A network with one weight, and a validation part that is empty."""

    def get_weights(self):
        return []

    def set_weights(self, weights):
        pass

    def __bool__(self):
        return False


def make_loop(losses, *, n_steps, steps_per_epoch=5, deadline=None):
    resident = ScriptedSteps(losses)
    schedule = Schedule(peak=1e-3, n_steps=n_steps, start=0.0, deadline=deadline)
    loop = TrainingLoop(
        Nothing(), resident, Nothing(), schedule,
        steps_per_epoch=steps_per_epoch, monitor="loss", patience=None,
    )  # fmt: skip
    return loop, resident


def test_calls_never_go_beyond_an_epoch_or_the_plan():
    loop, resident = make_loop(range(1, 14), n_steps=13)
    result = loop.run()
    assert result.n_steps == 13
    assert [most for most, _ in resident.offers] == [5, 2, 5, 2, 3]
    assert [row["step"] for row in result.history] == [5, 10, 13]
    # The mean over the steps of the epoch.
    assert [row["loss"] for row in result.history] == [3, 8, 12]
    assert resident.rates == [loop.schedule.learning_rate(step) for step in range(13)]


def test_the_time_left_is_told(monkeypatch):
    monkeypatch.setattr("time.perf_counter", lambda: 40.0)
    loop, resident = make_loop([1.0] * 5, n_steps=5, deadline=100.0)
    loop.run()
    assert [left for _, left in resident.offers] == [60.0, 60.0]


def test_the_very_step_with_a_loss_that_is_not_finite_is_named():
    loop, _ = make_loop([1.0, 1.0, 1.0, 1.0, np.nan, 1.0], n_steps=6, steps_per_epoch=6)
    with pytest.raises(TrainingError, match=r"The training loss became nan at step 5\. Try"):
        loop.run()


def test_memory_that_runs_out_on_the_device_is_recognised():
    loop, _ = make_loop([RuntimeError("RESOURCE_EXHAUSTED: Out of memory")], n_steps=1)
    with pytest.raises(OutOfMemoryError):
        loop.run()

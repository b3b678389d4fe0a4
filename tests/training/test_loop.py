"""The fit loop: best weights, early stopping, failure of the loss or of memory."""

import re
from typing import ClassVar

import numpy as np
import pytest

from membseg.exceptions import OutOfMemoryError, TrainingError
from membseg.training import HostSteps, Schedule, TrainingLoop, is_out_of_memory


class ScriptedNetwork:
    """A network whose losses are scripted; its weight is the number of steps it took."""

    def __init__(self, losses):
        self.losses = iter(losses)
        self.weight = 0
        self.rates = []
        self.optimizer = self

    @property
    def learning_rate(self):
        return self.rates[-1]

    @learning_rate.setter
    def learning_rate(self, rate):
        self.rates.append(rate)

    variables: ClassVar[list] = []

    def reset_metrics(self):
        pass

    def get_weights(self):
        return [np.array(self.weight)]

    def set_weights(self, weights):
        self.weight = int(weights[0])

    def train_on_batch(self, x, y):
        self.weight += 1
        loss = next(self.losses)
        if isinstance(loss, Exception):
            raise loss
        return loss


class NoBatches:
    """A sampler for networks that need nothing to learn from."""

    def draw(self):
        return None, None

    def state(self):
        return {}

    def restore(self, state):
        pass


class ScriptedLoop(TrainingLoop):
    """A loop whose validation is scripted."""

    def __init__(self, network, values, **options):
        options = {"monitor": "loss", "patience": None, "steps_per_epoch": 2} | options
        n_steps = options.pop("n_steps", 2 * len(values))
        schedule = Schedule(peak=1e-3, n_steps=n_steps, start=0.0, deadline=None)
        super().__init__(network, HostSteps(network, NoBatches()), values, schedule, **options)
        self.values = iter(values)

    def _watch(self):
        value = next(self.values, None)
        return {} if value is None else {"val_loss": value, "val_iou": -value}


def test_keeps_the_weights_of_the_best_epoch():
    network = ScriptedNetwork([1.0] * 8)
    result = ScriptedLoop(network, [0.5, 0.3, 0.4, 0.6], patience=4).run()
    assert result.best_epoch == 2
    assert network.weight == 4
    assert result.n_steps == 8
    assert [row["val_loss"] for row in result.history] == [0.5, 0.3, 0.4, 0.6]
    assert [row["step"] for row in result.history] == [2, 4, 6, 8]


def test_while_the_learning_rate_is_high_no_weights_are_kept():
    network = ScriptedNetwork([1.0] * 40)
    # Of 40 steps the first 24 are constant (but for the warm-up), then step s has the share
    # (s + 1) / 40 * (40 - s) / 17 of the peak: more than half until epoch 14 (step 27), less after.
    result = ScriptedLoop(network, [0.1] * 14 + [0.5, 0.4, 0.3, 0.4, 0.5, 0.6]).run()
    assert result.best_epoch == 17
    assert network.weight == 34


def test_if_the_clock_runs_out_first_the_last_weights_stay(monkeypatch):
    network = ScriptedNetwork([1.0] * 40)
    loop = ScriptedLoop(network, [0.1, 0.2, 0.3], n_steps=40)
    monkeypatch.setattr(loop.schedule, "is_over", lambda step: step >= 6)
    assert loop.run().best_epoch == 3
    assert network.weight == 6


def test_a_validation_loss_that_is_not_finite_stops_training():
    with pytest.raises(TrainingError, match=r"The validation loss became nan at step 4\. Try"):
        ScriptedLoop(ScriptedNetwork([1.0] * 8), [0.5, np.nan, 0.4]).run()


def test_scores_are_maximised():
    network = ScriptedNetwork([1.0] * 6)
    assert ScriptedLoop(network, [0.5, 0.9, 0.4], monitor="iou", patience=3).run().best_epoch == 3


def test_without_validation_the_last_weights_stay():
    network = ScriptedNetwork([1.0] * 5)
    result = ScriptedLoop(network, [], n_steps=5).run()
    assert result.best_epoch == 3
    assert network.weight == 5


def test_stops_early_after_patience_epochs():
    network = ScriptedNetwork([1.0] * 20)
    result = ScriptedLoop(network, [0.3, 0.5, 0.5, 0.1, 0.1], patience=2).run()
    assert len(result.history) == 3
    assert network.weight == 2


def test_time_for_the_last_looks_is_kept_free(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])

    class SlowToWatch(ScriptedLoop):
        def _watch(self):
            now[0] += 2.0
            return super()._watch()

    loop = SlowToWatch(ScriptedNetwork([1.0] * 99), [0.1] * 99, n_steps=4, n_last_looks=8)
    loop.schedule.deadline = 100.0
    loop.schedule.n_steps = None
    monkeypatch.setattr(loop.schedule, "look_at_clock", lambda step: None)
    loop.run()
    assert loop.schedule.deadline == 100.0 - 8 * 2.0


def test_learning_rate_is_set_at_every_step():
    network = ScriptedNetwork([1.0] * 4)
    loop = ScriptedLoop(network, [0.1, 0.1])
    loop.run()
    assert network.rates == [loop.schedule.learning_rate(step) for step in range(4)]


def test_what_steps_tell_besides_the_loss_is_in_the_history():
    class Steps(HostSteps):
        def take(self, learning_rates):
            return super().take(learning_rates) | {"other_loss": np.array([self.network.weight])}

    network = ScriptedNetwork([1.0] * 4)
    loop = ScriptedLoop(network, [0.1, 0.1])
    loop.steps = Steps(network, NoBatches())
    assert [row["other_loss"] for row in loop.run().history] == [1.5, 3.5]
    loop = ScriptedLoop(network, [0.1, 0.1])
    network.losses, network.weight = iter([1.0] * 4), np.nan
    loop.steps = Steps(network, NoBatches())
    with pytest.raises(
        TrainingError, match=r"The training's other_loss became nan at step 1\. Try"
    ):
        loop.run()


def test_history_is_reported_row_by_row():
    rows = []
    loop = ScriptedLoop(
        ScriptedNetwork([0.7] * 4), [0.1, 0.2], on_epoch_end=lambda row, schedule: rows.append(row)
    )
    assert loop.run().history == rows
    assert rows[0]["loss"] == 0.7


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_stops_training(loss):
    network = ScriptedNetwork([1.0, 1.0, loss])
    message = f"The training loss became {loss} at step 3. Try a lower learning_rate"
    with pytest.raises(TrainingError, match=re.escape(message)):
        ScriptedLoop(network, [0.5, 0.5]).run()


class ResourceExhaustedError(Exception):
    """Named as TensorFlow names it."""


@pytest.mark.parametrize(
    "error",
    [MemoryError("x"), ResourceExhaustedError("x"), RuntimeError("RESOURCE_EXHAUSTED: Out of")],
)
def test_out_of_memory_is_recognised(error):
    assert is_out_of_memory(error)
    with pytest.raises(OutOfMemoryError):
        ScriptedLoop(ScriptedNetwork([error]), [0.5]).run()


def test_other_errors_and_ctrl_c_pass_through():
    for error in (KeyError("x"), KeyboardInterrupt()):
        network = ScriptedNetwork([1.0])
        network.train_on_batch = lambda x, y, error=error: (_ for _ in ()).throw(error)
        with pytest.raises(type(error)):
            ScriptedLoop(network, [0.5]).run()


def test_a_state_comes_last_of_all_and_brings_best_and_patience_back():
    heard, states = [], []
    options = {"patience": 3, "n_steps": 40}
    values = [0.5, 0.3, 0.4, 0.6, 0.7, 0.1]
    whole = ScriptedLoop(ScriptedNetwork([1.0] * 40), values, **options).run()
    assert len(whole.history) == 5
    network = ScriptedNetwork([1.0] * 40)

    def end_epoch(row, schedule):
        heard.append("told")
        return False

    def keep(state):
        heard.append("kept")
        states.append(state)

    ScriptedLoop(network, values, on_epoch_end=end_epoch, on_state=keep, **options).run()
    assert heard == ["told", "kept"] * 5
    for n, state in enumerate(states, start=1):
        again = ScriptedNetwork([1.0] * 40)
        # Its one weight, the number of steps, is no variable.
        again.weight = 2 * n
        loop = ScriptedLoop(again, values[n:], **options)
        loop.restore(state)
        result = loop.run()
        assert result.best_epoch == whole.best_epoch == 2
        assert result.n_steps == whole.n_steps == 10
        assert [row["val_loss"] for row in result.history] == values[:5]
        assert again.weight == 4


def test_a_state_remembers_that_a_callback_stopped():
    states = []
    loop = ScriptedLoop(
        ScriptedNetwork([1.0] * 8), [0.5] * 4, on_epoch_end=lambda *_: True, on_state=states.append
    )
    loop.run()
    again = ScriptedLoop(ScriptedNetwork([]), [])
    again.restore(states[-1])
    assert len(again.run().history) == 1

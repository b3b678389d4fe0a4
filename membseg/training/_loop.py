"""The fit loop: steps, epochs, watching, keeping the best, stopping."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from membseg.exceptions import OutOfMemoryError, TrainingError
from membseg.inference import View
from membseg.losses import PixelLoss
from membseg.training._averaging import WeightAverage
from membseg.training._network import network_function
from membseg.training._schedule import Schedule
from membseg.training._steps import Steps
from membseg.training._validation import Validator
from membseg.training._variables import assign_values, values_of

_IDENTITY = [View(0, False)]


@dataclass(frozen=True)
class TrainingResult:
    """What a training leaves behind; the network holds the best weights.

    Attributes
    ----------
    history : list of dict
        One row an epoch: plain numbers.
    best_epoch : int
        Epoch (from 1) whose weights were kept: the best one while the learning rate was at most
        half its peak, or of all where training may stop early.
    n_steps : int
        Steps taken.
    cut_short : bool
        Whether the deadline came before the steps that were planned: then a run of `n_steps`
        steps has another schedule.
    """

    history: list[dict[str, float]]
    best_epoch: int
    n_steps: int
    cut_short: bool


@dataclass
class _Progress:
    """How far a training has come, besides what network, steps, schedule and average know."""

    history: list[dict[str, float]] = field(default_factory=list)
    step: int = 0
    stopped: bool = False
    best_value: float = -np.inf
    best_epoch: int = 0
    best_weights: list[np.ndarray] | None = None


class TrainingLoop:
    """Trains one network.

    Parameters
    ----------
    network : keras.Model
        Compiled; changed in place.
    steps : Steps
        Takes the steps.
    validator : Validator
        The held-out part; may be empty.
    schedule : Schedule
        Length and learning rate.
    steps_per_epoch : int
        Steps between two looks at the validation part.
    monitor : str
        ``"loss"`` or a scorer's name; what chooses the best weights.
    patience : int or None
        Epochs without improvement after which training stops; None never stops early.
    on_epoch_begin : callable or None, default=None
        Called before each epoch.
    on_epoch_end : callable or None, default=None
        Called with each row of the history and the schedule; training stops where it returns
        True.
    n_last_looks : int, default=0
        How often as long as one look at the validation part the caller needs after the last
        step; kept free before the deadline.
    average : WeightAverage or None, default=None
        A moving average of the network's weights, which is then judged and kept instead of them.
    on_state : callable or None, default=None
        Called with :meth:`state` after each epoch, last of all, so that an epoch that was kept is
        one that everybody was told of. A callback may then hear of an epoch twice, but never miss
        one, nor be asked in vain to stop.
    """

    def __init__(
        self,
        network: Any,
        steps: Steps,
        validator: Validator,
        schedule: Schedule,
        *,
        steps_per_epoch: int,
        monitor: str,
        patience: int | None,
        on_epoch_begin: Callable[[], None] | None = None,
        on_epoch_end: Callable[[dict[str, float], Schedule], bool] | None = None,
        n_last_looks: int = 0,
        average: WeightAverage | None = None,
        on_state: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self.network = network
        self.steps = steps
        self.validator = validator
        self.schedule = schedule
        self.steps_per_epoch = steps_per_epoch
        self.monitor = monitor
        self.patience = patience
        self.on_epoch_begin = on_epoch_begin
        self.on_epoch_end = on_epoch_end
        self.n_last_looks = n_last_looks
        self.average = average
        self.on_state = on_state
        self._progress = _Progress()

    def run(self) -> TrainingResult:
        """Train until the schedule, the clock or the patience says so."""
        with self.steps:
            return self._run()

    def state(self) -> dict[str, Any]:
        """Give all that :meth:`restore` needs to go on after the last epoch.

        Returns
        -------
        dict
            Plain values and arrays, in dicts and lists.
        """
        done = self._progress
        return {
            # All of a network's variables, with the states of the generators of its dropout.
            "network": values_of(self.network.variables),
            "optimizer": values_of(self.network.optimizer.variables),
            "steps": self.steps.state(),
            "schedule": self.schedule.state(),
            "average": None if self.average is None else self.average.state(),
            "progress": vars(done) | {"history": [dict(row) for row in done.history]},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state, before :meth:`run`.

        With the same network, data and number of steps, training then ends with the weights of
        one that was never interrupted.

        Parameters
        ----------
        state : dict
            As :meth:`state` gave it, of a loop that was made alike.

        Raises
        ------
        ValueError, KeyError, TypeError
            If it is the state of another one.
        """
        assign_values(self.network.variables, state["network"])
        assign_values(self.network.optimizer.variables, state["optimizer"])
        self.steps.restore(state["steps"])
        self.schedule.restore(state["schedule"])
        if self.average is not None:
            self.average.restore(state["average"])
        self._progress = _Progress(**state["progress"])

    def _run(self) -> TrainingResult:
        done = self._progress
        while not self._is_over():
            self._run_epoch(done)
        if done.best_weights is None:
            # The clock ran out while the learning rate was high.
            done.best_epoch = len(done.history)
            with self._judged_weights():
                done.best_weights = self.network.get_weights()
        self.network.set_weights(done.best_weights)
        is_whole = done.stopped or done.step == self.schedule.n_steps
        cut_short = not is_whole and self.schedule.is_late()
        return TrainingResult(done.history, done.best_epoch, done.step, cut_short)

    def _run_epoch(self, done: _Progress) -> None:
        if self.on_epoch_begin is not None:
            self.on_epoch_begin()
        row = self._epoch(done.step, epoch=len(done.history) + 1)
        done.step = int(row["step"])
        with self._judged_weights():
            row.update(self._look(done.step))
            if not done.history:
                self._reserve_last_looks()
            done.history.append(row)
            value = self._monitored(row)
            if value > done.best_value and self._is_candidate(row):
                done.best_value, done.best_epoch = value, len(done.history)
                done.best_weights = self.network.get_weights()
            if self.on_epoch_end is not None:
                done.stopped = self.on_epoch_end(row, self.schedule)
        if self.on_state is not None:
            self.on_state(self.state())

    def _is_over(self) -> bool:
        """Tell whether the schedule, the clock, a callback or the patience ends training."""
        done = self._progress
        if done.stopped or self.schedule.is_over(done.step):
            return True
        return self.patience is not None and len(done.history) - done.best_epoch >= self.patience

    def _judged_weights(self) -> AbstractContextManager[None]:
        return nullcontext() if self.average is None else self.average.in_place()

    def _is_candidate(self, row: dict[str, float]) -> bool:
        """Tell whether the weights of an epoch may be kept.

        While the learning rate is high, weights swing around better ones, and the best value of
        many on a small validation part is luck.
        """
        return self.patience is not None or self.schedule.has_settled(int(row["step"]) - 1)

    def _epoch(self, step: int, epoch: int) -> dict[str, float]:
        """Take the steps of an epoch; give its row of the history, but for the validation part."""
        columns: dict[str, list[float]] = {}
        taken = 0
        while taken < self.steps_per_epoch:
            self.schedule.look_at_clock(step + taken)
            if taken and self.schedule.is_over(step + taken):
                break
            for name, values in self._take(step + taken, self.steps_per_epoch - taken).items():
                columns.setdefault(name, []).extend(values.tolist())
            taken = len(columns["loss"])
        means = {name: float(np.mean(values)) for name, values in columns.items()}
        return {
            "epoch": epoch,
            "step": step + taken,
            "learning_rate": self.schedule.learning_rate(step + taken - 1),
        } | means

    def _look(self, step: int) -> dict[str, float]:
        """Look at the validation part after an epoch."""
        row = self._watch()
        if not np.isfinite(row.get("val_loss", 0.0)):
            raise _not_finite("validation loss", row["val_loss"], step)
        return row | {"seconds": time.perf_counter() - self.schedule.start}

    def _reserve_last_looks(self) -> None:
        """Keep time for the looks after the last step, by one that need not compile any more."""
        if not self.n_last_looks or self.schedule.deadline is None:
            return
        start = time.perf_counter()
        self._watch()
        self.schedule.reserve(self.n_last_looks * (time.perf_counter() - start))

    def _take(self, step: int, most: int) -> dict[str, np.ndarray]:
        """Take the next steps, as many as are taken in one call."""
        if self.schedule.n_steps is not None:
            most = min(most, self.schedule.n_steps - step)
        deadline = self.schedule.deadline
        left = None if deadline is None else deadline - time.perf_counter()
        rates = [
            self.schedule.learning_rate(i)
            for i in range(step, step + self.steps.n_at_once(most, left))
        ]
        try:
            columns = self.steps.take(rates)
        except Exception as error:
            # Each backend has a class of its own for this; only the text is common to them.
            if is_out_of_memory(error):
                raise OutOfMemoryError(str(error)) from error
            raise
        for name, values in columns.items():
            bad = np.flatnonzero(~np.isfinite(values))
            if len(bad):
                what = "training loss" if name == "loss" else f"training's {name}"
                raise _not_finite(what, values[bad[0]], step + int(bad[0]) + 1)
        if self.average is not None:
            self.average.follow(len(rates))
        return columns

    def _watch(self) -> dict[str, float]:
        if not self.validator:
            return {}
        logits = self.validator.predict(network_function(self.network), _IDENTITY)
        row = {
            "val_loss": self.validator.loss(logits, self._loss),
            "val_iou": self.validator.score("iou", logits),
        }
        if self.monitor not in ("loss", "iou"):
            row[f"val_{self.monitor}"] = self.validator.score(self.monitor, logits)
        return row

    @property
    def _loss(self) -> PixelLoss:
        return self.network.loss

    def _monitored(self, row: dict[str, float]) -> float:
        """Give the number whose maximum is best."""
        if not self.validator:
            # Nothing to choose by: the last weights, after the learning rate has fallen.
            return row["epoch"]
        return -row["val_loss"] if self.monitor == "loss" else row[f"val_{self.monitor}"]


def _not_finite(what: str, value: float, step: int) -> TrainingError:
    return TrainingError(
        f"The {what} became {value} at step {step}. Try a lower learning_rate, "
        "precision='float32', or intensity_norm='percentile' if the images hold extreme values."
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error of any backend means that memory ran out."""
    if isinstance(error, MemoryError):
        return True
    text = f"{type(error).__name__} {error}".lower()
    return any(
        sign in text for sign in ("resourceexhausted", "resource_exhausted", "out of memory")
    )

"""The fit loop: steps, epochs, watching, keeping the best, stopping."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.exceptions import OutOfMemoryError, TrainingError
from membseg.inference import View
from membseg.losses import PixelLoss
from membseg.training._ahead import DrawnAhead
from membseg.training._network import network_function
from membseg.training._resident import ResidentSteps
from membseg.training._sampler import PatchSampler
from membseg.training._schedule import Schedule
from membseg.training._validation import Validator

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


class TrainingLoop:
    """Trains one network.

    Parameters
    ----------
    network : keras.Model
        Compiled; changed in place.
    sampler : PatchSampler
        Source of batches.
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
    resident : ResidentSteps or None, default=None
        Takes the steps where the data live on the device; None takes `sampler`'s batches.
    """

    def __init__(
        self,
        network: Any,
        sampler: PatchSampler,
        validator: Validator,
        schedule: Schedule,
        *,
        steps_per_epoch: int,
        monitor: str,
        patience: int | None,
        on_epoch_begin: Callable[[], None] | None = None,
        on_epoch_end: Callable[[dict[str, float], Schedule], bool] | None = None,
        n_last_looks: int = 0,
        resident: ResidentSteps | None = None,
    ) -> None:
        self.network = network
        self.sampler = sampler
        self.validator = validator
        self.schedule = schedule
        self.steps_per_epoch = steps_per_epoch
        self.monitor = monitor
        self.patience = patience
        self.on_epoch_begin = on_epoch_begin
        self.on_epoch_end = on_epoch_end
        self.n_last_looks = n_last_looks
        self.resident = resident

    def run(self) -> TrainingResult:
        """Train until the schedule, the clock or the patience says so."""
        with DrawnAhead(self.sampler) as self._batches:
            return self._run()

    def _run(self) -> TrainingResult:
        history: list[dict[str, float]] = []
        best_value, best_epoch, best_weights = -np.inf, 0, None
        step, stopped = 0, False
        while not self.schedule.is_over(step):
            if self.on_epoch_begin is not None:
                self.on_epoch_begin()
            taken, row = self._epoch(step, epoch=len(history) + 1)
            if not history:
                self._reserve_last_looks()
            step += taken
            history.append(row)
            value = self._monitored(row)
            if value > best_value and self._is_candidate(row):
                best_value, best_epoch = value, len(history)
                best_weights = self.network.get_weights()
            if self.on_epoch_end is not None and self.on_epoch_end(row, self.schedule):
                stopped = True
                break
            if self.patience is not None and len(history) - best_epoch >= self.patience:
                break
        if best_weights is None:
            # The clock ran out while the learning rate was high.
            best_epoch = len(history)
        else:
            self.network.set_weights(best_weights)
        cut_short = not stopped and self.schedule.is_late() and step != self.schedule.n_steps
        return TrainingResult(history, best_epoch, step, cut_short)

    def _is_candidate(self, row: dict[str, float]) -> bool:
        """Tell whether the weights of an epoch may be kept.

        While the learning rate is high, weights swing around better ones, and the best value of
        many on a small validation part is luck.
        """
        return self.patience is not None or self.schedule.has_settled(int(row["step"]) - 1)

    def _epoch(self, step: int, epoch: int) -> tuple[int, dict[str, float]]:
        losses: list[float] = []
        taken = 0
        while taken < self.steps_per_epoch:
            self.schedule.look_at_clock(step + taken)
            if taken and self.schedule.is_over(step + taken):
                break
            losses += self._steps(step + taken, self.steps_per_epoch - taken)
            bad = np.flatnonzero(~np.isfinite(losses))
            if len(bad):
                raise _not_finite("training", losses[bad[0]], step + int(bad[0]) + 1)
            taken = len(losses)
        row = {
            "epoch": epoch,
            "step": step + taken,
            "learning_rate": self.schedule.learning_rate(step + taken - 1),
            "loss": float(np.mean(losses)),
        }
        row.update(self._watch())
        if not np.isfinite(row.get("val_loss", 0.0)):
            raise _not_finite("validation", row["val_loss"], step + taken)
        row["seconds"] = time.perf_counter() - self.schedule.start
        return taken, row

    def _reserve_last_looks(self) -> None:
        """Keep time for the looks after the last step, by one that need not compile any more."""
        if not self.n_last_looks or self.schedule.deadline is None:
            return
        start = time.perf_counter()
        self._watch()
        self.schedule.reserve(self.n_last_looks * (time.perf_counter() - start))

    def _steps(self, step: int, most: int) -> list[float]:
        """Take the next steps: one, or as many as the device takes in one call."""
        try:
            if self.resident is None:
                return [self._step(step)]
            return self._resident_steps(self.resident, step, most)
        except Exception as error:
            # Each backend has a class of its own for this; only the text is common to them.
            if is_out_of_memory(error):
                raise OutOfMemoryError(str(error)) from error
            raise

    def _step(self, step: int) -> float:
        self.network.optimizer.learning_rate = self.schedule.learning_rate(step)
        x, y = self._batches.draw()
        # Some versions of Keras give the mean over the steps since then, others do it themselves.
        self.network.reset_metrics()
        return float(self.network.train_on_batch(x, y))

    def _resident_steps(self, resident: ResidentSteps, step: int, most: int) -> list[float]:
        if self.schedule.n_steps is not None:
            most = min(most, self.schedule.n_steps - step)
        deadline = self.schedule.deadline
        left = None if deadline is None else deadline - time.perf_counter()
        steps = range(step, step + resident.n_at_once(most, left))
        return resident.take([self.schedule.learning_rate(i) for i in steps]).tolist()

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


def _not_finite(which: str, loss: float, step: int) -> TrainingError:
    return TrainingError(
        f"The {which} loss became {loss} at step {step}. Try a lower learning_rate, "
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

"""Training steps on batches that are drawn on the host."""

from typing import Any, Protocol, Self

import numpy as np

from membseg.training._ahead import DrawnAhead
from membseg.training._sampler import PatchSampler


class Steps(Protocol):
    """Takes training steps; what the loop asks of every way to train.

    A context manager, which the loop opens before the first step and closes after the last.
    """

    def n_at_once(self, most: int, seconds_left: float | None) -> int:
        """Say how many steps the next call of `take` should take, at least 1.

        Parameters
        ----------
        most : int
            Steps that may be taken.
        seconds_left : float or None
            Time to the deadline; None without one.
        """

    def take(self, learning_rates: list[float]) -> dict[str, np.ndarray]:
        """Take one step for each learning rate.

        Returns
        -------
        dict of str to ndarray of shape (n_steps,)
            "loss", and whatever else belongs in the history, of each step.
        """

    def state(self) -> dict[str, Any]:
        """Give what `restore` needs besides the network and its optimizer.

        Returns
        -------
        dict
            Plain values and arrays, in dicts and lists.
        """

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state; before the first step, and after the network was restored.

        Parameters
        ----------
        state : dict
            As `state` gave it, of steps that were made alike.
        """

    def __enter__(self) -> "Steps": ...

    def __exit__(self, *error: object) -> None: ...


class HostSteps:
    """Takes steps one by one, on batches drawn one ahead.

    Other ways to train on the host take another `_step`.

    Parameters
    ----------
    network : keras.Model
        Compiled; changed in place.
    sampler : PatchSampler
        Source of batches.
    """

    def __init__(self, network: Any, sampler: PatchSampler) -> None:
        self.network = network
        self.sampler = sampler
        self._batches = DrawnAhead(self)

    def draw(self) -> Any:
        """Draw what a step learns from; for the thread that draws ahead."""
        return self.sampler.draw()

    def streams(self) -> dict[str, Any]:
        """Give the states of the random streams that `draw` draws from, by name."""
        return {"labelled": self.sampler.state()}

    def state(self) -> dict[str, Any]:
        """Give what :meth:`restore` needs; see :class:`Steps`."""
        return {"streams": self._batches.streams()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state; see :class:`Steps`."""
        self.sampler.restore(state["streams"]["labelled"])

    def n_at_once(self, most: int, seconds_left: float | None) -> int:
        """One: the clock is looked at before each."""
        return 1

    def take(self, learning_rates: list[float]) -> dict[str, np.ndarray]:
        """Take one step for each learning rate; see :class:`Steps`."""
        rows = [self._step(rate) for rate in learning_rates]
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    def _step(self, learning_rate: float) -> dict[str, float]:
        return {"loss": self._learn(learning_rate, *self._batches.draw())}

    def _learn(self, learning_rate: float, x: np.ndarray, y: np.ndarray) -> float:
        """Let the network learn from a batch; give the loss."""
        self.network.optimizer.learning_rate = learning_rate
        # Some versions of Keras give the mean over the steps since then, others do it themselves.
        self.network.reset_metrics()
        return float(self.network.train_on_batch(x, y))

    def __enter__(self) -> Self:
        self._batches.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._batches.__exit__(*error)

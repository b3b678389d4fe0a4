"""How long to train, and the learning rate on the way."""

import time
from dataclasses import dataclass
from typing import Any

#: Steps over which the learning rate rises to its peak.
_WARM_UP_STEPS = 40

#: The learning rate is constant for this share of the steps (3/5), then falls linearly. Integers,
#: so that the step at which it starts to fall can be recovered exactly from the total.
_CONSTANT_NUMERATOR, _CONSTANT_DENOMINATOR = 3, 5

#: Share of the time that the planned steps fill; the rest is for steps that take longer.
_PLANNED_SHARE = 0.97


@dataclass
class Schedule:
    """Decides when training ends and what the learning rate is.

    The learning rate is constant until the end is known and falls only then, so that a run that
    is limited by the clock takes exactly the steps of a run that is given their number.

    Parameters
    ----------
    peak : float
        Highest learning rate.
    n_steps : int or None
        Number of steps, or None to find it from the clock.
    start : float
        When training began, in seconds of :func:`time.perf_counter`.
    deadline : float or None
        When training must have ended, on the same clock.
    n_before : int, default=0
        Steps that were taken before, by other trainings which this one goes on with: they count
        for the rise to the peak.
    decays : bool, default=True
        Whether the learning rate falls at all.
    """

    peak: float
    n_steps: int | None
    start: float
    deadline: float | None
    n_before: int = 0
    decays: bool = True
    _first_look: float | None = None
    _reserved: float = 0.0

    @property
    def decay_start(self) -> int | None:
        """Step at which the learning rate starts to fall; None while that is open, or never."""
        if self.n_steps is None or not self.decays:
            return None
        return _CONSTANT_NUMERATOR * self.n_steps // _CONSTANT_DENOMINATOR

    def learning_rate(self, step: int) -> float:
        """Give the learning rate of a step (counted from 0)."""
        rate = self.peak * min(1.0, (self.n_before + step + 1) / _WARM_UP_STEPS)
        decay_start = self.decay_start
        if self.n_steps is None or decay_start is None or step < decay_start:
            return rate
        return rate * (self.n_steps - step) / (self.n_steps - decay_start + 1)

    def has_settled(self, step: int) -> bool:
        """Tell whether the learning rate of a step has fallen to half its peak or less."""
        if self.decay_start is None or step < self.decay_start:
            return False
        return self.learning_rate(step) <= self.peak / 2

    def look_at_clock(self, step: int) -> None:
        """Fix the number of steps once the constant part of the time is over."""
        if self.n_steps is not None or self.deadline is None or step == 0:
            return
        now = time.perf_counter()
        if self._first_look is None:
            # The first step compiles: its time says nothing about the others'.
            self._first_look = now
        usable = _PLANNED_SHARE * (self.deadline - self._first_look)
        if now - self._first_look >= usable * _CONSTANT_NUMERATOR / _CONSTANT_DENOMINATOR:
            self.n_steps = -(-step * _CONSTANT_DENOMINATOR // _CONSTANT_NUMERATOR)

    def reserve(self, seconds: float) -> None:
        """Keep some seconds before the deadline free, at most half of what is left."""
        if self.deadline is not None and self.n_steps is None:
            left = max(self.deadline - time.perf_counter(), 0.0)
            kept = min(seconds, left / 2)
            self.deadline -= kept
            self._reserved += kept

    def is_over(self, step: int) -> bool:
        """Tell whether no further step is to be taken."""
        if self.n_steps is not None and step >= self.n_steps:
            return True
        return self.is_late() and step > 0

    def is_late(self) -> bool:
        """Tell whether the deadline has passed."""
        return self.deadline is not None and time.perf_counter() >= self.deadline

    def state(self) -> dict[str, Any]:
        """Give what :meth:`restore` needs: plain values, none of them a time of this clock.

        Returns
        -------
        dict
            Number of steps, and seconds.
        """
        now = time.perf_counter()
        return {
            "n_steps": self.n_steps,
            "seconds": now - self.start,
            "since_first_look": None if self._first_look is None else now - self._first_look,
            "reserved": self._reserved,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state, as if no time had passed since.

        The deadline is the caller's: it must know what an earlier process has used of the time.

        Parameters
        ----------
        state : dict
            As :meth:`state` gave it, maybe in another process.
        """
        now = time.perf_counter()
        self.n_steps = state["n_steps"]
        self.start = now - state["seconds"]
        since = state["since_first_look"]
        self._first_look = None if since is None else now - since
        self._reserved = state["reserved"]
        if self.deadline is not None:
            self.deadline -= self._reserved

"""What a training goes on with that is taken up again, a little at a time."""

from dataclasses import dataclass
from typing import Any

import numpy as np

#: Share of the learning rate at which a network goes on that `fit` has trained: its weights have
#: settled while the rate fell to zero, and the full rate would undo that.
_GENTLE = 0.1


@dataclass(frozen=True)
class Continuation:
    """The state between two calls of ``partial_fit``.

    Attributes
    ----------
    share : float
        Share of the parameter `learning_rate`.
    n_taken : int
        Steps since the last fit, or since the first call: over these the rate rises.
    optimizer : list of ndarray or None
        The optimizer's variables; None starts from zeros.
    history : list of dict
        Rows so far.
    threshold : float
        What predictions use, where new images cannot choose another.
    """

    share: float
    n_taken: int
    optimizer: list[np.ndarray] | None
    history: list[dict[str, float]]
    threshold: float

    @classmethod
    def of(cls, segmenter: Any) -> "Continuation":
        """Read it from a segmenter, fitted or not.

        Parameters
        ----------
        segmenter : BaseKerasSegmenter
            Left as it is.

        Returns
        -------
        Continuation
            Where it stands.
        """
        history = getattr(segmenter, "history_", [])
        left = getattr(segmenter, "_going_on", None)
        if left is None:
            left = {"share": _GENTLE if history else 1.0, "n_taken": 0, "optimizer": None}
        return cls(**left, history=history, threshold=getattr(segmenter, "threshold_", 0.5))

    @property
    def n_before(self) -> int:
        """All steps that the network has taken."""
        return int(self.history[-1]["step"]) if self.history else 0

    def reseed(self, seed: Any) -> int:
        """Give another seed for each call, so that each draws other patches.

        Parameters
        ----------
        seed : int
            What it would be in a fit.

        Returns
        -------
        int
            That of the first call is `seed` itself.
        """
        if not self.n_before:
            return int(seed)
        return int(np.random.SeedSequence([int(seed), self.n_before]).generate_state(1)[0]) // 2

    def shift(self, row: dict[str, float]) -> None:
        """Let a row of the history count on.

        Parameters
        ----------
        row : dict
            Changed in place.
        """
        if self.history:
            for name in ("epoch", "step", "seconds"):
                row[name] += self.history[-1][name]

    def load(self, network: Any) -> None:
        """Give a network's optimizer its state.

        Parameters
        ----------
        network : keras.Model
            Compiled.
        """
        from membseg.training import assign_values

        if self.optimizer is not None:
            assign_values(network.optimizer.variables, self.optimizer)

    def after(self, network: Any, n_steps: int) -> dict[str, Any]:
        """Give what :meth:`of` reads next time.

        Parameters
        ----------
        network : keras.Model
            After training.
        n_steps : int
            Steps of this call.

        Returns
        -------
        dict
            Plain values and arrays.
        """
        from membseg.training import values_of

        return {
            "share": self.share,
            "n_taken": self.n_taken + n_steps,
            "optimizer": values_of(network.optimizer.variables),
        }

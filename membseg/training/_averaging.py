"""A moving average of the weights on the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from membseg.training._variables import assign_arrays


class WeightAverage:
    """Follows a network's weights with an exponential moving average.

    Parameters
    ----------
    network : keras.Model
        The network that learns.
    momentum : float
        Share of the average that a step leaves, in (0, 1). In the first steps it is less,
        (1 + t) / (10 + t) after t of them, so that the first weights are soon forgotten.

    References
    ----------
    Polyak and Juditsky (1992), "Acceleration of Stochastic Approximation by Averaging",
    doi 10.1137/0330046; with an exponential window as in Tarvainen and Valpola (2017), "Mean
    teachers are better role models", eq. 1.
    """

    def __init__(self, network: Any, momentum: float) -> None:
        self.network = network
        self.momentum = momentum
        self.n_steps = 0
        self.weights: list[np.ndarray] = network.get_weights()
        trained = {id(variable) for variable in network.trainable_variables}
        # Statistics of normalisation layers are averages already.
        self._is_averaged = [id(variable) in trained for variable in network.weights]

    def follow(self, n_steps: int) -> None:
        """Take in the weights of now, after some more steps."""
        keep = 1.0
        for _ in range(n_steps):
            self.n_steps += 1
            keep *= min(self.momentum, (1 + self.n_steps) / (10 + self.n_steps))
        now = self.network.get_weights()
        for average, new, is_averaged in zip(self.weights, now, self._is_averaged, strict=True):
            if is_averaged:
                average *= keep
                average += (1 - keep) * new
            else:
                average[...] = new

    def state(self) -> dict[str, Any]:
        """Give what :meth:`restore` needs: plain values and arrays.

        Returns
        -------
        dict
            A copy, which later steps leave as it is.
        """
        return {"n_steps": self.n_steps, "weights": [weight.copy() for weight in self.weights]}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state.

        Parameters
        ----------
        state : dict
            As :meth:`state` gave it, of an average over the same network.
        """
        self.n_steps = int(state["n_steps"])
        assign_arrays(self.weights, state["weights"])

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the network have the averaged weights for a while."""
        own = self.network.get_weights()
        self.network.set_weights(self.weights)
        try:
            yield
        finally:
            self.network.set_weights(own)

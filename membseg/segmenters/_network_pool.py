"""Keras networks that serve again: the next fit of the same network, the next prediction.

A compiled step takes seconds to make, and TensorFlow never gives back all of the memory of one. So
a cross-validation trains one network again and again, each time from first weights of its own.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from membseg.segmenters._prediction import KERAS_LOCK

#: From a configuration to a Keras network.
Builder = Callable[[dict[str, Any]], Any]

#: At most so many networks wait for their next user, ...
_MOST_NETWORKS = 4
#: ... and at most so many values in their weights and optimizers together (1 GiB).
_MOST_VALUES = 2**28


@dataclass(eq=False)
class PooledNetwork:
    """A network and what is known of its state.

    Attributes
    ----------
    network : keras.Model
        The network.
    key : tuple (callable, dict)
        Its builder and its configuration, but for the seed.
    loaded : list of ndarray or None
        The very list whose weights it holds, if any.
    compiled : tuple (str, float, int) or None
        Loss, weight decay and number of frozen levels of its training step.
    values_per_pixel : float or None
        Values of its largest layer per pixel of the image, once counted.
    """

    network: Any
    key: tuple[Builder, dict[str, Any]]
    loaded: list[np.ndarray] | None = None
    compiled: tuple[str, float, int] | None = None
    values_per_pixel: float | None = None

    @property
    def n_values(self) -> int:
        """Values that it keeps in memory; an optimizer has two for each weight."""
        return int(self.network.count_params()) * (1 if self.compiled is None else 3)


@dataclass
class NetworkPool:
    """Networks that nobody uses at the moment, the last used last."""

    waiting: list[PooledNetwork] = field(default_factory=list)
    _lock: Any = field(default_factory=threading.Lock)

    def take(self, config: dict[str, Any], build: Builder) -> PooledNetwork | None:
        """Take a network out that was built from a configuration, whatever its seed."""
        key = _key_of(config, build)
        with self._lock:
            for i in reversed(range(len(self.waiting))):
                if self.waiting[i].key == key:
                    return self.waiting.pop(i)
        return None

    def put_back(self, entry: PooledNetwork) -> None:
        """Let a network wait for its next user; the oldest ones make room."""
        with self._lock:
            self.waiting.append(entry)
            while len(self.waiting) > _MOST_NETWORKS or (
                len(self.waiting) > 1 and sum(e.n_values for e in self.waiting) > _MOST_VALUES
            ):
                self.waiting.pop(0)


POOL = NetworkPool()


def untrained(
    config: dict[str, Any],
    build: Builder,
    *,
    loss: str,
    weight_decay: float,
    freeze_depth: int = 0,
) -> PooledNetwork:
    """Give a compiled network that has learnt nothing: a new one, or one that is as good as new.

    Parameters
    ----------
    config : dict
        Keyword arguments of the builder; the same seed gives the same weights.
    build : callable
        From `config` to a Keras network.
    loss, weight_decay : str, float
        Of the training step.
    freeze_depth : int, default=0
        First levels that do not learn.

    Returns
    -------
    PooledNetwork
        The caller's alone, until it is put back.
    """
    from membseg.networks import freeze_levels
    from membseg.training import compile_network

    new = build(config)
    entry = POOL.take(config, build)
    # A network of which other levels are frozen is left to the collector.
    if entry is None or (entry.compiled is not None and entry.compiled[2] != freeze_depth):
        entry = PooledNetwork(new, _key_of(config, build))
    else:
        # Weights, statistics of normalisation layers, states of random generators.
        for old, start in zip(entry.network.variables, new.variables, strict=True):
            old.assign(start)
    entry.loaded = None
    compiled = (loss, weight_decay, freeze_depth)
    if entry.compiled == compiled:
        # An optimizer starts from zeros. The learning rate is set before each step.
        for variable in entry.network.optimizer.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))
    else:
        freeze_levels(entry.network, freeze_depth)
        compile_network(entry.network, loss=loss, weight_decay=weight_decay)
        entry.compiled = compiled
    return entry


@contextmanager
def trained(
    config: dict[str, Any], build: Builder, weights: list[np.ndarray]
) -> Iterator[PooledNetwork]:
    """Lend a network with these weights; others of its process wait meanwhile.

    Parameters
    ----------
    config : dict
        Keyword arguments of the builder.
    build : callable
        From `config` to a Keras network.
    weights : list of ndarray
        Never changed in place by anybody: the list tells what a network holds.

    Yields
    ------
    PooledNetwork
        To predict with.
    """
    with KERAS_LOCK:
        entry = POOL.take(config, build)
        if entry is None:
            entry = PooledNetwork(build(config), _key_of(config, build))
        if entry.loaded is not weights:
            entry.network.set_weights(weights)
            entry.loaded = weights
        yield entry
        POOL.put_back(entry)


def _key_of(config: dict[str, Any], build: Builder) -> tuple[Builder, dict[str, Any]]:
    return build, {name: value for name, value in config.items() if name != "seed"}

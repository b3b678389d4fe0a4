"""Random streams that leave every global state alone."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError


def make_rng(random_state: Any) -> np.random.Generator:
    """Turn a `random_state` into a generator of its own.

    Parameters
    ----------
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None
        An integer gives the same stream each time; None a fresh one.

    Returns
    -------
    numpy.random.Generator
        The stream.

    Raises
    ------
    InvalidInputError
        If `random_state` is none of these.
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31 - 1))
    if random_state is None or isinstance(random_state, int | np.integer):
        return np.random.default_rng(random_state)
    raise InvalidInputError(
        "random_state must be None, an int, a numpy Generator or a numpy RandomState; got "
        f"{random_state!r}."
    )


@contextmanager
def python_seed(seed: int) -> Iterator[None]:
    """Seed Python's random state for a while, and put back what was there.

    Keras draws the seed of a layer from it where the layer is given none.

    Parameters
    ----------
    seed : int
        Any.

    Yields
    ------
    None
        Nothing.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)

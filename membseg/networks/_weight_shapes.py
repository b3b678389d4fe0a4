"""A network without the memory of its weights, to see what these would be."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras

try:
    from keras.src.backend.common import global_state
except ImportError:  # a later Keras may keep it elsewhere
    global_state = None

#: Where Keras notes variables that have no values yet, to make these when a scope ends.
_NOTES = "uninitialized_variables"


@contextmanager
def dry_network(build: Callable[[], Any]) -> Iterator[Any]:
    """Build a network whose weights have shapes and no values.

    Parameters
    ----------
    build : callable
        Gives the network.

    Yields
    ------
    keras.Model
        It cannot predict. Nothing of it may be kept.
    """
    if global_state is None:
        # Its weights take memory then; better than a file that cannot be loaded.
        yield build()
        return
    noted = list(global_state.get_global_attribute(_NOTES, []))
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield build()
    finally:
        # Otherwise the next scope of anybody would make the values after all.
        global_state.set_global_attribute(_NOTES, noted)

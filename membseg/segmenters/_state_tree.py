"""A state of nested dicts and lists, taken apart into a JSON document and arrays."""

import math
from typing import Any

import numpy as np

#: Keys that stand for what JSON cannot hold: the name of an array, a float that is not finite.
_ARRAY, _FLOAT = "array", "float"


def split_state(state: Any) -> tuple[Any, dict[str, np.ndarray]]:
    """Take the arrays out of a state.

    Parameters
    ----------
    state : object
        Of dicts with str keys, lists, str, int, float, bool, None, arrays and numpy's numbers.

    Returns
    -------
    document : object
        The same, with names in place of arrays; what JSON can hold.
    arrays : dict of str to ndarray
        The arrays by name.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.segmenters._state_tree import split_state
    >>> document, arrays = split_state({"step": 3, "weights": [np.zeros(2)]})
    >>> document
    {'step': 3, 'weights': [{'array': '0'}]}
    >>> list(arrays)
    ['0']
    """
    arrays: dict[str, np.ndarray] = {}
    return _split(state, arrays), arrays


def join_state(document: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Put the arrays back into a state.

    Parameters
    ----------
    document, arrays : object, dict of str to ndarray
        As :func:`split_state` gave them.

    Returns
    -------
    object
        The state.

    Raises
    ------
    KeyError
        If an array is missing.
    """
    if isinstance(document, list):
        return [join_state(part, arrays) for part in document]
    if not isinstance(document, dict):
        return document
    if set(document) == {_ARRAY}:
        return arrays[document[_ARRAY]]
    if set(document) == {_FLOAT}:
        return float(document[_FLOAT])
    return {name: join_state(part, arrays) for name, part in document.items()}


def _split(state: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(state, dict):
        return {name: _split(part, arrays) for name, part in state.items()}
    if isinstance(state, list):
        return [_split(part, arrays) for part in state]
    if isinstance(state, np.ndarray):
        name = str(len(arrays))
        arrays[name] = state
        return {_ARRAY: name}
    if isinstance(state, np.generic):
        state = state.item()
    if isinstance(state, float) and not math.isfinite(state):
        return {_FLOAT: repr(state)}
    return state

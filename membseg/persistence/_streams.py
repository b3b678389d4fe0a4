"""Random streams of numpy as plain numbers."""

from typing import Any

import numpy as np

#: The streams that a file may hold, by the name that numpy itself writes into their states.
_STREAMS = {
    "MT19937": np.random.MT19937,
    "PCG64": np.random.PCG64,
    "PCG64DXSM": np.random.PCG64DXSM,
    "Philox": np.random.Philox,
    "SFC64": np.random.SFC64,
}


def encode_stream(stream: np.random.Generator | np.random.RandomState) -> dict[str, Any] | None:
    """Give the state of a stream as JSON, or None where it is of an unknown kind."""
    legacy = isinstance(stream, np.random.RandomState)
    state: Any
    if isinstance(stream, np.random.RandomState):
        state = stream.get_state(legacy=False)
    else:
        state = stream.bit_generator.state
    if state["bit_generator"] not in _STREAMS:
        return None
    return {"type": "stream", "legacy": legacy, "state": _to_text(state)}


def decode_stream(data: dict[str, Any]) -> np.random.Generator | np.random.RandomState:
    """Make a stream that goes on where the encoded one was.

    Parameters
    ----------
    data : dict
        From :func:`encode_stream`.

    Returns
    -------
    Generator or RandomState
        The stream.

    Raises
    ------
    ValueError, TypeError, KeyError, OverflowError
        If `data` is something else.
    """
    state = _from_text(data["state"])
    generator = _STREAMS[state["bit_generator"]](0)
    if data["legacy"]:
        stream = np.random.RandomState(generator)
        stream.set_state(state)
        return stream
    generator.state = state
    return np.random.Generator(generator)


def _to_text(state: Any) -> Any:
    """Turn numbers of up to 128 bits, and arrays of them, into texts."""
    if isinstance(state, dict):
        return {name: _to_text(value) for name, value in state.items()}
    if isinstance(state, np.ndarray):
        return [str(value) for value in state.tolist()]
    if isinstance(state, float):
        return state
    return state if isinstance(state, str) else {"whole": str(int(state))}


def _from_text(state: Any) -> Any:
    if isinstance(state, list):
        return np.array([_whole(value) for value in state], dtype=np.uint64)
    if isinstance(state, dict):
        if set(state) == {"whole"}:
            return _whole(state["whole"])
        return {name: _from_text(value) for name, value in state.items()}
    return state


def _whole(text: str) -> int:
    if len(text) > 40:
        raise ValueError("a number of a random stream is too long")
    return int(text)

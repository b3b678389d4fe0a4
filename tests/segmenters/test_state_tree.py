"""A state is taken apart into JSON and arrays, and put together again."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from membseg.segmenters._state_tree import join_state, split_state

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**130), 2**130)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | arrays(np.float32, array_shapes(min_dims=0, max_side=3), elements=st.floats(width=32))
    | arrays(np.uint32, array_shapes(max_side=3))
)
NAMES = st.text(min_size=1, max_size=4).filter(lambda name: name not in ("array", "float"))
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
)


def same(one, other):
    if isinstance(one, np.ndarray):
        assert isinstance(other, np.ndarray)
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype == "f4")
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return type(one) is type(other) and one == other


@given(TREES)
def test_what_is_split_can_be_joined(state):
    document, found = split_state(state)
    text = json.dumps(document, allow_nan=False)
    assert same(join_state(json.loads(text), found), state)


def test_numbers_of_numpy_are_plain_and_those_that_json_lacks_survive():
    state = {"a": np.float32(0.5), "b": np.int64(3), "c": math.inf, "d": -math.inf, "e": math.nan}
    document, found = split_state(state)
    assert (document["a"], document["b"], found) == (0.5, 3, {})
    assert type(document["b"]) is int
    joined = join_state(json.loads(json.dumps(document, allow_nan=False)), found)
    assert (joined["c"], joined["d"]) == (math.inf, -math.inf)
    assert math.isnan(joined["e"])


def test_a_missing_array_is_a_key_error():
    with pytest.raises(KeyError, match="7"):
        join_state([{"array": "7"}], {})

"""Splits in blocks."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg.datasets import train_val_test_split
from membseg.exceptions import InvalidInputError, InvalidTypeError


def stack(n):
    return np.arange(n)[:, np.newaxis, np.newaxis] * np.ones((1, 3, 3), dtype=int)


def slices(part):
    return [int(image[0, 0]) for image in part]


def test_counted_by_hand():
    X = stack(12)
    parts = train_val_test_split(X, X * 10, val_size=3, test_size=2, gap=2)
    assert [slices(p) for p in parts[:3]] == [[0, 1, 2], [5, 6, 7], [10, 11]]
    assert [slices(p) for p in parts[3:]] == [[0, 10, 20], [50, 60, 70], [100, 110]]


def test_shares_take_at_least_one_slice():
    X = stack(10)
    parts = train_val_test_split(X, X, val_size=0.01, test_size=0.3, gap=0)
    assert [slices(p) for p in parts[:3]] == [[0, 1, 2, 3, 4, 5], [6], [7, 8, 9]]


def test_a_part_of_size_zero_takes_no_gap():
    X = stack(5)
    train, val, test, *_ = train_val_test_split(X, X, val_size=0, test_size=1)
    assert [slices(p) for p in (train, val, test)] == [[0, 1, 2], [], [4]]
    train, val, test, *_ = train_val_test_split(X, X, val_size=1, test_size=0)
    assert [slices(p) for p in (train, val, test)] == [[0, 1, 2], [4], []]


def test_each_group_is_split_by_itself():
    X = stack(10)
    groups = list("aaaaabbbbb")
    train, val, test, *_ = train_val_test_split(X, X, val_size=1, test_size=1, groups=groups)
    assert [slices(p) for p in (train, val, test)] == [[0, 5], [2, 7], [4, 9]]


def test_lists_stay_lists_of_the_same_objects_and_arrays_become_views():
    X = [np.full((3, 3 + i), i) for i in range(6)]
    names = np.array(list("uvwxyz"))
    parts = train_val_test_split(X, [image > 0 for image in X], names, val_size=1, test_size=1)
    assert isinstance(parts[0], list)
    assert parts[2][0] is X[5]
    assert ["".join(part) for part in parts[6:]] == ["uv", "x", "z"]
    assert all(np.shares_memory(part, names) for part in parts[6:])


@settings(max_examples=50, deadline=None)
@given(
    n=st.integers(1, 30), n_val=st.integers(0, 6), n_test=st.integers(0, 6), gap=st.integers(0, 3)
)
def test_parts_are_blocks_in_order_with_gaps(n, n_val, n_test, gap):
    X = stack(n)
    n_gaps = gap * ((n_val > 0) + (n_test > 0))
    if n < 1 + n_val + n_test + n_gaps:
        with pytest.raises(InvalidInputError, match="slices for 1 of training"):
            train_val_test_split(X, X, val_size=n_val, test_size=n_test, gap=gap)
        return
    found = train_val_test_split(X, X, val_size=n_val, test_size=n_test, gap=gap)[:3]
    assert [len(part) for part in found[1:]] == [n_val, n_test]
    used = [slices(part) for part in found if len(part)]
    assert sum(map(len, used)) == n - n_gaps
    for part in used:
        assert part == list(range(part[0], part[0] + len(part)))
    for before, after in pairwise(used):
        assert after[0] - before[-1] == gap + 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"val_size": 1.0},
            InvalidInputError,
            "val_size must be an int of 0 or more, or a float from 0 up to but less than 1; "
            "got 1.0.",
        ),
        ({"test_size": -1}, InvalidInputError, "test_size must be an int of 0 or more"),
        ({"test_size": "big"}, InvalidTypeError, "got 'big'. Give a number of slices or a share."),
        ({"gap": -1}, InvalidInputError, "gap must be an int of 0 or more; got -1."),
        ({"gap": 0.5}, InvalidTypeError, "gap must be an int of 0 or more; got 0.5."),
        (
            {"groups": [0, 1]},
            InvalidInputError,
            "groups must have one entry an image, shape (6,); got shape (2,).",
        ),
        (
            {"groups": [1, 1, 1, 1, 1, 2]},
            InvalidInputError,
            "group 2 must have at least 5 slices for 1 of training, 1 of validation "
            "(val_size=0.2), 1 of test (test_size=0.2) and 2 left out (gap=1); got 1.",
        ),
    ],
)
def test_refusals(arguments, error, message):
    X = stack(6)
    with pytest.raises(error, match=re.escape(message)):
        train_val_test_split(X, X, **arguments)


def test_unequal_lengths_are_refused():
    X = stack(6)
    with pytest.raises(InvalidInputError, match=re.escape("y must have one entry an image of X")):
        train_val_test_split(X, X[:5])
    with pytest.raises(InvalidInputError, match=re.escape("extra[0] must have one entry")):
        train_val_test_split(X, X, [1, 2])

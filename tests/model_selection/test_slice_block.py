"""Blocks of slices, their gaps, several stacks."""

import re

import numpy as np
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GridSearchCV, cross_validate

from membseg import SliceBlockKFold, ThresholdSegmenter, make_membranes
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.metrics import get_scorer


def as_lists(folds):
    return [(train.tolist(), test.tolist()) for train, test in folds]


def too_near(slice_, test, names, gap):
    """Whether a slice lies within the gap of a test slice of its own stack, counted one by one."""
    members = [i for i, name in enumerate(names) if name == names[slice_]]
    place = members.index(slice_)
    return any(i in test for i in members[max(0, place - gap) : place + gap + 1])


def test_counted_by_hand():
    assert as_lists(SliceBlockKFold(3, gap=1).split(np.zeros((7, 4, 4)))) == [
        ([4, 5, 6], [0, 1, 2]),
        ([0, 1, 6], [3, 4]),
        ([0, 1, 2, 3], [5, 6]),
    ]


def test_no_slice_is_left_out_between_two_stacks():
    folds = as_lists(SliceBlockKFold(2, gap=2).split(np.zeros(6), groups=list("aaabbb")))
    assert folds == [([3, 4, 5], [0, 1, 2]), ([0, 1, 2], [3, 4, 5])]


def test_a_block_may_hold_two_stacks_and_stacks_may_be_mixed():
    names = ["b", "a", "b", "a", "b", "a"]  # the row is 0 2 4 1 3 5
    folds = as_lists(SliceBlockKFold(3, gap=1).split(range(6), groups=names))
    assert folds == [([1, 3, 5], [0, 2]), ([0, 5], [1, 4]), ([0, 2, 4], [3, 5])]


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(st.sampled_from(["a", "b", 3]), min_size=2, max_size=24),
    n_splits=st.integers(2, 6),
    gap=st.integers(0, 4),
)
def test_every_slice_once_and_none_in_training_that_is_too_near(names, n_splits, gap):
    n = len(names)
    groups = np.array(names, dtype=object)
    if n < n_splits:
        return
    # The row of stacks, cut: what is far enough from each block, one by one.
    row = [i for name in dict.fromkeys(names) for i in range(n) if names[i] == name]
    tests = [sorted(part.tolist()) for part in np.array_split(row, n_splits)]
    trains = [
        [i for i in range(n) if i not in test and not too_near(i, test, names, gap)]
        for test in tests
    ]
    splitter = SliceBlockKFold(n_splits, gap)
    if not all(trains):
        with pytest.raises(InvalidInputError, match="is left without a training slice"):
            splitter.split(np.zeros((n, 2)), groups=groups)
        return
    folds = as_lists(splitter.split(np.zeros((n, 2)), groups=groups))
    assert folds == list(zip(trains, tests, strict=True))
    assert sorted(i for _, test in folds for i in test) == list(range(n))
    assert len(folds) == n_splits
    assert {len(test) for _, test in folds} <= {n // n_splits, -(-n // n_splits)}
    for test in tests:
        for name in set(names):  # what a fold tests of a stack has no holes
            places = [k for k, i in enumerate(np.flatnonzero(groups == name)) if i in test]
            assert places == list(range(places[0], places[-1] + 1)) if places else True


def test_a_huge_gap_is_cut_to_the_stack():
    folds = as_lists(SliceBlockKFold(2, gap=10**12).split(range(4), groups=[0, 0, 1, 1]))
    assert folds == [([2, 3], [0, 1]), ([0, 1], [2, 3])]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_splits": 1}, InvalidInputError, "n_splits must be an int of 2 or more; got 1. Give"),
        ({"n_splits": 2.0}, InvalidTypeError, "n_splits must be an int of 2 or more; got 2.0."),
        ({"n_splits": True}, InvalidTypeError, "n_splits must be an int of 2 or more; got True."),
        (
            {"gap": -1},
            InvalidInputError,
            "gap must be an int of 0 or more; got -1. Give 0 to leave no slice out.",
        ),
        ({"gap": "1"}, InvalidTypeError, "gap must be an int of 0 or more; got '1'."),
    ],
)
def test_wrong_parameters_are_refused_at_once(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        SliceBlockKFold(**arguments)


@pytest.mark.parametrize(
    ("splitter", "n_images", "groups", "message"),
    [
        (
            SliceBlockKFold(5),
            4,
            None,
            "n_splits must be at most the number of slices, 4; got 5. Lower n_splits, or give",
        ),
        (
            SliceBlockKFold(2, gap=1),
            4,
            [0, 1],
            "groups must have one entry an image, shape (4,); got shape (2,). Give the stack",
        ),
        (
            SliceBlockKFold(2),
            3,
            [0.0, np.nan, 0.0],
            "groups must name the stack of every slice; it holds NaN. Give those slices a name.",
        ),
        (
            SliceBlockKFold(2, gap=3),
            6,
            None,
            "Fold 0 is left without a training slice: of 6 slices 3 are its test part, and all "
            "others lie within gap=3 of them. Lower gap, raise n_splits",
        ),
    ],
)
def test_what_cannot_be_split_is_refused_before_the_first_fold(splitter, n_images, groups, message):
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        splitter.split(np.zeros((n_images, 2, 2)), groups=groups)


def test_it_is_a_splitter_to_scikit_learn():
    X, y = make_membranes(6, 32, 32, random_state=0)
    splitter = SliceBlockKFold(3, gap=1)
    assert splitter.get_n_splits(X, y) == 3
    assert repr(splitter) == "SliceBlockKFold(gap=1, n_splits=3)"
    found = cross_validate(
        ThresholdSegmenter(), X, y, cv=splitter, scoring=get_scorer("iou"), return_indices=True
    )
    assert [test.tolist() for test in found["indices"]["test"]] == [[0, 1], [2, 3], [4, 5]]
    search = GridSearchCV(ThresholdSegmenter(), {"sigma": [0, 1]}, cv=splitter)
    assert search.fit(X, y, groups=list("aabbcc")).n_splits_ == 3


def test_metadata_routing_brings_the_groups():
    X, y = make_membranes(6, 32, 32, random_state=0)
    with sklearn.config_context(enable_metadata_routing=True):
        # Fit takes groups too, and would have to say whether it wants them.
        segmenter = ThresholdSegmenter().set_fit_request(groups=False)
        found = cross_validate(
            segmenter,
            X,
            y,
            cv=SliceBlockKFold(3, gap=1),
            params={"groups": list("aabbcc")},
            return_indices=True,
        )
        renamed = SliceBlockKFold(3).set_split_request(groups="stacks")
        again = cross_validate(
            ThresholdSegmenter(), X, y, cv=renamed, params={"stacks": [0] * 6}, return_indices=True
        )
    assert found["indices"]["train"][0].tolist() == [2, 3, 4, 5]
    assert again["indices"]["train"][0].tolist() == [3, 4, 5]

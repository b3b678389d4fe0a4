"""Folds with alike shares of membrane."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, KFold, cross_val_score

from membseg import CoverageStratifiedKFold, ThresholdSegmenter, make_membranes
from membseg.exceptions import InvalidInputError, InvalidTypeError


def masks(fractions, side=10):
    """Masks with so many per cent of membrane."""
    y = np.zeros((len(fractions), side * side), dtype=int)
    for mask, fraction in zip(y, fractions, strict=True):
        mask[: round(fraction * side * side)] = 1
    return y.reshape(-1, side, side)


def spread(y, tests):
    return np.std([y[test].mean() for test in tests])


def parts_of(splitter, y, groups=None):
    return [test for _, test in splitter.split(y, y, groups)]


def test_a_trend_along_the_stack_is_balanced():
    y = masks(np.linspace(0.05, 0.6, 20))
    tests = parts_of(CoverageStratifiedKFold(5), y)
    assert spread(y, tests) < 0.01 < 0.1 < spread(y, [test for _, test in KFold(5).split(y)])
    assert [len(test) for test in tests] == [4] * 5


def test_groups_are_balanced():
    fractions = [0.1] * 4 + [0.6] * 4 + [0.15] * 4 + [0.5] * 4
    groups = np.repeat(list("wxyz"), 4)
    y = masks(fractions)
    tests = parts_of(CoverageStratifiedKFold(2), y, groups)
    assert [sorted(set(groups[test])) for test in tests] == [["w", "x"], ["y", "z"]]
    assert spread(y, tests) < spread(y, [test for _, test in GroupKFold(2).split(y, y, groups)])


def test_sizes_of_groups_are_balanced_too():
    groups = np.repeat([0, 1, 2, 3], [6, 2, 2, 2])
    y = masks([0.2] * 12)
    assert sorted(len(test) for test in parts_of(CoverageStratifiedKFold(2), y, groups)) == [6, 6]


def test_nothing_is_left_out_beside_a_group():
    y = masks([0.2] * 6)
    folds = CoverageStratifiedKFold(3, gap=2).split(y, y, [0, 0, 1, 1, 2, 2])
    assert all(len(train) == 4 for train, _ in folds)


def split_or_reason(splitter, y):
    """The folds and no reason, or no folds and the reason."""
    try:
        return list(splitter.split(y, y)), ""
    except InvalidInputError as error:
        return [], str(error)


@settings(max_examples=40, deadline=None)
@given(
    fractions=st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.5, 1.0]), min_size=4, max_size=30),
    n_splits=st.integers(2, 4),
    block=st.one_of(st.just("auto"), st.integers(2, 5)),
    gap=st.integers(0, 2),
)
def test_blocks(fractions, n_splits, block, gap):
    y, n = masks(fractions), len(fractions)
    splitter = CoverageStratifiedKFold(n_splits, block=block, gap=gap)
    folds, reason = split_or_reason(splitter, y)
    if n < n_splits * (2 if block == "auto" else block):
        assert "must hold at least" in reason
        return
    if not folds:
        assert "left without a training slice" in reason
        assert gap > 0
        return
    assert sorted(i for _, test in folds for i in test) == list(range(n))
    fold_of = np.empty(n, dtype=int)
    for k, (train, test) in enumerate(folds):
        fold_of[test] = k
        near = {j for i in test for j in range(i - gap, i + gap + 1)}
        assert train.tolist() == [i for i in range(n) if i not in near]
    # No run of test slices is shorter than a block, and so none is a single slice.
    cuts = np.flatnonzero(np.diff(fold_of)) + 1
    assert min(np.diff([0, *cuts, n])) >= (2 if block == "auto" else block)
    # Never less balanced than contiguous runs of the same blocks.
    n_blocks = n // block if block != "auto" else n_splits * (2 if n >= 4 * n_splits else 1)
    blocks = np.array_split(np.arange(n), n_blocks)
    bounds = np.array_split(np.arange(n_blocks), n_splits)
    runs = [np.concatenate([blocks[b] for b in run]) for run in bounds]
    assert spread(y, [test for _, test in folds]) <= spread(y, runs) + 1e-12


@settings(max_examples=40, deadline=None)
@given(
    data=st.lists(
        st.tuples(st.sampled_from("abcde"), st.sampled_from([0.0, 0.3, 0.9])),
        min_size=3,
        max_size=20,
    ),
    n_splits=st.integers(2, 4),
)
def test_groups_are_never_split_and_no_fold_is_empty(data, n_splits):
    groups = np.array([name for name, _ in data])
    y = masks([fraction for _, fraction in data])
    if len(set(groups)) < n_splits:
        with pytest.raises(InvalidInputError, match="since none is split"):
            CoverageStratifiedKFold(n_splits).split(y, y, groups)
        return
    folds = list(CoverageStratifiedKFold(n_splits).split(y, y, groups))
    assert sorted(i for _, test in folds for i in test) == list(range(len(y)))
    for train, test in folds:
        assert len(test)
        assert not set(groups[train]) & set(groups[test])
        assert len(train) + len(test) == len(y)


def test_polarity_makes_no_difference_and_unlabelled_pixels_do_not_count():
    y = masks(np.linspace(0.05, 0.6, 16))
    expected = [test.tolist() for test in parts_of(CoverageStratifiedKFold(4), y)]
    assert [t.tolist() for t in parts_of(CoverageStratifiedKFold(4), 255 * (1 - y))] == expected
    wide = np.concatenate([y, np.full_like(y, 7)], axis=2)
    ignoring = CoverageStratifiedKFold(4, ignore_label=7)
    assert [test.tolist() for test in parts_of(ignoring, wide)] == expected


def test_lists_of_masks_of_different_sizes():
    y = [masks([f], side)[0] for f, side in [(0.1, 8), (0.5, 12), (0.2, 10), (0.4, 9)]]
    folds = list(CoverageStratifiedKFold(2, gap=0).split(y, y))
    assert sorted(i for _, test in folds for i in test) == [0, 1, 2, 3]


def test_it_is_a_splitter_to_scikit_learn():
    X, y = make_membranes(8, 32, 32, random_state=0)
    splitter = CoverageStratifiedKFold(2)
    assert splitter.get_n_splits() == 2
    assert len(cross_val_score(ThresholdSegmenter(), X, y, cv=splitter)) == 2
    groups = [0, 0, 1, 1, 2, 2, 3, 3]
    assert len(cross_val_score(ThresholdSegmenter(), X, y, cv=splitter, groups=groups)) == 2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_splits": 1}, InvalidInputError, "n_splits must be an int of 2 or more; got 1. Give"),
        (
            {"block": 1},
            InvalidInputError,
            "block must be an int of 2 or more; got 1. Give the length of a block in slices, or "
            "'auto'.",
        ),
        ({"block": "long"}, InvalidTypeError, "block must be an int of 2 or more; got 'long'."),
        ({"gap": -2}, InvalidInputError, "gap must be an int of 0 or more; got -2. Give 0"),
    ],
)
def test_wrong_parameters_are_refused_at_once(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        CoverageStratifiedKFold(**arguments)


@pytest.mark.parametrize(
    ("splitter", "y", "groups", "message"),
    [
        (CoverageStratifiedKFold(2), None, None, "y must hold one mask an image"),
        (
            CoverageStratifiedKFold(2),
            masks([0.2] * 5),
            None,
            "y must hold one mask an image of X; got 5 for 6 images. Give both the same length.",
        ),
        (
            CoverageStratifiedKFold(4),
            masks([0.2] * 6),
            None,
            "X must hold at least 8 slices for n_splits=4 blocks of 2 slices; got 6. Lower "
            "n_splits, or give groups.",
        ),
        (
            CoverageStratifiedKFold(2, block=4),
            masks([0.2] * 6),
            None,
            "X must hold at least 8 slices for n_splits=2 blocks of 4 slices; got 6. Lower "
            "n_splits, or block.",
        ),
        (
            CoverageStratifiedKFold(3),
            masks([0.2] * 6),
            [0, 0, 0, 1, 1, 1],
            "groups must hold at least n_splits=3 groups, since none is split; got 2. Lower "
            "n_splits, or leave groups out",
        ),
        (CoverageStratifiedKFold(2), masks([0.2] * 6), [0, 1], "groups must have one entry"),
        (
            CoverageStratifiedKFold(2, gap=5),
            masks([0.2] * 6),
            None,
            "Fold 0 is left without a training slice",
        ),
    ],
)
def test_what_cannot_be_split_is_refused(splitter, y, groups, message):
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        splitter.split(np.zeros((6, 10, 10)), y, groups)

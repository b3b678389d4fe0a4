"""Neighbours and copies on both sides of a split."""

import re
import warnings

import imageio.v3 as iio
import numpy as np
import pytest
from sklearn.model_selection import KFold

from membseg import (
    SliceBlockKFold,
    ThresholdSegmenter,
    compare_segmenters,
    cross_val_predict_proba,
    make_membranes,
)
from membseg.exceptions import DataWarning, InvalidInputError
from membseg.model_selection import check_split_leaks

SHUFFLED = KFold(5, shuffle=True, random_state=0)


@pytest.fixture(scope="module")
def stack():
    """Ten slices whose neighbours are alike, and their masks."""
    return make_membranes(10, 64, 64, continuity=0.8, random_state=0)


def test_a_shuffled_split_of_consecutive_slices_leaks_and_blocks_with_a_gap_do_not(stack):
    leaks = check_split_leaks(stack[0], cv=SHUFFLED)
    assert {leak.kind for leak in leaks} == {"neighbours"}
    folds = [(set(train.tolist()), set(test.tolist())) for train, test in SHUFFLED.split(stack[0])]
    for leak in leaks:
        assert abs(leak.train - leak.test) == 1
        assert leak.train in folds[leak.fold][0]
        assert leak.test in folds[leak.fold][1]
        assert leak.correlation > leak.usual
    correlations = [leak.correlation for leak in leaks]
    assert correlations == sorted(correlations, reverse=True)
    assert check_split_leaks(stack[0], cv=SliceBlockKFold(5, gap=1)) == []
    assert check_split_leaks(stack[0], cv=5) == []


def test_blocks_that_touch_leak_at_their_cuts_only(stack):
    pairs = {(leak.train, leak.test) for leak in check_split_leaks(stack[0], cv=KFold(2))}
    assert pairs == {(4, 5), (5, 4)}


def test_independent_slices_do_not_leak():
    n_found = 0
    for seed in range(8):
        X, _ = make_membranes(10, 48, 48, continuity=0, random_state=seed)
        n_found += bool(check_split_leaks(X, cv=SHUFFLED))
    assert n_found <= 1


def test_neighbours_are_those_of_a_stack(stack):
    X, _ = stack
    # Two stacks, slice by slice in turns: 0 2 4 ... and 1 3 5 ...
    mixed = np.empty((10, 64, 64))
    mixed[0::2], mixed[1::2] = X[:5], make_membranes(5, 64, 64, continuity=0.8, random_state=9)[0]
    groups = np.arange(10) % 2
    leaks = check_split_leaks(mixed, cv=SHUFFLED, groups=groups)
    assert leaks
    assert all(abs(leak.train - leak.test) == 2 for leak in leaks)
    assert check_split_leaks(mixed, cv=SliceBlockKFold(5, gap=1), groups=groups) == []


def test_copies_are_found_at_any_distance_also_turned():
    X, _ = make_membranes(6, 64, 64, continuity=0, random_state=3)
    X[5] = np.rot90(X[0])
    leaks = check_split_leaks(X, cv=SliceBlockKFold(3, gap=1))
    assert [(leak.kind, leak.fold, leak.train, leak.test) for leak in leaks] == [
        ("copies", 0, 5, 0),
        ("copies", 2, 0, 5),
    ]


def test_black_images_and_tiny_stacks_say_nothing():
    assert check_split_leaks(np.zeros((8, 32, 32)), cv=KFold(4)) == []
    X, _ = make_membranes(2, 32, 32, continuity=0.9, random_state=0)
    leaks = check_split_leaks(X, cv=[([0], [1])])
    assert leaks == []


def test_lists_of_large_images_and_masks_as_folds(stack):
    larger = [np.ones((5, 5)), np.ones((5, 6))]
    X = [np.kron(image, larger[i % 2])[..., np.newaxis] for i, image in enumerate(stack[0])]
    test = np.arange(10) == 4
    pairs = {(leak.train, leak.test) for leak in check_split_leaks(X, cv=[(~test, test)])}
    assert pairs == {(3, 4), (5, 4)}


def test_our_tools_warn_at_the_users_line(stack):
    X, y = stack
    with pytest.warns(DataWarning) as caught:
        cross_val_predict_proba(ThresholdSegmenter(), X, y, cv=SHUFFLED)
    assert [warning.filename for warning in caught] == [__file__]
    text = str(caught[0].message)
    first = check_split_leaks(X, cv=SHUFFLED)[0]
    assert f"X[{first.train}] in training and X[{first.test}] in test, correlation" in text
    assert "cv leaks in 5 of 5 folds, and scores will be too good" in text
    assert "Use cv=SliceBlockKFold(n_splits=5, gap=1), with groups for several stacks." in text
    folds = list(SHUFFLED.split(X))
    with pytest.warns(DataWarning, match=re.escape("gap=1) with groups.")):
        compare_segmenters(
            {"a": ThresholdSegmenter()}, X, y, cv=folds, scoring="iou", groups=[0] * 10
        )


def test_our_tools_warn_of_copies():
    X, y = make_membranes(6, 64, 64, continuity=0, random_state=3)
    X[5] = X[0]
    message = (
        "slices of training parts are nearly the same as test slices, perhaps turned or mirrored, "
        "in 2 pair(s); first of all X[5] in training and X[0] in test. Leave one of each out"
    )
    with pytest.warns(DataWarning, match=re.escape(message)):
        cross_val_predict_proba(ThresholdSegmenter(), X, y, cv=3)


def test_blocks_with_a_gap_do_not_warn(stack):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cross_val_predict_proba(ThresholdSegmenter(), *stack)


def test_what_cannot_be_split_is_refused(stack):
    with pytest.raises(InvalidInputError, match="groups must have one entry an image"):
        check_split_leaks(stack[0], cv=3, groups=[0])
    with pytest.raises(
        InvalidInputError, match=re.escape("For a single image write X[np.newaxis]")
    ):
        check_split_leaks(stack[0][0], cv=3)


def test_real_slices(shared_data):
    # 19 is left out and 20 to 24 are the test slices of the benchmarks.
    files = sorted((shared_data / "isbi2012" / "image").glob("*.png"))[:19]
    X = np.stack([iio.imread(file) for file in files])
    assert len(X) == 19
    assert len(check_split_leaks(X, cv=SHUFFLED)) > 20
    for gap in (1, 2):
        assert check_split_leaks(X, cv=SliceBlockKFold(5, gap=gap)) == []

"""Folds of pixels never cut an image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from membseg import ImageKFold, SliceBlockKFold, as_pixels
from membseg.exceptions import InvalidInputError, InvalidTypeError


def pixels_of(n_images, side=3):
    y = np.eye(side, dtype=int)[np.newaxis].repeat(n_images, axis=0)
    return as_pixels(np.zeros((n_images, side, side)), y)[0]


@given(n_images=st.integers(4, 9), n_splits=st.integers(2, 4), gap=st.integers(0, 1))
def test_folds_are_those_of_the_images(n_images, n_splits, gap):
    Xp = pixels_of(n_images)
    images = SliceBlockKFold(n_splits, gap).split(range(n_images))
    folds = list(ImageKFold(n_splits, gap).split(Xp))
    assert len(folds) == ImageKFold(n_splits, gap).get_n_splits() == n_splits
    for (train, test), (train_images, test_images) in zip(folds, images, strict=True):
        for rows, wanted in ((train, train_images), (test, test_images)):
            found, counts = np.unique(Xp.image_numbers[rows], return_counts=True)
            assert found.tolist() == wanted.tolist()
            assert set(counts) == {9}


def test_a_part_of_a_stack_is_split_by_its_own_images():
    Xp = pixels_of(6)
    part = Xp[np.isin(Xp.image_numbers, (1, 2, 5))]
    tests = [set(part.image_numbers[test]) for _, test in ImageKFold(3).split(part)]
    assert tests == [{1}, {2}, {5}]


def test_groups_are_stacks():
    Xp = pixels_of(4)
    groups = Xp.image_numbers // 2
    # Nothing is left out where one stack ends and another begins.
    train, test = next(ImageKFold(2, gap=1).split(Xp, groups=groups))
    assert set(Xp.image_numbers[test]) == {0, 1}
    assert set(Xp.image_numbers[train]) == {2, 3}
    train, _ = next(ImageKFold(2, gap=1).split(Xp))
    assert set(Xp.image_numbers[train]) == {3}


def test_bad_input():
    with pytest.raises(InvalidTypeError, match="For images use SliceBlockKFold"):
        ImageKFold(2).split(np.zeros((4, 3, 3)))
    with pytest.raises(InvalidInputError, match="n_splits must be at most the number of slices, 2"):
        list(ImageKFold(3).split(pixels_of(2)))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        list(ImageKFold(2).split(pixels_of(2), groups=[0, 1]))
    with pytest.raises(InvalidInputError, match="n_splits"):
        ImageKFold(1)

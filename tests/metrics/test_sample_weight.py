"""Weights of images and of pixels are judged in one place."""

import re

import numpy as np
import pytest

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.utils import check_sample_weight

SIZES = [(2, 3), (2, 3)]


def test_none_stays_none():
    assert check_sample_weight(None, SIZES) is None


@pytest.mark.parametrize("weight", [[1, 2.5], (1, 2.5), np.array([1, 2.5])])
def test_weights_of_images(weight):
    result = check_sample_weight(weight, SIZES)
    assert result == [1.0, 2.5]
    assert all(type(w) is float for w in result)


def test_weights_of_pixels_from_stack_and_list():
    stack = np.arange(12).reshape(2, 2, 3)
    for given in (stack, list(stack), stack.tolist()):
        result = check_sample_weight(given, SIZES)
        np.testing.assert_array_equal(np.stack(result), stack)
        assert all(w.dtype == np.float64 for w in result)


def test_float_maps_are_not_copied():
    stack = np.ones((2, 2, 3), np.float32)
    assert np.shares_memory(check_sample_weight(stack, SIZES)[0], stack)


def test_maps_of_different_sizes():
    sizes = [(2, 3), (4, 1)]
    result = check_sample_weight([np.ones(s) for s in sizes], sizes)
    assert [w.shape for w in result] == sizes


@pytest.mark.parametrize(
    ("weight", "error", "message"),
    [
        (1.0, InvalidInputError, "must have shape (n_images,) or (n_images, height, width); got"),
        (np.ones((2, 3)), InvalidInputError, "got shape (2, 3)"),
        ([1, 1, 1], InvalidInputError, "an image; got 3 for 2 images"),
        (np.ones((2, 3, 2)), InvalidInputError, "of its image, (2, 3); got shape (3, 2)"),
        (["a", "b"], InvalidTypeError, "sample_weight[0] must hold real numbers; got dtype <U1"),
        ([1, np.nan], InvalidInputError, "sample_weight[1] must be finite"),
        ([np.inf, 1], InvalidInputError, "sample_weight[0] must be finite"),
        ([1, -2], InvalidInputError, "must not be negative; its smallest weight is -2"),
        ([0, 0], InvalidInputError, "at least one positive weight; every weight is zero"),
        ([1e308, 1e308], InvalidInputError, "must have a finite sum"),
        ([1.0, np.ones((2, 3))], InvalidInputError, "got both. Turn the numbers into maps"),
    ],
)
def test_refused(weight, error, message):
    with pytest.raises(error, match=re.escape(message)):
        check_sample_weight(weight, SIZES)


def test_the_name_is_the_callers():
    with pytest.raises(InvalidInputError, match=re.escape("w must hold one weight")):
        check_sample_weight([1], SIZES, name="w")

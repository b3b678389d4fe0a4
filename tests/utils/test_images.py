"""The judge of images: what is taken, what is refused, and with which sentence."""

import re

import numpy as np
import pytest

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.utils import check_images


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, np.uint16, np.float32, np.float64])
def test_stacks_become_channels_last_views(dtype):
    X = np.zeros((2, 20, 30), dtype=dtype)
    stack = check_images(X)
    assert stack.sizes == [(20, 30), (20, 30)]
    assert stack.n_channels == 1
    assert not stack.as_list
    assert all(np.shares_memory(image, X) for image in stack.images)


def test_lists_of_different_sizes():
    stack = check_images([np.zeros((4, 5)), np.zeros((6, 7, 1))])
    assert stack.as_list
    assert stack.sizes == [(4, 5), (6, 7)]


def test_colour_stacks_keep_their_channels():
    assert check_images(np.zeros((2, 20, 30, 3))).n_channels == 3


WANTED = "X must have shape (n_images, height, width) or (n_images, height, width, channels)"


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (
            np.zeros((8, 9)),
            f"{WANTED}; got one 2-D image of shape (8, 9). For a single image write X[np.newaxis].",
        ),
        (np.zeros(5), f"{WANTED}; got shape (5,)."),
        (np.zeros((1, 1, 2, 3, 4)), f"{WANTED}; got shape (1, 1, 2, 3, 4)."),
        (np.zeros((0, 8, 9)), "X must hold at least one image with pixels; got shape (0, 8, 9)."),
        (
            np.zeros((64, 64, 3)),
            "shape (64, 64, 3) looks like a single image with 3 channel(s). Write X[np.newaxis].",
        ),
        (
            np.zeros((2, 3, 64, 64)),
            "shape (2, 3, 64, 64) looks channels-first. Write np.moveaxis(X, 1, -1).",
        ),
        ([], "X must hold at least one image; got an empty list."),
        (
            [np.zeros(3)],
            "Each image in the list X must have shape (height, width) or (height, "
            "width, channels) and pixels; X[0] has shape (3,).",
        ),
        (
            [np.zeros((3, 20, 30))],
            "X[0] must have its channels last; shape (3, 20, 30) looks "
            "channels-first. Write np.moveaxis(X[0], 0, -1).",
        ),
        (
            [np.zeros((9, 9)), np.zeros((9, 9, 3))],
            "All images of X must have the same number of "
            "channels; got [1, 3]. Convert them to one colour mode first.",
        ),
    ],
)
def test_wrong_shapes_are_refused(X, message):
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        check_images(X)


@pytest.mark.parametrize("dtype", [complex, object, "U3"])
def test_wrong_dtypes_are_refused(dtype):
    message = "X must hold real numbers (bool, integer or float); got dtype"
    with pytest.raises(InvalidTypeError, match=re.escape(message)):
        check_images(np.zeros((1, 8, 8)).astype(dtype))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_counted(bad):
    X = np.zeros((2, 8, 8))
    X[1, 3, :2] = bad
    message = "X[1] must be finite; 2 of its 64 values are NaN or infinite."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        check_images(X)
    assert len(check_images(X, finite=False)) == 2


def test_large_finite_values_are_fine():
    assert len(check_images(np.full((1, 8, 8), 1e308))) == 1


def test_number_of_channels_as_in_fit():
    message = "X must have 1 channel(s), as in fit; got 3 (first image of shape (20, 20, 3))."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        check_images(np.zeros((1, 20, 20, 3)), n_channels=1)

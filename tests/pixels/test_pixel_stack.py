"""Pixels as rows: the same as an explicit table of (image, pixel), without a copy of any."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from membseg import as_pixels
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.pixels import PixelStack

SIZES = [(2, 3), (4, 2), (1, 5)]
IMAGES = [np.arange(h * w, dtype=float).reshape(h, w, 1) for h, w in SIZES]


def table_of(stack):
    """Give the (image, pixel) of each row, from what `parts` says."""
    rows = np.full((len(stack), 2), -1)
    for number, pixels, where in stack.parts():
        height, width = stack.image(number).shape[:2]
        rows[where, 0] = number
        rows[where, 1] = np.arange(height * width)[pixels]
    return rows


def full_table(masks):
    """Give (image, pixel) of all labelled pixels, by counting."""
    return np.array(
        [(k, p) for k, mask in enumerate(masks) for p in range(mask.size) if mask.flat[p]]
    )


@st.composite
def labelled_masks(draw):
    masks = [
        np.array(draw(st.lists(st.booleans(), min_size=h * w, max_size=h * w))) for h, w in SIZES
    ]
    masks[0][0] = True  # one pixel at least
    return masks


def stack_of(masks):
    return PixelStack(IMAGES, [None if mask.all() else np.flatnonzero(mask) for mask in masks])


def keys_for(n):
    """Rows in any order, masks, slices: of n rows, one at least."""
    return st.one_of(
        st.lists(st.integers(-n, n - 1), min_size=1, max_size=12).map(np.array),
        st.lists(st.booleans(), min_size=n, max_size=n).map(np.array).filter(np.any),
        st.slices(n).filter(lambda s: len(range(*s.indices(n))) > 0),
    )


@given(masks=labelled_masks(), data=st.data())
def test_any_chain_of_selections_equals_that_of_a_table(masks, data):
    stack, table = stack_of(masks), full_table(masks)
    np.testing.assert_array_equal(table_of(stack), table)
    for _ in range(3):
        key = data.draw(keys_for(len(table)))
        stack, table = stack[key], table[key]
        np.testing.assert_array_equal(table_of(stack), table)
        np.testing.assert_array_equal(stack.image_numbers, table[:, 0])
        assert stack.shape == (len(table), 1)


@given(order=st.lists(st.integers(0, 2), min_size=1, max_size=5))
def test_whole_images_are_kept_by_their_number(order):
    stack = PixelStack(IMAGES)
    starts = np.cumsum([0, *(h * w for h, w in SIZES)])
    rows = np.concatenate([np.arange(starts[k], starts[k + 1]) for k in order])
    part = stack[rows]
    assert len(pickle.dumps(part)) < len(pickle.dumps(stack)) + 100
    assert [number for number, _, _ in part.parts()] == order
    assert all(isinstance(pixels, slice) for _, pixels, _ in part.parts())


def test_the_images_are_the_callers_own():
    X = np.zeros((2, 4, 4), dtype=np.uint8)
    stack, _ = as_pixels(X, np.eye(4, dtype=int)[np.newaxis].repeat(2, axis=0))
    assert all(np.shares_memory(stack[[3, 17]].image(k), X) for k in (0, 1))


def test_pixels_without_a_label_are_left_out():
    y = np.array([[[0, 1, -1], [1, -1, 0]], [[-1, -1, -1], [0, 0, 1]]])
    stack, labels = as_pixels(np.zeros((2, 2, 3)), y)
    assert table_of(stack).tolist() == [
        [0, 0], [0, 1], [0, 3], [0, 5], [1, 3], [1, 4], [1, 5],
    ]  # fmt: skip
    assert labels.tolist() == [0, 1, 1, 0, 0, 0, 1]
    assert labels.dtype == np.int64


def test_membrane_is_one_whatever_its_value():
    y = np.array([[[0, 255], [255, 255]]])
    X = np.zeros((1, 2, 2))
    assert as_pixels(X, y)[1].tolist() == [0, 1, 1, 1]
    assert as_pixels(X, y, membrane_label=0)[1].tolist() == [1, 0, 0, 0]
    marked = as_pixels(X, np.array([[[7, 3], [5, 5]]]), membrane_label=3, ignore_label=7)
    assert marked[1].tolist() == [1, 0, 0]


def test_lists_of_images_of_several_sizes_and_channels():
    X = [np.zeros((3, 4, 2)), np.zeros((5, 2, 2))]
    stack, labels = as_pixels(X, [np.eye(3, 4), np.eye(5, 2)])
    assert stack.shape == (22, 2)
    assert labels.sum() == 5
    assert repr(stack) == "PixelStack(22 pixels of 2 images)"
    assert repr(stack[:1]) == "PixelStack(1 pixels of 1 image)"


def test_sizes_must_agree():
    with pytest.raises(InvalidInputError, match="X and y must agree in height and width"):
        as_pixels(np.zeros((1, 4, 4)), np.eye(5)[np.newaxis])


@pytest.mark.parametrize("key", [3, "a", np.zeros((2, 2), int), np.array([0.5]), np.array([True])])
def test_keys_that_are_no_rows(key):
    with pytest.raises(InvalidTypeError, match="takes a slice, a mask of its length, or an array"):
        PixelStack(IMAGES)[key]


@pytest.mark.parametrize("key", [[0, 19], [-20]])
def test_rows_beyond_the_end(key):
    with pytest.raises(InvalidInputError, match="must lie in a stack of 19 pixels"):
        PixelStack(IMAGES)[key]


def test_it_is_no_table_of_numbers():
    stack = PixelStack(IMAGES)
    with pytest.raises(InvalidTypeError, match=r"Give segmenter\.as_pixel_classifier\(\)"):
        np.asarray(stack)
    with pytest.raises(InvalidTypeError, match="a classifier of tables, cannot take it"):
        LogisticRegression().fit(stack, np.arange(19) % 2)
    with pytest.raises(TypeError, match="not iterable"):
        iter(stack)

"""The judge of masks: polarity, ignored pixels, and everything that is no mask."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.utils import IGNORED, check_same_sizes, encode_masks

MASK = np.array([[[0, 1], [1, 0]]], dtype=np.uint8)


@given(
    arrays(bool, (2, 3, 4)),
    st.sampled_from([(0, 1), (0, 255), (7, 3), (-1, 1), (False, True), (0.0, 1.0)]),
)
def test_any_two_values_and_either_polarity(membrane, values):
    cell, border = values
    y = np.where(membrane, border, cell)
    encoded = encode_masks(y, membrane_label=border)
    np.testing.assert_array_equal(encoded.masks, membrane.astype(np.uint8))
    if membrane.any() and not membrane.all():
        assert encoded.classes.tolist() == [cell, border]
        assert encoded.classes.dtype == y.dtype


def test_the_larger_value_is_membrane_by_default():
    assert encode_masks(MASK * 255).classes.tolist() == [0, 255]
    assert encode_masks(MASK.astype(bool)).classes.tolist() == [False, True]


def test_minus_one_is_ignored_in_signed_integers_with_two_other_values():
    y = MASK.astype(np.int8)
    y[0, 0, 0] = -1
    y[0, 1, 1] = 0
    encoded = encode_masks(y)
    assert encoded.ignore_label == -1
    assert encoded.masks[0].tolist() == [[IGNORED, 1], [1, 0]]
    assert encode_masks(np.where(MASK == 1, 1, -1)).ignore_label is None


def test_minus_one_is_ignored_in_a_fold_that_lacks_a_class():
    y = np.array([[[0, -1]]], dtype=np.int8)
    assert encode_masks(y, classes=np.array([0, 1])).masks[0].tolist() == [[0, IGNORED]]
    assert encode_masks(y, classes=np.array([-1, 0])).masks[0].tolist() == [[1, 0]]


def test_ignore_label_is_the_callers_choice():
    y = np.array([[[0, 1], [9, 0]]])
    assert encode_masks(y, ignore_label=9).masks[0].tolist() == [[0, 1], [IGNORED, 0]]


def test_one_value_is_told_by_zero_or_by_the_label():
    assert encode_masks(np.full((1, 2, 2), 255)).masks[0].tolist() == [[1, 1], [1, 1]]
    assert encode_masks(np.zeros((1, 2, 2))).masks[0].tolist() == [[0, 0], [0, 0]]
    only_cell = encode_masks(np.full((1, 2, 2), 255), membrane_label=0)
    assert only_cell.masks[0].tolist() == [[0, 0], [0, 0]]


def test_membrane_fraction_leaves_ignored_pixels_out():
    y = np.array([[[0, 1], [1, 9]]])
    assert encode_masks(y, ignore_label=9).membrane_fraction == pytest.approx(2 / 3)


def test_lists_and_trailing_channel():
    encoded = encode_masks([np.zeros((2, 3)), np.ones((4, 5))])
    assert encoded.as_list
    assert [m.shape for m in encoded.masks] == [(2, 3), (4, 5)]
    assert encode_masks(MASK[..., None]).masks[0].shape == (2, 2)


def test_lists_of_masks_with_a_trailing_channel_or_of_several_dtypes():
    assert encode_masks([MASK[0][..., None]]).masks[0].shape == (2, 2)
    mixed = encode_masks([np.zeros((2, 2), np.uint8), np.full((2, 2), 300, np.int16)])
    assert mixed.classes.tolist() == [0, 300]


SOFT = np.array([[[0, 0.25], [0.5, 1.0]]])


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        (None, {}, "requires y to be passed, but the target y is None"),
        ([], {}, "y must hold at least one mask; got an empty list."),
        (
            MASK[0],
            {},
            "y must have shape (n_images, height, width) and pixels; got shape (2, 2). "
            "For a single mask write y[np.newaxis].",
        ),
        (
            np.zeros((2, 2, 2, 3)),
            {},
            "y must have shape (n_images, height, width) and pixels; got shape (2, 2, 2, 3).",
        ),
        (
            [np.zeros((2, 2, 2))],
            {},
            "Each mask of y[0] must have shape (height, width) and pixels; got shape (2, 2, 2).",
        ),
        (
            np.array([[[0, 1], [2, 0]]]),
            {},
            "y must hold two values, cell and membrane; got 3: "
            "[0, 1, 2]. If one of them marks unlabelled pixels, pass it as ignore_label; otherwise "
            "merge two of them, e.g. y == 2.",
        ),
        (
            SOFT,
            {},
            "got 4: [0, 0.25, 0.5, 1]. This looks like a soft or interpolated mask: "
            "threshold it, e.g. y > 0.5.",
        ),
        (
            np.array([[[0, 3], [250, 255]]], np.uint8),
            {},
            "This looks like an interpolated or "
            "JPEG-compressed 0/255 mask: threshold it, e.g. y > 127.",
        ),
        (
            np.arange(9).reshape(1, 3, 3),
            {},
            "got 9: [0, 1, 2, 3, 4, 5, ...]. This looks like cell "
            "ids: turn them into a membrane mask, e.g. with skimage.segmentation.find_boundaries",
        ),
        (
            np.array([[[0, np.nan]]]),
            {},
            "y must be finite; it holds NaN or infinite values. Mark "
            "unlabelled pixels with a number of your choice and pass it as ignore_label.",
        ),
        (
            MASK,
            {"membrane_label": 5},
            "membrane_label must be one of the values in y, [0, 1]; got 5.",
        ),
        (
            MASK * 0 + 9,
            {"ignore_label": 9},
            "y must hold labelled pixels; every pixel has the ignore_label (9).",
        ),
        (
            MASK * 0,
            {"two_classes": True},
            "y must hold two classes, cell and membrane; every "
            "labelled pixel is 0. Check the mask files, or give slices that show both.",
        ),
        (
            MASK,
            {"classes": np.array([0, 255])},
            "y must hold only the values seen in fit, [0, 255] (and ignore_label); got [1] too.",
        ),
    ],
)
def test_what_is_no_mask_is_refused(y, options, message):
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        encode_masks(y, **options)


def test_everything_ignored_with_known_classes_is_refused_where_both_are_needed():
    with pytest.raises(InvalidInputError, match="every pixel has the ignore_label"):
        encode_masks(MASK * 0 + 9, ignore_label=9, classes=np.array([0, 1]), two_classes=True)


@pytest.mark.parametrize("dtype", [complex, object])
def test_wrong_dtypes_are_refused(dtype):
    with pytest.raises(InvalidTypeError, match="must hold masks as bool, integers or floats"):
        encode_masks(MASK.astype(dtype))


def test_numbers_and_sizes_must_agree():
    message = "X and y must hold the same number of images; got 2 in X and 1 in y."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        check_same_sizes([(1, 2), (1, 2)], [(1, 2)])
    message = "X and y must agree in height and width; X[1] is (3, 4) and y[1] is (3, 5)."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        check_same_sizes([(1, 2), (3, 4)], [(1, 2), (3, 5)])

"""What was confirmed or corrected is labelled, and nothing else."""

import copy
import dataclasses
import re

import numpy as np
import pytest

from membseg import ThresholdSegmenter, labels_from_reviews, load_reviews
from membseg.exceptions import InvalidInputError, InvalidTypeError

FIRST, SECOND = np.s_[0, 0:8, 4:14], np.s_[1, 8:16, 0:8]


def labels(answers, write, stack, **options):
    """Labels from documents; predictions are the masks unless said otherwise."""
    X, masks = stack
    paths = [write(answer, f"{i}.json") for i, answer in enumerate(answers)]
    predictions = options.pop("predictions", masks)
    return labels_from_reviews(load_reviews(paths, X), predictions, **options)


def test_good_places_are_what_was_predicted(answer, write, stack):
    answer["places"][1]["verdict"] = "good"
    found = labels([answer], write, stack)
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found[SECOND], stack[1][SECOND])
    found[SECOND] = -1
    assert (found == -1).all()


@pytest.mark.parametrize("verdict", ["wrong", "doubtful", None])
def test_elsewhere_only_painted_pixels_count(verdict, answer, write, stack):
    answer["places"][0].update(verdict=verdict, membrane=[[2, 5, 2]], cell=[[3, 7, 2]])
    found = labels([answer], write, stack)
    wanted = np.full(found.shape, -1)
    wanted[0, 2, 5:7] = 255
    wanted[0, 3, 7:9] = 0
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("change", [{"verdict": "wrong", "mended": True}, {"verdict": "good"}])
def test_mended_places_are_known_everywhere(change, answer, write, stack):
    answer["places"][0].update(change, membrane=[[2, 5, 2]], cell=[[3, 7, 2]])
    wanted = stack[1].astype(int)
    wanted[0, 2, 5:7] = 255
    wanted[0, 3, 7:9] = 0
    np.testing.assert_array_equal(labels([answer], write, stack)[FIRST], wanted[FIRST])


def test_experts_who_differ_leave_pixels_unlabelled(answer, write, stack):
    other = copy.deepcopy(answer) | {"expert": "Ben"}
    answer["places"][0]["membrane"] = [[2, 5, 3]]
    other["places"][0].update(membrane=[[2, 5, 1]], cell=[[2, 7, 2]])
    found = labels([answer, other], write, stack)
    assert found[0, 2, 4:10].tolist() == [-1, 255, 255, -1, 0, -1]
    # A third one does not settle it.
    found = labels([answer, other, answer | {"expert": "Cem"}], write, stack)
    assert found[0, 2, 7] == -1


def test_whole_images(answer, write, stack):
    answer["images"][0]["verdict"] = answer["images"][1]["verdict"] = "good"
    answer["places"][0].update(verdict="wrong", cell=[[0, 7, 1]])
    answer["places"][1]["verdict"] = "good"
    with_places = labels([answer], write, stack)
    assert (with_places[0] != -1).sum() == 1
    found = labels([answer], write, stack, whole_images=True)
    wanted = stack[1].astype(int)
    wanted[FIRST] = -1
    wanted[0, 0, 7] = 0
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("verdict", [None, "good"])
def test_paint_stands_in_whole_images_that_are_good(verdict, answer, write, stack):
    answer["images"][0]["verdict"] = "good"
    answer["places"][0].update(verdict=verdict, membrane=[[2, 5, 2]], cell=[[0, 7, 1]])
    found = labels([answer], write, stack, whole_images=True)
    wanted = stack[1][0].astype(int)
    wanted[2, 5:7] = 255
    wanted[0, 7] = 0
    np.testing.assert_array_equal(found[0], wanted)


def test_values_and_layout_are_those_of_the_predictions(answer, write, stack):
    X, masks = stack
    answer["places"][1]["verdict"] = "good"
    boolean = labels([answer], write, stack, predictions=masks == 255)
    assert boolean.dtype == np.int8
    assert sorted(np.unique(boolean)) == [-1, 0, 1]
    maps = np.where(masks == 255, 0.7, 0.2).astype(np.float32)
    listed = labels([answer], write, (list(X), masks), predictions=list(maps), threshold=0.5)
    assert isinstance(listed, list)
    np.testing.assert_array_equal(np.stack(listed), boolean)
    small = labels([answer], write, stack, ignore_label=7)
    assert small.dtype == np.uint8
    assert sorted(np.unique(small)) == [0, 7, 255]
    inverted = labels(
        [answer], write, stack, predictions=maps, classes=np.array([255, 0], np.uint8)
    )
    assert inverted.dtype == np.int16
    np.testing.assert_array_equal(inverted, np.array([255, 0, -1])[boolean])
    turned = labels([answer], write, stack, predictions=255 - masks, membrane_label=0)
    np.testing.assert_array_equal(turned == 0, boolean == 1)
    np.testing.assert_array_equal(turned == -1, boolean == -1)


def test_one_value_only(answer, write, stack):
    X, masks = stack
    empty = np.zeros_like(masks)
    reviews = load_reviews(write(answer), X)
    place = dataclasses.replace(reviews[0].places[0], verdict="good", membrane=np.array([[0, 5]]))
    review = dataclasses.replace(reviews[0], places=(place,), predictions={})
    found = labels_from_reviews([review], empty)
    assert (found[0, 0, 4], found[0, 0, 5], found[0, 0, 6]) == (0, 1, 0)
    found = labels_from_reviews([review], empty, membrane_label=255)
    assert (found[0, 0, 4], found[0, 0, 5], found[0, 0, 6]) == (0, 255, 0)
    found = labels_from_reviews([review], empty + 9)
    assert (found[0, 0, 4], found[0, 0, 5]) == (9, 9)
    found = labels_from_reviews([review], empty + 9, membrane_label=9)
    assert (found[0, 0, 4], found[0, 0, 5]) == (9, 9)


def test_further_images_have_no_labels(answer, write, stack):
    X, masks = stack
    answer["places"][1]["verdict"] = "good"
    more = [np.zeros((4, 4)), X[1], X[0]]
    reviews = load_reviews(write(answer), more)
    found = labels_from_reviews(reviews, [np.zeros((4, 4), np.uint8), masks[1], masks[0]])
    assert [bool((image == -1).all()) for image in found] == [True, False, True]


def test_segmenters_learn_from_them(answer, write, stack):
    answer["places"][0].update(membrane=[[2, 5, 9]], cell=[[4, 5, 9]])
    answer["places"][1]["verdict"] = "good"
    segmenter = ThresholdSegmenter().fit(stack[0], labels([answer], write, stack))
    assert segmenter.classes_.tolist() == [0, 255]


def test_predictions_that_nobody_saw(answer, write, stack):
    masks = stack[1].copy()
    masks[1, 0, 0] = 255
    text = (
        "predictions must be those that were reviewed; predictions[1] is not what 'Ada' saw. Give "
        "the predictions, threshold and membrane_label that the sheet was made with."
    )
    with pytest.raises(InvalidInputError, match=re.escape(text)):
        labels([answer], write, stack, predictions=masks)
    with pytest.raises(InvalidInputError, match=re.escape("got 1, and 'Ada' reviewed number 1")):
        labels([answer], write, stack, predictions=masks[:1])


def test_nothing_to_learn_from(answer, write, stack):
    answer["places"][0]["verdict"] = "wrong"
    answer["images"][0]["verdict"] = "good"
    with pytest.raises(InvalidInputError, match="must confirm or correct at least one region; no"):
        labels([answer], write, stack)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"ignore_label": 255}, InvalidInputError, "must differ from the values of cell and"),
        ({"ignore_label": "a"}, InvalidTypeError, "ignore_label must be a number; got 'a'."),
        ({"classes": [1, 1]}, InvalidInputError, "classes must be two different values, of cell"),
        ({"classes": 1}, InvalidInputError, "of cell and of membrane; got 1."),
        ({"classes": "ab"}, InvalidTypeError, "classes must hold numbers; got dtype <U2."),
        ({"whole_images": 1}, InvalidTypeError, "whole_images must be True or False; got 1."),
        ({"threshold": -1}, InvalidInputError, "threshold must be a finite number in [0, 1]"),
    ],
)
def test_bad_parameters(options, error, text, answer, write, stack):
    with pytest.raises(error, match=re.escape(text)):
        labels([answer], write, stack, **options)


def test_what_is_no_review(stack):
    with pytest.raises(InvalidTypeError, match="reviews must be a list of Review"):
        labels_from_reviews("a.json", stack[1])

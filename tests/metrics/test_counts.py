"""Metrics that are counted: against a loop over pixels, and by hand."""

import math
import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from membseg import metrics as mm
from membseg.exceptions import InvalidInputError, InvalidTypeError

SCORES = {
    "accuracy": mm.pixel_accuracy_score,
    "precision": mm.precision_score,
    "recall": mm.recall_score,
    "f1": mm.f1_score,
    "dice": mm.dice_score,
    "iou": mm.iou_score,
    "cell_iou": mm.cell_iou_score,
    "mean_iou": mm.mean_iou_score,
    "specificity": mm.specificity_score,
    "balanced_accuracy": mm.balanced_accuracy_score,
    "matthews": mm.matthews_score,
}


def loop_counts(y_true, y_pred, weight):
    """Count pixel by pixel; 2 in the truth is ignored."""
    tp = fp = fn = tn = 0.0
    for t, p, w in zip(y_true.flat, y_pred.flat, weight.flat, strict=True):
        if t == 1 and p == 1:
            tp += w
        elif t == 0 and p == 1:
            fp += w
        elif t == 1 and p == 0:
            fn += w
        elif t == 0 and p == 0:
            tn += w
    return tp, fp, fn, tn


def by_definition(name, tp, fp, fn, tn):
    """The textbook formulas, with the conventions of the docstrings where they divide by zero."""

    def overlap(a, b, both):
        return 1.0 if a + b - both == 0 else both / (a + b - both)

    def share(part, whole, other_is_empty):
        return part / whole if whole else float(other_is_empty)

    recall = share(tp, tp + fn, fp == 0)
    precision = share(tp, tp + fp, fn == 0)
    specificity = share(tn, tn + fp, fn == 0)
    iou, cell_iou = overlap(tp + fn, tp + fp, tp), overlap(tn + fp, tn + fn, tn)
    dice = 1.0 if tp + fp + fn == 0 else 2 * tp / (2 * tp + fp + fn)
    product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    held = [s for s, n in ((recall, tp + fn), (specificity, tn + fp)) if n]
    return {
        "accuracy": (tp + tn) / (tp + fp + fn + tn),
        "precision": precision,
        "recall": recall,
        "f1": dice,
        "dice": dice,
        "iou": iou,
        "cell_iou": cell_iou,
        "mean_iou": (iou + cell_iou) / 2,
        "specificity": specificity,
        "balanced_accuracy": sum(held) / len(held),
        "matthews": (tp * tn - fp * fn) / math.sqrt(product) if product else 0.0,
    }[name]


@st.composite
def cases(draw):
    """Truth with 0, 1 and ignored (2), prediction, and weights of pixels."""
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4)))
    y_true = draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, 2)))
    y_true[0, 0, 0] = draw(st.integers(0, 1))
    y_pred = draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, 1)))
    weight = draw(hnp.arrays(np.float64, shape, elements=st.integers(0, 4).map(float)))
    weight[0, 0, 0] = 1.0
    return y_true, y_pred, weight


@settings(max_examples=40, deadline=None)
@given(case=cases())
@pytest.mark.parametrize("name", SCORES)
def test_against_a_loop(name, case):
    y_true, y_pred, weight = case
    options = {"membrane_label": 1, "ignore_label": 2}
    plain = SCORES[name](y_true, y_pred, **options)
    assert plain == pytest.approx(
        by_definition(name, *loop_counts(y_true, y_pred, np.ones(y_true.shape))), abs=1e-12
    )
    weighted = SCORES[name](y_true, y_pred, sample_weight=weight, **options)
    assert weighted == pytest.approx(
        by_definition(name, *loop_counts(y_true, y_pred, weight)), abs=1e-12
    )
    assert np.isfinite([plain, weighted]).all()
    assert -1 <= plain <= 1


@settings(max_examples=40, deadline=None)
@given(case=cases())
def test_image_average_is_the_mean_over_labelled_images(case):
    y_true, y_pred, weight = case
    values, of_image = [], []
    for t, p, w in zip(y_true, y_pred, weight, strict=True):
        counts = loop_counts(t, p, w)
        if sum(counts):
            values.append(by_definition("iou", *counts))
            of_image.append(w[(t != 2) & (w > 0)].mean())
    result = mm.iou_score(
        y_true,
        y_pred,
        membrane_label=1,
        ignore_label=2,
        sample_weight=weight,
        average="image",
    )
    assert result == pytest.approx(np.average(values, weights=of_image))


def test_by_hand():
    y_true = np.array([[[1, 1, 0, 0, 0]]])
    y_pred = np.array([[[1, 0, 1, 0, 0]]])
    counts = mm.confusion_counts(y_true, y_pred)
    assert counts == mm.ConfusionCounts(tp=1, fp=1, fn=1, tn=2)
    assert counts.total == 5
    assert mm.iou_score(y_true, y_pred) == pytest.approx(1 / 3)
    assert mm.cell_iou_score(y_true, y_pred) == pytest.approx(2 / 4)
    assert mm.mean_iou_score(y_true, y_pred) == pytest.approx(5 / 12)
    assert mm.specificity_score(y_true, y_pred) == pytest.approx(2 / 3)
    assert mm.balanced_accuracy_score(y_true, y_pred) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert mm.matthews_score(y_true, y_pred) == pytest.approx((1 * 2 - 1 * 1) / 6)


def test_precision_and_recall_are_not_swapped():
    y_true, y_pred = np.array([[[1, 1, 1, 0]]]), np.array([[[1, 0, 0, 0]]])
    assert mm.precision_score(y_true, y_pred) == 1.0
    assert mm.recall_score(y_true, y_pred) == pytest.approx(1 / 3)
    assert mm.precision_score(y_pred, y_true) == pytest.approx(1 / 3)
    assert mm.recall_score(y_pred, y_true) == 1.0


@pytest.mark.parametrize("score", [mm.iou_score, mm.dice_score, mm.f1_score])
def test_empty_masks(score):
    cell, some = np.zeros((1, 2, 2), int), np.array([[[0, 1], [0, 0]]])
    assert score(cell, cell) == 1.0
    assert score(cell, some) == 0.0
    assert score(some, cell) == 0.0


def test_set_and_image_averages_differ_as_counted():
    y_true = np.array([[[1, 1, 1, 1]], [[1, 0, 0, 0]]])
    y_pred = np.array([[[1, 1, 1, 1]], [[0, 1, 0, 0]]])
    assert mm.iou_score(y_true, y_pred) == pytest.approx(4 / 6)
    assert mm.iou_score(y_true, y_pred, average="image") == pytest.approx(1 / 2)
    weighted = mm.iou_score(y_true, y_pred, average="image", sample_weight=[3, 1])
    assert weighted == pytest.approx(3 / 4)


def test_lists_of_different_sizes_count_as_one_set():
    y_true = [np.array([[1, 0]]), np.array([[1, 0], [1, 0]])]
    y_pred = [np.array([[1, 1]]), np.array([[1, 0], [0, 0]])]
    assert mm.confusion_counts(y_true, y_pred) == mm.ConfusionCounts(2, 1, 1, 2)


def test_ignored_and_weightless_pixels_leave_every_count():
    y_true, y_pred = np.array([[[1, 0, -1, -1]]]), np.array([[[1, 0, 1, 0]]])
    assert mm.confusion_counts(y_true, y_pred) == mm.ConfusionCounts(1, 0, 0, 1)
    weight = np.array([[[1.0, 0.0, 1.0, 1.0]]])
    counts = mm.confusion_counts(y_true, y_pred, sample_weight=weight)
    assert counts == mm.ConfusionCounts(1, 0, 0, 0)
    assert mm.confusion_counts(y_true, y_true) == mm.ConfusionCounts(1, 0, 0, 1)


def test_membrane_label_turns_the_classes_round():
    y_true, y_pred = np.array([[[0, 0, 255]]]), np.array([[[0, 255, 255]]])
    assert mm.confusion_counts(y_true, y_pred) == mm.ConfusionCounts(1, 1, 0, 1)
    turned = mm.confusion_counts(y_true, y_pred, membrane_label=0)
    assert turned == mm.ConfusionCounts(1, 0, 1, 1)


def test_each_side_may_have_its_own_values():
    y_true, y_pred = np.array([[[0, 255]]], np.uint8), np.array([[[False, True]]])
    assert mm.iou_score(y_true, y_pred) == 1.0
    assert mm.iou_score(y_true, y_pred[..., np.newaxis]) == 1.0


@pytest.mark.parametrize("lone", [1, 2])
def test_a_lone_value_is_read_by_the_other_side(lone):
    one, both = np.full((1, 1, 2), lone), np.array([[[1, 2]]])
    expected = 1 / 2 if lone == 2 else 0.0
    assert mm.iou_score(one, both) == expected
    assert mm.iou_score(both, one) == expected


def test_two_lone_values_follow_the_rule_of_zero():
    zeros, ones = np.zeros((1, 1, 2), int), np.ones((1, 1, 2), int)
    assert mm.confusion_counts(zeros, ones) == mm.ConfusionCounts(0, 2, 0, 0)
    assert mm.confusion_counts(ones, 255 * ones) == mm.ConfusionCounts(2, 0, 0, 0)
    all_true = mm.confusion_counts(np.array([[[0, 255]]]), ones == 1)
    assert all_true == mm.ConfusionCounts(1, 1, 0, 0)


def test_counts_add_up_and_pickle():
    first, second = mm.ConfusionCounts(1, 2, 3, 4), mm.ConfusionCounts(10, 20, 30, 40)
    assert first + second == mm.ConfusionCounts(11, 22, 33, 44)
    assert pickle.loads(pickle.dumps(first)) == first
    with pytest.raises(TypeError, match="unsupported operand"):
        first + 1


def test_no_pixels_at_all_stay_finite():
    nothing = mm.ConfusionCounts(0, 0, 0, 0)
    assert all(np.isfinite(getattr(nothing, name)) for name in SCORES if name != "dice")


@pytest.mark.parametrize("weight", [5e-324, 1e-200, 1e300])
def test_extreme_weights_stay_finite(weight):
    y_true, y_pred = np.array([[[1, 1, 0, 0]]]), np.array([[[1, 0, 1, 0]]])
    for name, score in SCORES.items():
        for average in ("dataset", "image"):
            value = score(y_true, y_pred, sample_weight=[weight], average=average)
            assert value == pytest.approx(score(y_true, y_pred), abs=0.01), name


def test_inputs_stay_untouched():
    y_true, y_pred = np.array([[[1, 0, 2]]]), np.array([[[1, 1, 2]]])
    kept = y_true.copy(), y_pred.copy()
    mm.iou_score(y_true, y_pred, ignore_label=2, sample_weight=np.array([[[0.0, 1.0, 1.0]]]))
    np.testing.assert_array_equal(y_true, kept[0])
    np.testing.assert_array_equal(y_pred, kept[1])


MASK = np.array([[[0, 1], [1, 0]]])


@pytest.mark.parametrize(
    ("y_true", "y_pred", "options", "error", "message"),
    [
        (MASK, MASK[0], {}, InvalidInputError, "y_pred must have shape (n_images, height, width)"),
        (MASK, MASK[:, :1], {}, InvalidInputError, "y_true[0] is (2, 2) and y_pred[0] is (1, 2)"),
        (MASK, [*MASK, *MASK], {}, InvalidInputError, "got 1 in y_true and 2 in y_pred"),
        (MASK, MASK + 0.5j, {}, InvalidTypeError, "y_pred must hold masks as bool"),
        (MASK, MASK, {"average": "micro"}, InvalidInputError, 'average must be "dataset" or'),
        (MASK, MASK, {"sample_weight": [0]}, InvalidInputError, "every weight is zero"),
        (
            MASK,
            np.where(MASK, 7, 0) + np.array([[[9, 0], [0, 0]]]),
            {"ignore_label": 9},
            InvalidInputError,
            "y_pred must be cell or membrane wherever y_true is labelled",
        ),
        (
            np.array([[[0, 1]], [[2, 2]]]),
            np.array([[[0, 1]], [[0, 1]]]),
            {"ignore_label": 2, "sample_weight": [0, 1]},
            InvalidInputError,
            "y_true must hold labelled pixels of positive weight; there is none",
        ),
    ],
)
def test_refused(y_true, y_pred, options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        mm.iou_score(y_true, y_pred, **options)

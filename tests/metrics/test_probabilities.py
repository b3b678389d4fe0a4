"""Metrics of probability maps: against definitions, and scikit-learn where it is defined."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

from membseg import metrics as mm
from membseg.exceptions import InvalidInputError, InvalidTypeError

METRICS = [
    mm.roc_auc_score,
    mm.average_precision_score,
    mm.brier_loss,
    mm.log_loss,
    mm.expected_calibration_error,
]
OPTIONS = {"membrane_label": 1, "ignore_label": 2}


def slow_auc(truth, prob, weight):
    """Chance that a membrane pixel has the higher probability, ties one half."""
    won = total = 0.0
    for t, p, w in zip(truth, prob, weight, strict=True):
        for u, q, v in zip(truth, prob, weight, strict=True):
            if t == 1 and u == 0:
                total += w * v
                won += w * v * (1.0 if p > q else 0.5 if p == q else 0.0)
    return won / total if total else 0.5


def slow_average_precision(truth, prob, weight):
    """Sum over distinct cuts of precision times the step of recall."""
    positive = sum(w for t, w in zip(truth, weight, strict=True) if t == 1)
    if positive in (0, sum(weight)):
        return float(positive > 0)
    result, last = 0.0, 0.0
    for cut in sorted(set(prob), reverse=True):
        chosen = [(t, w) for t, p, w in zip(truth, prob, weight, strict=True) if p >= cut]
        hits = sum(w for t, w in chosen if t == 1)
        result += hits / sum(w for _, w in chosen) * (hits / positive - last)
        last = hits / positive
    return result


def slow_brier(truth, prob, weight):
    total = sum(w * (p - t) ** 2 for t, p, w in zip(truth, prob, weight, strict=True))
    return total / sum(weight)


def slow_log_loss(truth, prob, weight):
    total = 0.0
    for t, p, w in zip(truth, prob, weight, strict=True):
        total -= w * math.log(min(max(p if t == 1 else 1 - p, 1e-7), 1 - 1e-7))
    return total / sum(weight)


def slow_ece(truth, prob, weight, n_bins=15):
    total = 0.0
    for k in range(n_bins):
        inside = [
            (t, p, w)
            for t, p, w in zip(truth, prob, weight, strict=True)
            if min(math.floor(p * n_bins), n_bins - 1) == k
        ]
        n = sum(w for *_, w in inside)
        if n:
            mean_prob = sum(w * p for _, p, w in inside) / n
            mean_truth = sum(w * t for t, _, w in inside) / n
            total += n * abs(mean_prob - mean_truth)
    return total / sum(weight)


SLOW = dict(
    zip(
        METRICS,
        [slow_auc, slow_average_precision, slow_brier, slow_log_loss, slow_ece],
        strict=True,
    )
)


@st.composite
def cases(draw):
    shape = draw(st.tuples(st.integers(1, 2), st.integers(1, 4), st.integers(1, 4)))
    truth = draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, 2)))
    truth[0, 0, 0] = draw(st.integers(0, 1))
    eighths = st.integers(0, 8).map(lambda k: k / 8)
    prob = draw(hnp.arrays(np.float64, shape, elements=eighths | st.floats(0, 1)))
    weight = draw(hnp.arrays(np.float64, shape, elements=st.integers(0, 3).map(float)))
    weight[0, 0, 0] = 2.0
    return truth, prob, weight


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=40, deadline=None)
@given(case=cases())
def test_against_the_definition(metric, case):
    y_true, y_prob, weight = case
    used = (y_true != 2) & (weight > 0)
    flat = [a[used].tolist() for a in (y_true, y_prob, weight)]
    result = metric(y_true, y_prob, sample_weight=weight, **OPTIONS)
    assert result == pytest.approx(SLOW[metric](*flat), abs=1e-9)
    labelled = y_true != 2
    flat = [y_true[labelled].tolist(), y_prob[labelled].tolist(), [1] * int(labelled.sum())]
    assert metric(y_true, y_prob, **OPTIONS) == pytest.approx(SLOW[metric](*flat), abs=1e-9)


@pytest.mark.parametrize(
    ("metric", "oracle"),
    [
        (mm.roc_auc_score, sk.roc_auc_score),
        (mm.average_precision_score, sk.average_precision_score),
        (mm.brier_loss, sk.brier_score_loss),
        (mm.log_loss, sk.log_loss),
    ],
)
def test_is_scikit_learns_on_flat_pixels(metric, oracle):
    rng = np.random.default_rng(0)
    y_prob = rng.uniform(0.01, 0.99, (2, 8, 9))
    y_true = rng.uniform(size=y_prob.shape) < y_prob
    assert metric(y_true, y_prob) == pytest.approx(oracle(y_true.ravel(), y_prob.ravel()))


@pytest.mark.parametrize(("value", "precision"), [(0, 0.0), (1, 1.0)])
def test_one_class_only(value, precision):
    y_true = np.full((1, 2, 2), value)
    y_prob = np.array([[[0.0, 0.2], [0.7, 1.0]]])
    assert mm.roc_auc_score(y_true, y_prob) == 0.5
    assert mm.average_precision_score(y_true, y_prob) == precision
    assert all(np.isfinite(metric(y_true, y_prob)) for metric in METRICS)


def test_log_loss_of_certain_mistakes_is_finite():
    y_true = np.array([[[0, 1]]])
    assert mm.log_loss(y_true, np.array([[[1.0, 0.0]]])) == pytest.approx(-math.log(1e-7))
    assert mm.log_loss(y_true, np.array([[[0.0, 1.0]]], np.float32)) == pytest.approx(1e-7)


def test_calibration_error_by_hand():
    # Two bins: in the lower one 0.25 against 0, in the upper one 0.75 against 1/2.
    y_true = np.array([[[0, 0, 1, 0]]])
    y_prob = np.array([[[0.25, 0.25, 0.75, 0.75]]])
    error = mm.expected_calibration_error(y_true, y_prob, n_bins=2)
    assert error == pytest.approx((2 * 0.25 + 2 * 0.25) / 4)
    assert mm.expected_calibration_error(y_true, y_prob, n_bins=1) == pytest.approx(0.25)


def test_calibration_error_near_borders():
    y_true = np.array([[[0, 0, 0, 0, 1, 1]]])
    y_prob = np.array([[[0.9, 0.8, 0.4, 0.1, 0.7, 0.6]]])

    def error(border):
        return mm.expected_calibration_error(y_true, y_prob, n_bins=10, border=border)

    assert error(0) == pytest.approx((0.1 + 0.3) / 2)
    assert error(1) == pytest.approx((0.1 + 0.3 + 0.4 + 0.4) / 4)
    assert error(99) == pytest.approx(error(None))


def test_calibration_error_without_borders():
    y_true, y_prob = np.array([[[0, 0]], [[0, 1]]]), np.full((2, 1, 2), 0.2)
    error = mm.expected_calibration_error
    assert error(y_true[:1], y_prob[:1], border=2) == 0.0
    # The image without a border has no pixel to count.
    for average in ("dataset", "image"):
        assert error(y_true, y_prob, border=2, average=average) == pytest.approx(0.3)


def test_image_average_and_lists():
    y_true = [np.array([[0, 1]]), np.array([[1], [0], [0], [0]])]
    y_prob = [np.array([[0.5, 0.5]]), np.array([[1.0], [0.0], [0.0], [0.0]])]
    assert mm.brier_loss(y_true, y_prob) == pytest.approx(0.5 / 6)
    assert mm.brier_loss(y_true, y_prob, average="image") == pytest.approx(0.125)
    weighted = mm.brier_loss(y_true, y_prob, average="image", sample_weight=[3, 1])
    assert weighted == pytest.approx(0.75 * 0.25)


def test_membrane_label_turns_the_truth_round():
    y_prob = np.array([[[0.1, 0.9]]])
    assert mm.brier_loss(np.array([[[0, 255]]]), y_prob) == pytest.approx(0.01)
    turned = mm.brier_loss(np.array([[[255, 0]]]), y_prob, membrane_label=0)
    assert turned == pytest.approx(0.01)


def test_narrow_maps_are_maps():
    y_true = np.zeros((1, 40, 3), int)
    y_true[:, :, 1] = 1
    assert mm.roc_auc_score(y_true, y_true.astype(float)) == 1.0


TRUE = np.array([[[0, 1], [1, 0]]])
PROB = np.full((1, 2, 2), 0.5)


@pytest.mark.parametrize(
    ("y_prob", "options", "error", "message"),
    [
        (PROB[0], {}, InvalidInputError, "For a single map write y_prob[np.newaxis]."),
        (np.ones((1, 2, 2, 2)), {}, InvalidInputError, "predict_proba write y_prob[:, 1]."),
        ([np.ones((2, 2, 2))], {}, InvalidInputError, "write [p[1] for p in y_prob]."),
        (TRUE, {}, InvalidTypeError, "y_prob[0] has dtype int64. For grey values up to 255"),
        (2 * PROB + 1, {}, InvalidInputError, "y_prob[0] runs from 2 to 2. For logits write"),
        (np.full((1, 2, 2), -0.1), {}, InvalidInputError, "must hold probabilities in [0, 1]"),
        (np.full((1, 2, 2), np.nan), {}, InvalidInputError, "y_prob[0] must be finite"),
        (PROB[:, :1], {}, InvalidInputError, "y_true[0] is (2, 2) and y_prob[0] is (1, 2)"),
        (PROB, {"average": 1}, InvalidInputError, 'average must be "dataset" or "image"; got 1.'),
        (PROB, {"sample_weight": [-1]}, InvalidInputError, "must not be negative"),
    ],
)
@pytest.mark.parametrize("metric", METRICS)
def test_refused(metric, y_prob, options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        metric(TRUE, y_prob, **options)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_bins": 0}, InvalidInputError, "n_bins must be at least 1; got 0."),
        ({"n_bins": 2.5}, InvalidTypeError, "n_bins must be a whole number; got 2.5."),
        ({"n_bins": True}, InvalidTypeError, "n_bins must be a whole number; got True."),
        ({"border": -1}, InvalidInputError, "border must be a finite number of at least 0"),
    ],
)
def test_calibration_error_refuses(options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        mm.expected_calibration_error(TRUE, PROB, **options)

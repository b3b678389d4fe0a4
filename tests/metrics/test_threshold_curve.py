"""The score at each threshold is that of the mask which the threshold makes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg.exceptions import InvalidInputError
from membseg.metrics import SCORERS, score_table, threshold_curve
from membseg.metrics._threshold_curve import _COUNTED, MASK_SCORES


def draw(seed, dtype):
    rng = np.random.default_rng(seed)
    # Few different values, so that many lie on thresholds.
    prob = (rng.integers(0, 21, (2, 6, 7)) / 20).astype(dtype)
    truth = (rng.random((2, 6, 7)) < prob).astype(int)
    truth[0, 0, :2] = 0, 1
    return truth, prob, rng.random((2, 6, 7)) + 0.1


@pytest.mark.slow
@settings(deadline=None)
@given(
    seed=st.integers(0, 99),
    name=st.sampled_from(sorted(MASK_SCORES)),
    dtype=st.sampled_from([np.float32, np.float64]),
    weighted=st.booleans(),
)
def test_equals_the_score_of_each_mask(seed, name, dtype, weighted):
    truth, prob, weights = draw(seed, dtype)
    options = {"sample_weight": weights if weighted else None}
    thresholds = np.arange(0, 21, 4) / 20
    curve = threshold_curve(truth, prob, name, thresholds=thresholds, **options)
    metric = MASK_SCORES[name]
    expected = [
        SCORERS[metric].sign * score_table(truth, prob, threshold=t, **options)[metric]
        for t in thresholds
    ]
    np.testing.assert_allclose(curve.scores, expected, atol=1e-12)
    assert curve.scoring == metric


def test_every_score_that_counts_pixels_takes_the_short_way():
    assert set(_COUNTED) == {
        "accuracy", "balanced_accuracy", "cell_iou", "dice", "f1", "iou", "matthews", "mean_iou",
        "precision", "recall", "specificity",
    }  # fmt: skip


def test_default_thresholds():
    truth, prob, _ = draw(0, np.float32)
    np.testing.assert_allclose(threshold_curve(truth, prob).thresholds, np.arange(1, 100) / 100)
    slow = threshold_curve(truth, prob, "boundary_f1")
    np.testing.assert_allclose(slow.thresholds, np.arange(1, 20) / 20)


def test_of_equally_good_thresholds_the_middle_is_the_best_and_the_first_the_lowest_good():
    truth = np.array([[[0, 1, 1, 0]]])
    curve = threshold_curve(truth, np.array([[[0.2, 0.8, 0.8, 0.2]]]))
    assert curve.best_threshold == pytest.approx(0.51, abs=0.011)
    assert curve.lowest_good_threshold == pytest.approx(0.21)
    worse = threshold_curve(truth, np.array([[[0.2, 0.8, 0.8, 0.2]]]), "hausdorff")
    assert worse.lowest_good_threshold == pytest.approx(0.25)


@pytest.mark.parametrize("name", ["roc_auc", "ece", "IoU"])
def test_scores_that_judge_no_mask(name):
    truth, prob, _ = draw(0, np.float32)
    with pytest.raises(InvalidInputError, match="scoring must be the name of a score of masks"):
        threshold_curve(truth, prob, name)


def test_bad_thresholds():
    truth, prob, _ = draw(0, np.float32)
    for bad in ([], [0.5, 0.4], [0.3, 0.3], [[0.1, 0.2]], [0.1, np.nan]):
        with pytest.raises(
            InvalidInputError, match="thresholds must be ascending numbers in a row"
        ):
            threshold_curve(truth, prob, thresholds=bad)
    for bad in ([-0.1, 0.5], [0.5, 1.1]):
        with pytest.raises(InvalidInputError, match=r"thresholds must lie in \[0, 1\]"):
            threshold_curve(truth, prob, thresholds=bad)

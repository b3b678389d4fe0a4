"""What is drawn is what was scored."""

import numpy as np
import pytest

from membseg import ThresholdSegmenter, TunedThresholdSegmenter, make_membranes
from membseg.metrics import threshold_curve
from membseg.plotting import ThresholdCurveDisplay

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib, of the extra 'plot'")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def slices():
    return make_membranes(4, 48, 48, random_state=0)


def test_curves_their_best_and_the_threshold_in_use(slices):
    X, y = slices
    segmenter = ThresholdSegmenter(threshold=0.4).fit(X[:2], y[:2])
    display = ThresholdCurveDisplay.from_estimator(segmenter, X[2:], y[2:])
    iou, iou_best, rand, rand_best, in_use = display.ax_.get_lines()
    for name, line, mark in (("iou", iou, iou_best), ("v_rand", rand, rand_best)):
        curve = threshold_curve(y[2:], segmenter.predict_membrane(X[2:]), name)
        np.testing.assert_array_equal(line.get_xdata(), curve.thresholds)
        np.testing.assert_array_equal(line.get_ydata(), curve.scores)
        assert mark.get_xdata()[0] == curve.best_threshold
        assert mark.get_ydata()[0] == curve.scores.max()
        assert line.get_label() == f"{curve.scoring}, best at {curve.best_threshold:.2f}"
    assert in_use.get_xdata()[0] == 0.4
    assert display.figure_ is display.ax_.figure


def test_what_was_tuned_can_be_drawn_twice_on_the_callers_axes(slices):
    tuned = TunedThresholdSegmenter(ThresholdSegmenter(), scoring="dice", cv=2).fit(*slices)
    before = tuned.curve_.scores.copy()
    _, ax = plt.subplots()
    display = ThresholdCurveDisplay([tuned.curve_], threshold=tuned.threshold_)
    assert display.plot(ax=ax).plot(ax=ax).ax_ is ax
    np.testing.assert_array_equal(tuned.curve_.scores, before)


def test_other_values_of_masks_and_lists(slices):
    X, y = slices
    inverted = np.where(y == 1, 0, 255).astype(np.uint8)
    segmenter = ThresholdSegmenter(membrane_label=0).fit(X[:2], inverted[:2])
    one = ThresholdCurveDisplay.from_estimator(segmenter, list(X), list(inverted), scoring="dice")
    maps = segmenter.predict_membrane(X)
    other = ThresholdCurveDisplay.from_predictions(y, maps, scoring="dice")
    np.testing.assert_array_equal(one.curves[0].scores, other.curves[0].scores)
    assert other.threshold is None

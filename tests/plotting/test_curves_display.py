"""Curves over thresholds: the analysis's points, and the dot of the threshold in use."""

import numpy as np
import pytest

from membseg import RidgeSegmenter, make_membranes
from membseg.analysis import analyse
from membseg.exceptions import InvalidInputError
from membseg.plotting import CurvesDisplay

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib, of the extra 'plot'")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def found():
    X, y = make_membranes(4, 48, 48, random_state=0)
    segmenter = RidgeSegmenter().fit(X[:2], y[:2])
    return analyse(segmenter, X[2:], y[2:], n_resamples=10)


def test_points_are_those_of_the_analysis(found):
    display = CurvesDisplay(found).plot()
    curve = display.axs_[0].lines[0].get_xydata()
    assert curve[0].tolist() == [0, 0]
    assert curve[1:, 0].tolist() == [row["false_positive_rate"] for row in found.curves["roc"]]
    assert curve[-1].tolist() == [1, 1]
    recall = display.axs_[1].lines[0].get_xdata()
    assert recall.tolist() == [row["recall"] for row in found.curves["precision_recall"]]


def test_the_dot_lies_on_the_curves(found, check_readable):
    display = CurvesDisplay(found).plot()
    for panel in display.axs_:
        line, dot = (one.get_xydata() for one in panel.lines[:2])
        assert np.hypot(*(line - dot).T).min() < 0.03
    check_readable(display.figure_)
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == [f"threshold {found.threshold:.3g}"]
    assert display.ax_.get_title() == f"area under the curve {found['roc_auc']:.3f}"


def test_axes_of_the_callers(found):
    _, axs = plt.subplots(1, 2)
    assert CurvesDisplay(found).plot(ax=axs).axs_ == list(axs)
    with pytest.raises(InvalidInputError, match="ax must be one Axes, or 2 of them"):
        CurvesDisplay(found).plot(ax=axs[:1])


def test_one_class_has_no_curve():
    X, y = make_membranes(3, 48, 48, random_state=0)
    segmenter = RidgeSegmenter().fit(X[:2], y[:2])
    with pytest.raises(InvalidInputError, match="analysis must have curves"):
        CurvesDisplay.from_estimator(segmenter, X[2:], 0 * y[2:], n_resamples=10)

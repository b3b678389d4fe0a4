"""What is drawn is what was compared."""

import re

import numpy as np
import pytest

from membseg.model_selection import SegmenterComparison
from membseg.plotting import ComparisonDisplay

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib, of the extra 'plot'")


@pytest.fixture
def comparison():
    return SegmenterComparison(
        scoring=("iou", "ece"),
        scores={
            "poor": {"iou": [0.2, 0.4], "ece": [0.3, 0.1]},
            "good": {"iou": [0.6, 0.9], "ece": [0.2, 0.2]},
        },
        fit_seconds={"poor": [1.0, 1.0], "good": [2.0, 2.0]},
        score_seconds={"poor": [1.0, 1.0], "good": [2.0, 2.0]},
        n_parameters={"poor": None, "good": 10},
        n_bytes={"poor": 5, "good": 50},
        n_train=[3, 3],
        n_test=[1, 1],
        context={"published": {"iou": 0.95}},
    )


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def drawn(ax):
    """Points and means of each row, from below."""
    lines = [line for line in ax.get_lines() if line.get_marker() in ("o", "|")]
    rows = {}
    for line in lines:
        rows.setdefault(float(line.get_ydata()[0]), []).append(np.asarray(line.get_xdata()))
    return [rows[key] for key in sorted(rows)]


def test_best_on_top_with_its_folds_and_their_mean(comparison):
    display = ComparisonDisplay(comparison).plot()
    (poor, poor_mean), (good, good_mean) = drawn(display.ax_)
    assert poor.tolist() == [0.2, 0.4]
    assert good.tolist() == [0.6, 0.9]
    assert poor_mean == pytest.approx([0.3])
    assert good_mean == pytest.approx([0.75])
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["poor", "good"]
    assert display.figure_ is display.ax_.figure


def test_another_score_on_the_callers_axes(comparison):
    _, ax = plt.subplots()
    display = ComparisonDisplay(comparison).plot("ece", ax=ax)
    assert display.ax_ is ax
    assert ax.get_xlabel() == "ece (lower is better)"
    assert drawn(ax)[1][0].tolist() == [0.2, 0.2]


def test_context_is_a_line_where_it_has_the_score(comparison):
    def dashed(ax):
        return [line.get_xdata()[0] for line in ax.get_lines() if line.get_linestyle() == "--"]

    assert dashed(ComparisonDisplay(comparison).plot("iou").ax_) == [0.95]
    assert dashed(ComparisonDisplay(comparison).plot("ece").ax_) == []


def test_unknown_score(comparison):
    text = re.escape("score must be one of those compared, iou, ece; got 'dice'.")
    with pytest.raises(ValueError, match=text):
        ComparisonDisplay(comparison).plot("dice")

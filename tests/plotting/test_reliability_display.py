"""What is drawn is what was counted."""

import numpy as np
import pytest

from membseg import ThresholdSegmenter, make_membranes
from membseg.calibration import reliability_table
from membseg.plotting import ReliabilityDisplay

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib, of the extra 'plot'")

Y = np.array([[[0, 1, 1, 0]], [[1, 1, 0, 0]]])
P = np.array([[[0.1, 0.9, 0.3, 0.5]], [[1.0, 0.6, 0.0, 0.3]]])


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_points_and_bars_are_the_tables():
    table = reliability_table(Y, P, n_bins=4)
    display = ReliabilityDisplay(table, name="net").plot()
    curve = display.ax_.get_lines()[0]
    filled = table.shares > 0
    np.testing.assert_array_equal(curve.get_xdata(), table.predicted[filled])
    np.testing.assert_array_equal(curve.get_ydata(), table.observed[filled])
    bars = [bar.get_height() for bar in display.ax_.patches]
    np.testing.assert_allclose(bars, table.shares)
    assert curve.get_label() == f"net, calibration error {table.expected_error:.3f}"
    assert display.figure_ is display.ax_.figure


def test_drawing_twice_changes_nothing_and_uses_the_callers_axes():
    table = reliability_table(Y, P)
    before = table.predicted.copy()
    _, ax = plt.subplots()
    display = ReliabilityDisplay(table)
    assert display.plot(ax=ax).plot(ax=ax, name="again").ax_ is ax
    np.testing.assert_array_equal(table.predicted, before)
    labels = [line.get_label() for line in ax.get_lines()]
    assert sum(label.startswith("again") for label in labels) == 1


def test_from_estimator_equals_from_predictions():
    X, y = make_membranes(4, 48, 48, random_state=0)
    inverted = np.where(y == 1, 0, 255).astype(np.uint8)
    segmenter = ThresholdSegmenter(membrane_label=0).fit(X[:2], inverted[:2])
    one = ReliabilityDisplay.from_estimator(segmenter, X[2:], inverted[2:], n_bins=5)
    maps = segmenter.predict_membrane(X[2:])
    other = ReliabilityDisplay.from_predictions(y[2:], maps, n_bins=5, name="by hand")
    np.testing.assert_allclose(one.table.membrane_sums, other.table.membrane_sums)
    assert (one.name, other.name) == ("ThresholdSegmenter", "by hand")
    listed = ReliabilityDisplay.from_estimator(segmenter, list(X[2:]), list(inverted[2:]), n_bins=5)
    np.testing.assert_allclose(listed.table.membrane_sums, one.table.membrane_sums)

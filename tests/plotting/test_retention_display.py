"""What is drawn is the curve."""

import numpy as np
import pytest

from membseg.calibration import retention_curve
from membseg.plotting import RetentionCurveDisplay

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib, of the extra 'plot'")


def test_two_curves_on_one_axes():
    y, prob = np.array([[[0, 1, 1, 0]]]), np.array([[[0.1, 0.9, 0.4, 0.6]]])
    good = retention_curve(y, prob, np.array([[[0.1, 0.2, 0.3, 0.4]]]))
    poor = retention_curve(y, prob, np.array([[[0.4, 0.3, 0.2, 0.1]]]))
    display = RetentionCurveDisplay(good, name="good").plot()
    assert RetentionCurveDisplay(poor).plot(ax=display.ax_).ax_ is display.ax_
    for line, curve in zip(display.ax_.get_lines(), (good, poor), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), curve.kept)
        np.testing.assert_array_equal(line.get_ydata(), curve.errors)
    labels = [line.get_label() for line in display.ax_.get_lines()]
    assert labels == [
        "good: finds wrong pixels with AUROC 1.000", "finds wrong pixels with AUROC 0.000",
    ]  # fmt: skip
    assert display.figure_ is display.ax_.figure
    plt.close("all")

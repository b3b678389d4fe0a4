"""What is drawn are the importances, the largest on top."""

from types import SimpleNamespace

import numpy as np
import pytest

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.plotting import ImportanceDisplay

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib, of the extra 'plot'")

FOUND = SimpleNamespace(
    names=("noise", "blur", "rotation"), mean=np.array([0.1, 0.4, -0.05]), std=[0.02, 0.03, 0.01]
)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def bars(ax):
    names = [text.get_text() for text in ax.get_yticklabels()]
    return list(zip(names, [bar.get_width() for bar in ax.patches], strict=True))


def test_bars_and_their_spread(check_readable):
    display = ImportanceDisplay(FOUND).plot()
    assert bars(display.ax_) == [("blur", 0.4), ("noise", 0.1), ("rotation", -0.05)]
    low, high = display.ax_.get_ylim()
    assert low > high
    (spread,) = display.ax_.collections
    ends = [tuple(segment[:, 0]) for segment in spread.get_segments()]
    np.testing.assert_allclose(ends, [(0.37, 0.43), (0.08, 0.12), (-0.06, -0.04)])
    assert display.ax_.get_xlabel() == "fall of the score (mean ± s.d.)"
    assert display.figure_ is display.ax_.figure
    check_readable(display.figure_)


def test_fewer_bars_without_spread_on_the_callers_axes():
    _, ax = plt.subplots()
    alone = SimpleNamespace(names=["a", "b", "c"], mean=[1.0, float("nan"), 3.0], std=None)
    named = SimpleNamespace(names=["a"], mean=[1.0], std=None, scoring="iou")
    assert ImportanceDisplay(named).plot().ax_.get_xlabel() == "fall of iou"
    display = ImportanceDisplay(alone, label="weight").plot(max_names=2, ax=ax)
    assert bars(ax) == [("c", 3), ("a", 1)]
    assert ax.get_xlabel() == "weight"
    assert display.ax_ is ax


def test_unusable_arguments():
    with pytest.raises(InvalidTypeError, match="names, mean and std; SimpleNamespace lacks std"):
        ImportanceDisplay(SimpleNamespace(names=["a"], mean=[1])).plot()
    with pytest.raises(InvalidInputError, match="got 2 names and shapes"):
        ImportanceDisplay(SimpleNamespace(names=["a", "b"], mean=[1], std=[1, 2])).plot()
    with pytest.raises(InvalidInputError, match="at least one; got 0 names"):
        ImportanceDisplay(SimpleNamespace(names=[], mean=[], std=None)).plot()
    with pytest.raises(InvalidInputError, match="max_names must be at least 1; got 0"):
        ImportanceDisplay(FOUND).plot(max_names=0)

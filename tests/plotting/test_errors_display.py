"""Errors by place: the analysis's numbers, panel by panel."""

import pytest

from membseg import RidgeSegmenter, make_membranes
from membseg.analysis import analyse
from membseg.exceptions import InvalidInputError
from membseg.plotting import ErrorsDisplay

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib, of the extra 'plot'")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def found():
    X, y = make_membranes(5, 48, 48, random_state=0)
    segmenter = RidgeSegmenter().fit(X[:2], y[:2])
    return analyse(segmenter, X[2:], y[2:], n_resamples=10)


def test_lines_are_the_shares(found, check_readable):
    display = ErrorsDisplay(found).plot()
    assert len(display.axs_) == 4
    for panel, name in zip(display.axs_, ("border", "thickness", "brightness", "z"), strict=True):
        columns = ["missed"] if name == "thickness" else ["missed", "invented", "error"]
        assert len(panel.lines) == len(columns)
        for line, column in zip(panel.lines, columns, strict=True):
            expected = [100 * row[column] for row in found.errors[name]]
            assert line.get_ydata().tolist() == pytest.approx(expected)
    assert display.axs_[-1].lines[0].get_xdata().tolist() == [0, 1, 2]
    labels = [tick.get_text() for tick in display.ax_.get_xticklabels()]
    assert labels[:3] == ["0", "4", "8"]
    middles = [(row["low"] + row["high"]) / 2 for row in found.errors["thickness"]]
    assert display.axs_[1].lines[0].get_xdata().tolist() == middles
    check_readable(display.figure_)
    (legend,) = display.figure_.legends
    assert len(legend.get_texts()) == 3


def test_one_panel_alone(found):
    _, ax = plt.subplots()
    display = ErrorsDisplay(found).plot(by="border", ax=ax)
    assert display.axs_ == [ax]
    assert ax.get_xlabel() == "distance from the edge (px)"
    assert ax.get_legend() is not None


def test_refused_names(found):
    with pytest.raises(InvalidInputError, match=r"by must be one of border, .*got 'beauty'"):
        ErrorsDisplay(found).plot(by="beauty")

"""What is drawn are the cells."""

import numpy as np
import pytest

from membseg import CellSegmenter, ThresholdSegmenter, make_membranes, measure_cells
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.plotting import CellsDisplay

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib, of the extra 'plot'")

LABELS = np.zeros((2, 30, 41), int)
LABELS[0, 2:28, 2:19], LABELS[0, 2:28, 22:41] = 5, 9
LABELS[1, 2:15, 2:19], LABELS[1, 17:30, 2:19] = 9, 3
X = np.random.default_rng(0).integers(0, 255, LABELS.shape, dtype=np.uint8)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def picture(ax):
    return ax.get_images()[0].get_array()


def test_a_cell_keeps_its_colour_through_the_stack(check_readable):
    display = CellsDisplay(LABELS).plot()
    first = picture(display.ax_)
    second = picture(display.plot(index=-1).ax_)
    assert display.ax_.get_title() == "slice 1: 2 cells"
    colours = [np.unique(p[LABELS[i] == 9], axis=0) for i, p in enumerate((first, second))]
    assert len(colours[0]) == len(colours[1]) == 1
    np.testing.assert_array_equal(*colours)
    assert np.abs(first[LABELS[0] == 5][0] - colours[0]).max() > 0.05
    assert np.ptp(first[LABELS[0] == 0]) == 0
    check_readable(display.figure_)


def test_outlines_run_around_each_cell():
    ax = CellsDisplay(LABELS, X, pixel_size=4.0).plot("contours").ax_
    outlines = [c for c in ax.collections if type(c).__name__ == "QuadContourSet"]
    assert len(outlines) == 2
    points = np.concatenate([path.vertices for path in outlines[0].get_paths()])
    assert (points.min(axis=0) == [1.5, 1.5]).all()
    assert (points.max(axis=0) == [18.5, 27.5]).all()
    assert ax.texts[0].get_text() == "20 nm"


def test_the_graph_of_neighbours(check_readable):
    display = CellsDisplay(LABELS, X)
    ax = display.plot("graph").ax_
    (lines,) = ax.collections
    measured = measure_cells(LABELS[:1])
    centres = np.stack([measured.cells["column"], measured.cells["row"]], axis=1)
    np.testing.assert_allclose(lines.get_segments()[0], centres)
    dots = ax.get_lines()[-1]
    np.testing.assert_allclose(np.transpose(dots.get_data()), centres)
    assert ax.get_title() == "slice 0: 2 cells, 1 wall"
    check_readable(display.figure_)


def test_heat_maps_of_what_was_measured(check_readable):
    measured = measure_cells(LABELS, X, pixel_size=4.0)
    display = CellsDisplay(LABELS, X, measured=measured, pixel_size=4.0)
    shown = display.plot("heat", index=1).ax_.get_images()[1].get_array()
    np.testing.assert_array_equal(shown.mask, LABELS[1] == 0)
    area = dict(zip(measured.cells["cell"][2:], measured.cells["area"][2:], strict=True))
    for cell in (3, 9):
        assert set(shown[LABELS[1] == cell]) == {area[cell]}
    (bar,) = [ax for ax in display.figure_.axes if ax is not display.ax_]
    assert bar.get_ylabel() == "area (nm²)"
    low, high = display.plot("heat").ax_.get_images()[1].get_clim()
    assert 16 * 26 * 17 < low < high < 16 * 26 * 19
    check_readable(display.figure_)
    alone = CellsDisplay(LABELS, X, pixel_size=4.0).plot("heat", index=1, column="intensity")
    heat = alone.ax_.get_images()[1].get_array()
    assert heat[20, 5] == pytest.approx(X[1][LABELS[1] == 3].mean())


@pytest.mark.parametrize("view", ["labels", "contours", "graph", "heat"])
def test_no_cell_at_all(view):
    display = CellsDisplay(np.zeros((1, 20, 20), int)).plot(view)
    assert "0 cells" in display.ax_.get_title() or view == "heat"
    display.figure_.canvas.draw()


def test_from_estimator():
    slices, masks = make_membranes(3, 48, 48, random_state=0)
    segmenter = CellSegmenter(ThresholdSegmenter()).fit(slices, masks)
    _, ax = plt.subplots()
    display = CellsDisplay.from_estimator(segmenter, slices, view="graph", index=2, ax=ax)
    np.testing.assert_array_equal(display.labels, segmenter.predict_instances(slices))
    assert display.ax_ is ax
    lists = CellsDisplay.from_estimator(segmenter, list(slices), view="heat", column="solidity")
    assert lists.ax_.get_title() == "slice 0: solidity"


def test_unusable_arguments():
    with pytest.raises(InvalidInputError, match="view must be one of labels, contours, graph, hea"):
        CellsDisplay(LABELS).plot("map")
    with pytest.raises(
        InvalidInputError, match="column must be one of the cells' table, image, ce"
    ):
        CellsDisplay(LABELS).plot("heat", column="colour")
    with pytest.raises(InvalidInputError, match=r"measured must be of the cells in labels; of sli"):
        CellsDisplay(LABELS, measured=measure_cells(LABELS[::-1])).plot("heat")
    with pytest.raises(InvalidInputError, match="X and labels must agree in height and width"):
        CellsDisplay(LABELS, X[:, 1:]).plot()
    with pytest.raises(InvalidInputError, match="index must be the number of a slice"):
        CellsDisplay(LABELS).plot(index=2)
    with pytest.raises(InvalidTypeError, match="labels must hold numbers of cells as integers"):
        CellsDisplay(LABELS / 2.0).plot()

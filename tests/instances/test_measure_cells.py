"""Measurements of shapes that are known."""

import re

import numpy as np
import pytest
from skimage.draw import disk

from membseg import measure_cells
from membseg.exceptions import InvalidInputError, InvalidTypeError


def test_a_grid(grid):
    _, labels = grid
    measured = measure_cells(labels)
    cells, junctions = measured.cells, measured.junctions
    assert len(cells) == 24
    assert cells["image"].tolist() == [0] * 12 + [1] * 12
    assert cells["cell"].tolist() == [*range(1, 13)] * 2
    assert (cells["area"] == 121).all()
    assert (cells["solidity"] == 1).all()
    np.testing.assert_allclose(cells["eccentricity"], 0, atol=1e-6)
    np.testing.assert_allclose(cells["row"][:2], 5)
    np.testing.assert_allclose(cells["column"][:2], [5, 18])
    assert cells["on_edge"][:12].tolist() == [True] * 5 + [False] * 2 + [True] * 5
    # Walls of two pixels, between cells side by side and one above the other. Across the crossings
    # there are none, but for the pixels that are as near to one cell as to the other.
    graph = measured.neighbours(1)
    assert {2, 5} <= set(graph[1])
    assert {2, 5, 7, 10} <= set(graph[6])
    side = junctions["thickness"][(junctions["cell"] == 1) & (junctions["neighbour"] == 2)]
    np.testing.assert_allclose(side, 2, atol=0.3)
    assert junctions.units == {
        "image": "", "cell": "", "neighbour": "", "length": "px", "thickness": "px",
    }  # fmt: skip
    assert cells.units["area"] == "px²"


@pytest.mark.parametrize("width", [0, 1, 2, 3, 4, 7])
@pytest.mark.parametrize("turned", [False, True])
def test_thickness_of_straight_walls(width, turned):
    labels = np.ones((1, 20, 30 + width), int)
    labels[:, :, 15 : 15 + width] = 0
    labels[:, :, 15 + width :] = 2
    labels = labels.swapaxes(1, 2) if turned else labels
    image = np.where(labels == 0, 10.0, 50.0)
    measured = measure_cells(labels, image)
    assert measured.junctions["thickness"].tolist() == pytest.approx([width])
    assert measured.cells["thickness"].tolist() == pytest.approx([width, width])
    assert measured.junctions["length"].tolist() == [pytest.approx(20 * np.pi / 4)]
    assert measured.cells["intensity"].tolist() == [50, 50]
    expected = 10 if width else 50
    np.testing.assert_allclose(measured.cells["membrane_intensity"], expected)
    np.testing.assert_allclose(measured.junctions["intensity"], expected)


def test_slanted_walls_are_as_thick_and_as_long_on_average():
    rows, columns = np.indices((120, 120)) - 59.5
    lengths, widths = [], []
    for angle in np.linspace(0, np.pi, 13)[:-1]:
        across = rows * np.cos(angle) + columns * np.sin(angle)
        inside = rows**2 + columns**2 < 50**2
        labels = np.where(inside, 1 + (across > 0), 0) * (np.abs(across) > 3)
        measured = measure_cells([labels.astype(int)], max_thickness=9)
        lengths.append(measured.junctions["length"][0])
        widths.append(measured.junctions["thickness"][0])
    assert np.mean(lengths) == pytest.approx(100, rel=0.08)
    np.testing.assert_allclose(widths, 6, atol=0.7)


def test_shapes_and_units():
    labels = np.zeros((1, 70, 90), np.uint16)
    labels[0][disk((30, 30), 20)] = 4
    pixels = measure_cells(labels)
    units = measure_cells(labels, pixel_size=0.004, unit="um")
    assert pixels.cells["cell"].tolist() == [4]
    assert pixels.cells["perimeter"][0] == pytest.approx(2 * np.pi * 20, rel=0.03)
    assert pixels.cells["major_axis"][0] == pytest.approx(40, rel=0.03)
    assert units.cells["area"][0] == pytest.approx(16 * pixels.cells["area"][0])
    for name in ("perimeter", "major_axis", "minor_axis"):
        assert units.cells[name][0] == pytest.approx(4 * pixels.cells[name][0])
    for name in ("eccentricity", "solidity", "row", "column"):
        assert units.cells[name][0] == pixels.cells[name][0]
    assert (units.cells.units["area"], units.cells.units["row"]) == ("nm²", "px")
    assert np.isnan(units.cells["thickness"][0])
    assert units.neighbours() == {4: []}


def test_gaps_that_are_too_wide_part_neighbours():
    labels = np.array([[[1, 1, 0, 0, 0, 0, 2, 2]]])
    assert measure_cells(labels).neighbours() == {1: [2], 2: [1]}
    assert measure_cells(labels, max_thickness=3).neighbours() == {1: [], 2: []}


def test_tables(tmp_path):
    labels = np.array([[[1, 1, 0, 2, 2]]])
    measured = measure_cells(labels, pixel_size=2)
    rows = measured.junctions.table()
    assert rows == [{"image": 0, "cell": 1, "neighbour": 2, "length": np.pi / 2, "thickness": 2.0}]
    assert all(type(v) in (int, float) for v in rows[0].values())
    pandas = pytest.importorskip("pandas", reason="needs pandas, of the extra 'search'")
    frame = measured.cells.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["area"].tolist() == [8, 8]
    measured.cells.save_csv(tmp_path / "cells.csv")
    text = (tmp_path / "cells.csv").read_text(encoding="utf-8").splitlines()
    assert text[0].startswith("image,cell,row (px),column (px),area (nm²),perimeter (nm)")
    assert len(text) == 3
    assert "area (nm²)" in str(measured.cells)
    many = measure_cells(np.arange(1, 26).reshape(1, 5, 5))
    assert str(many.cells).endswith("... and 15 more")


def test_no_cell_gives_empty_tables(tmp_path):
    nothing = np.zeros((2, 6, 7), int)
    for measured in (measure_cells(nothing), measure_cells(nothing, nothing.astype(float))):
        assert (len(measured.cells), len(measured.junctions)) == (0, 0)
        assert (measured.cells.table(), measured.neighbours()) == ([], {})
        assert str(measured.junctions).startswith("image  cell  neighbour")
    measured.cells.save_csv(tmp_path / "none.csv")
    assert (tmp_path / "none.csv").read_text(encoding="utf-8").count("\n") == 1
    # Some images with cells, and some without.
    half = nothing.copy()
    half[1, 1:3, 1:3] = 3
    assert measure_cells(half).cells["image"].tolist() == [1]


def test_lists_of_images_of_different_sizes():
    labels = [np.ones((4, 5), int), np.ones((6, 3), int)]
    images = [np.full((4, 5), 2.0), np.full((6, 3), 3.0)]
    assert measure_cells(labels, images).cells["intensity"].tolist() == [2, 3]


def test_bad_input():
    labels = np.ones((1, 20, 20), int)
    with pytest.raises(
        InvalidInputError, match=re.escape("X[0] is (20, 19) and labels[0] is (20,")
    ):
        measure_cells(labels, np.zeros((1, 20, 19)))
    with pytest.raises(InvalidInputError, match="X must have one channel to be measured; got 3"):
        measure_cells(labels, np.zeros((1, 20, 20, 3)))
    with pytest.raises(InvalidInputError, match="pixel_size must be a positive number"):
        measure_cells(labels, pixel_size=-1)
    with pytest.raises(InvalidInputError, match="unit must be one of"):
        measure_cells(labels, pixel_size=1, unit="parsec")
    with pytest.raises(InvalidInputError, match="max_thickness must be a finite number"):
        measure_cells(labels, max_thickness=-1)
    with pytest.raises(InvalidTypeError, match="labels must hold numbers of cells as integers"):
        measure_cells(labels.astype(float))

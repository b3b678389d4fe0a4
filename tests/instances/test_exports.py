"""Outlines of cells, as ROIs and as GeoJSON: drawn again, they are the cells."""

import json
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.measure import points_in_poly

from membseg import measure_cells
from membseg.exceptions import ImageFileError, InvalidInputError, InvalidTypeError
from membseg.instances import save_geojson, save_rois
from membseg.instances._outlines import outline_cells, signed_area


def draw(ring, shape):
    """Pixels whose centres lie inside a ring of corners."""
    rows, columns = np.indices(shape)
    centres = np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], axis=1)
    return points_in_poly(centres, ring).reshape(shape)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_outlines_are_the_cells(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, (7, 8)) * 5
    again = np.zeros_like(labels)
    before = 0
    for label, rings in outline_cells(labels):
        assert label >= before
        before = label
        areas = [signed_area(ring) for ring in rings]
        assert areas[0] > 0
        assert all(area < 0 for area in areas[1:])
        part = draw(rings[0], labels.shape)
        for hole in rings[1:]:
            part &= ~draw(hole, labels.shape)
        assert sum(areas) == part.sum()
        assert ndimage.label(part)[1] == 1
        assert (again[part] == 0).all()
        again[part] = label
    np.testing.assert_array_equal(again, labels)


def test_corners_are_where_the_outline_turns():
    ((label, rings),) = outline_cells(np.pad(np.full((2, 3), 9), 1))
    assert label == 9
    assert {tuple(p) for p in rings[0].tolist()} == {(1, 1), (4, 1), (4, 3), (1, 3)}
    assert list(outline_cells(np.zeros((3, 3), int))) == []


LABELS = np.zeros((2, 12, 15), int)
LABELS[0, 1:5, 2:7] = 3
LABELS[0, 8:11, 2:4] = 3  # a second part
LABELS[1, 2:9, 2:9] = 70000
LABELS[1, 4:6, 4:6] = 0  # a hole


def read_roi(data):
    """ImageJ's own reading, as far as polygons go."""
    assert data[:4] == b"Iout"
    kind, top, left, bottom, right, n = struct.unpack(">bx4hH", data[6:18])
    (position,) = struct.unpack(">i", data[56:60])
    x = np.frombuffer(data, ">i2", n, 64) + left
    y = np.frombuffer(data, ">i2", n, 64 + 2 * n) + top
    assert (x.min(), y.min(), x.max(), y.max()) == (left, top, right, bottom)
    assert len(data) == 64 + 4 * n
    return kind, position, np.stack([x, y], axis=1)


def test_rois(tmp_path):
    path = tmp_path / "cells.zip"
    save_rois(path, LABELS)
    with zipfile.ZipFile(path) as archive:
        found = {name: read_roi(archive.read(name)) for name in archive.namelist()}
    assert list(found) == ["0001-00003.roi", "0001-00003-2.roi", "0002-70000.roi"]
    assert [(kind, position) for kind, position, _ in found.values()] == [(8, 1), (8, 1), (8, 2)]
    rings = [ring for _, _, ring in found.values()]
    both = draw(rings[0], (12, 15)) | draw(rings[1], (12, 15))
    np.testing.assert_array_equal(both, LABELS[0] == 3)
    filled = ndimage.binary_fill_holes(LABELS[1] > 0)
    np.testing.assert_array_equal(draw(rings[2], (12, 15)), filled)
    content = path.read_bytes()
    save_rois(path, list(LABELS), overwrite=True)
    assert path.read_bytes() == content


def test_rois_are_read_by_roifile(tmp_path):
    roifile = pytest.importorskip("roifile", reason="needs roifile, of the extra 'test'")
    save_rois(tmp_path / "cells.zip", LABELS)
    rois = roifile.roiread(tmp_path / "cells.zip")
    expected = [ring[0] for image in LABELS for _, ring in outline_cells(image)]
    assert [roi.position for roi in rois] == [1, 1, 2]
    for roi, ring in zip(rois, expected, strict=True):
        assert roi.roitype == roifile.ROI_TYPE.TRACED
        np.testing.assert_array_equal(roi.coordinates(), ring)


def test_geojson(tmp_path):
    path = tmp_path / "cells.geojson"
    save_geojson(path, LABELS)
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["type"] == "FeatureCollection"
    several, holed = found["features"]
    assert several["properties"] == {"image": 0, "cell": 3}
    assert several["geometry"]["type"] == "MultiPolygon"
    assert [len(part) for part in several["geometry"]["coordinates"]] == [1, 1]
    rings = holed["geometry"]["coordinates"]
    assert all(ring[0] == ring[-1] for ring in rings)
    cell = draw(rings[0], (12, 15)) & ~draw(rings[1], (12, 15))
    np.testing.assert_array_equal(cell, LABELS[1] > 0)


def test_geojson_with_measurements(tmp_path):
    path = tmp_path / "cells.geojson"
    measured = measure_cells(LABELS, pixel_size=2.0)
    save_geojson(path, LABELS, measured)
    first = json.loads(path.read_text(encoding="utf-8"))["features"][0]["properties"]
    assert first["measurements"]["area (nm²)"] == 26 * 4
    assert first["measurements"]["thickness (nm)"] is None
    with pytest.raises(InvalidInputError, match=r"cell 1 of labels\[0\] is not among them"):
        save_geojson(path, np.ones((1, 3, 3), int), measured, overwrite=True)


def test_no_cell_gives_files_without_cells(tmp_path):
    nothing = np.zeros((1, 4, 4), int)
    save_rois(tmp_path / "none.zip", nothing)
    save_geojson(tmp_path / "none.geojson", nothing)
    assert zipfile.ZipFile(tmp_path / "none.zip").namelist() == []
    assert json.loads((tmp_path / "none.geojson").read_text())["features"] == []


@pytest.mark.parametrize(("save", "suffix"), [(save_rois, ".zip"), (save_geojson, ".geojson")])
def test_bad_paths(tmp_path, save, suffix):
    path = tmp_path / f"cells{suffix}"
    with pytest.raises(InvalidInputError, match=f"path must end in {suffix}; got"):
        save(tmp_path / "cells.txt", LABELS)
    save(path, LABELS)
    with pytest.raises(ImageFileError, match="exists already; give another path, or overwrite=Tr"):
        save(path, LABELS)
    with pytest.raises(ImageFileError, match=r"cannot be written .*; the folder must exist"):
        save(tmp_path / "nowhere" / f"cells{suffix}", LABELS)
    with pytest.raises(InvalidTypeError, match="labels must hold numbers of cells as integers"):
        save(path, LABELS / 2, overwrite=True)


def test_what_rois_cannot_hold(tmp_path):
    with pytest.raises(InvalidInputError, match=r"labels must be at most 32767 px high and wide"):
        save_rois(tmp_path / "cells.zip", np.ones((1, 2, 32768), int))
    comb = np.ones((1, 2, 32767), int)
    comb[:, 0, 1::2] = 0
    with pytest.raises(InvalidInputError, match="labels must have outlines of at most 65535 corn"):
        save_rois(tmp_path / "cells.zip", comb)

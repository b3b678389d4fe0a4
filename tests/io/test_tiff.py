"""TIFF files that others wrote: axes, palettes, pixel sizes and series."""

import re

import numpy as np
import pytest
import tifffile

from membseg.exceptions import (
    DataWarning,
    InvalidInputError,
    MissingDependencyError,
)
from membseg.io import load_stack

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (3, 20, 30), dtype=np.uint8)


def test_plain_pages(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for page in GREY:
            tif.write(page, photometric="minisblack", metadata=None, resolution=(72, 72))
    stack, info = load_stack(tmp_path / "a.tif", return_info=True)
    np.testing.assert_array_equal(stack, GREY)
    assert info.pixel_size is None  # 72 dpi says nothing about a microscope


def test_hyperstack_has_time_before_depth_and_channels_last(tmp_path):
    data = RNG.integers(0, 9, (2, 3, 4, 20, 30), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", data, imagej=True, metadata={"axes": "TZCYX"})
    stack, info = load_stack(tmp_path / "a.tif", return_info=True)
    assert info.axes == "TZCYX"
    assert stack.shape == (6, 20, 30, 4)
    for t, z, c in np.ndindex(2, 3, 4):
        np.testing.assert_array_equal(stack[3 * t + z, :, :, c], data[t, z, c])


@pytest.mark.parametrize(
    ("unit", "sides", "expected"),
    [
        ("nm", (4, 4), 4.0),
        ("micron", (0.25, 0.25), 250.0),
        ("µm", (0.25, 0.25), 250.0),
        ("pixel", (1, 1), None),
    ],
)
def test_pixel_size_of_imagej(tmp_path, unit, sides, expected):
    tifffile.imwrite(
        tmp_path / "a.tif",
        GREY,
        imagej=True,
        resolution=(1 / sides[0], 1 / sides[1]),
        metadata={"axes": "ZYX", "unit": unit.replace("µ", "\\u00B5")},
    )
    _, info = load_stack(tmp_path / "a.tif", return_info=True)
    assert info.pixel_size == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"PhysicalSizeX": 0.004, "PhysicalSizeY": 0.004}, 4.0),  # micrometres by definition
        ({"PhysicalSizeX": 40, "PhysicalSizeXUnit": "Å"}, 4.0),
        ({"PhysicalSizeX": 4, "PhysicalSizeXUnit": "reference frame"}, None),
        ({}, None),
    ],
)
def test_pixel_size_of_ome(tmp_path, metadata, expected):
    tifffile.imwrite(tmp_path / "a.ome.tif", GREY, ome=True, metadata={"axes": "ZYX", **metadata})
    _, info = load_stack(tmp_path / "a.ome.tif", return_info=True)
    assert info.pixel_size == (None if expected is None else pytest.approx(expected))


def test_pixels_that_are_not_square_are_told(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif",
        GREY,
        imagej=True,
        resolution=(1 / 4, 1 / 5),
        metadata={"axes": "ZYX", "unit": "nm"},
    )
    with pytest.warns(DataWarning, match=re.escape("has pixels of 4 x 5 nm (width x height)")):
        _, info = load_stack(tmp_path / "a.tif", return_info=True)
    assert info.pixel_size is None


def test_zero_as_white_is_told_and_values_are_kept(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GREY, photometric="miniswhite")
    with pytest.warns(DataWarning, match=re.escape("a.tif says that its zero is white.")):
        stack = load_stack(tmp_path / "a.tif")
    np.testing.assert_array_equal(stack, GREY)


def test_palette_tiff(tmp_path):
    table = np.zeros((3, 256), dtype=np.uint16)
    table[0] = np.arange(256) * 257
    tifffile.imwrite(tmp_path / "a.tif", GREY, photometric="palette", colormap=table)
    np.testing.assert_array_equal(load_stack(tmp_path / "a.tif", mode="values"), GREY)
    rgb = load_stack(tmp_path / "a.tif", mode="rgb")
    np.testing.assert_array_equal(rgb[..., 0], GREY)
    assert not rgb[..., 1:].any()
    with pytest.raises(InvalidInputError, match=re.escape("is a palette (indexed) image.")):
        load_stack(tmp_path / "a.tif")


@pytest.mark.parametrize(("planar", "axes"), [("contig", "YXS"), ("separate", "SYX")])
def test_colour_planes_go_last(tmp_path, planar, axes):
    image = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    data = image if planar == "contig" else np.moveaxis(image, 2, 0)
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="rgb", planarconfig=planar)
    stack, info = load_stack(tmp_path / "a.tif", return_info=True)
    assert info.axes == axes
    np.testing.assert_array_equal(stack[0], image)


def test_big_endian_comes_in_the_machines_order(tmp_path):
    data = GREY.astype(np.uint16) * 200
    tifffile.imwrite(tmp_path / "a.tif", data, byteorder=">", photometric="minisblack")
    np.save(tmp_path / "a.npy", data.astype(">u2"))
    for name in ("a.tif", "a.npy"):
        stack = load_stack(tmp_path / name)
        assert stack.dtype.isnative
        np.testing.assert_array_equal(stack, data)


def test_several_series_need_a_number(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        tif.write(GREY, photometric="minisblack")
        tif.write(GREY[:, :8], photometric="minisblack")
    np.testing.assert_array_equal(load_stack(tmp_path / "a.tif", dataset=1), GREY[:, :8])
    start = f"dataset must be the number of one of the 2 series of {tmp_path / 'a.tif'}, whose"
    with pytest.raises(InvalidInputError, match=re.escape(start)):
        load_stack(tmp_path / "a.tif")
    with pytest.raises(InvalidInputError, match=re.escape("(3, 8, 30)]; got 2.")):
        load_stack(tmp_path / "a.tif", dataset=2)


def test_compression_that_needs_a_package(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", GREY, photometric="minisblack")

    def fail(series):
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    monkeypatch.setattr(tifffile.TiffPageSeries, "asarray", fail)
    message = (
        f"{tmp_path / 'a.tif'} is compressed in a way that needs the package 'imagecodecs', which "
        "is not installed. Install it with: pip install 'membseg[formats]'"
    )
    with pytest.raises(MissingDependencyError, match=re.escape(message)):
        load_stack(tmp_path / "a.tif")

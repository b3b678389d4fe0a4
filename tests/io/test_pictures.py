"""Pictures that others wrote: colours, palettes and bit depths."""

import re
import struct
import zlib

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from membseg.exceptions import (
    ImageFileError,
    InvalidInputError,
)
from membseg.io import load_stack

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (3, 20, 30), dtype=np.uint8)
RED_GREEN_BLUE = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]], dtype=np.uint8)


def write_palette(path, indices, table=RED_GREEN_BLUE):
    image = Image.new("P", indices.shape[::-1])
    image.putpalette(table.ravel().tolist())
    image.putdata(indices.ravel().tolist())
    image.save(path)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "A.PNG"])
def test_one_picture_is_a_stack_of_one(tmp_path, name):
    Image.fromarray(GREY[0]).save(tmp_path / name)
    stack, info = load_stack(tmp_path / name, return_info=True)
    np.testing.assert_array_equal(stack, GREY[:1])
    assert (stack.dtype, info.axes, info.pixel_size) == (np.uint8, "YX", None)


def test_jpeg_is_read_as_the_decoder_gives_it(tmp_path):
    iio.imwrite(tmp_path / "a.jpg", GREY[0])
    np.testing.assert_array_equal(load_stack(tmp_path / "a.jpg")[0], iio.imread(tmp_path / "a.jpg"))


def test_one_bit_pictures_are_boolean(tmp_path):
    Image.fromarray(np.eye(9, dtype=bool)).save(tmp_path / "a.png")
    stack = load_stack(tmp_path / "a.png")
    assert stack.dtype == bool
    np.testing.assert_array_equal(stack[0], np.eye(9, dtype=bool))


def test_palette_needs_a_word(tmp_path):
    indices = np.array([[0, 1, 2], [3, 3, 1]], dtype=np.uint8)
    path = tmp_path / "a.png"
    write_palette(path, indices)
    np.testing.assert_array_equal(load_stack(path, mode="values"), indices[np.newaxis])
    np.testing.assert_array_equal(load_stack(path, mode="rgb"), RED_GREEN_BLUE[indices][np.newaxis])
    # 0.299 * 255 = 76.2, 0.587 * 255 = 149.7, 0.114 * 255 = 29.1
    np.testing.assert_array_equal(load_stack(path, mode="gray"), [[[0, 76, 150], [29, 29, 76]]])
    message = (
        f"{path} is a palette (indexed) image. Say what its numbers are: mode='rgb' or 'gray' "
        "takes the colours of the palette, mode='values' the stored indices"
    )
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        load_stack(path)


def test_a_palette_of_greys_is_no_palette(tmp_path):
    indices = np.array([[0, 1, 2], [3, 3, 1]], dtype=np.uint8)
    write_palette(tmp_path / "a.png", indices, np.repeat(np.arange(256)[:, np.newaxis], 3, axis=1))
    for mode in ("keep", "gray", "values"):
        np.testing.assert_array_equal(load_stack(tmp_path / "a.png", mode=mode)[0], indices)


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_modes_on_equal_channels_change_nothing_but_the_shape(tmp_path, channels):
    image = np.repeat(GREY[0][..., np.newaxis], channels, axis=2)
    if channels in (2, 4):
        image[..., -1] = 255
    iio.imwrite(tmp_path / "a.png", image)
    np.testing.assert_array_equal(load_stack(tmp_path / "a.png")[0], image)
    np.testing.assert_array_equal(load_stack(tmp_path / "a.png", mode="gray")[0], GREY[0])
    np.testing.assert_array_equal(load_stack(tmp_path / "a.png", mode="values")[0], GREY[0])
    rgb = load_stack(tmp_path / "a.png", mode="rgb")[0]
    np.testing.assert_array_equal(rgb, np.repeat(GREY[0][..., np.newaxis], 3, axis=2))


def test_grey_to_rgb_repeats(tmp_path):
    np.save(tmp_path / "a.npy", GREY)
    rgb = load_stack(tmp_path / "a.npy", mode="rgb")
    np.testing.assert_array_equal(rgb, np.repeat(GREY[..., np.newaxis], 3, axis=3))


def test_gray_of_floats_keeps_equal_channels_exactly(tmp_path):
    values = RNG.random((2, 20, 30, 1), dtype=np.float32)
    np.save(tmp_path / "a.npy", np.repeat(values, 3, axis=3))
    gray = load_stack(tmp_path / "a.npy", mode="gray")
    assert gray.dtype == np.float32
    np.testing.assert_array_equal(gray, values[..., 0])


def test_values_refuses_colours(tmp_path):
    iio.imwrite(tmp_path / "a.png", RNG.integers(0, 256, (9, 9, 3), dtype=np.uint8))
    message = "a.png holds 3 channels that differ, and mode='values' wants one stored number"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        load_stack(tmp_path / "a.png", mode="values")


def test_values_refuses_opacity_that_says_something(tmp_path):
    image = np.zeros((9, 9, 4), dtype=np.uint8)
    image[3, 3, 3] = 255
    iio.imwrite(tmp_path / "a.png", image)
    message = "a.png has an opacity channel that is not the same everywhere, and mode='values'"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        load_stack(tmp_path / "a.png", mode="values")


@pytest.mark.parametrize("mode", ["gray", "rgb"])
def test_colour_modes_need_colours(tmp_path, mode):
    np.save(tmp_path / "a.npy", np.zeros((2, 20, 30, 5)))
    message = f"mode='{mode}' needs grey, RGB or RGBA images; "
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        load_stack(tmp_path / "a.npy", mode=mode)


def test_unknown_mode(tmp_path):
    message = "mode must be one of ['keep', 'gray', 'rgb', 'values']; got 'grey'."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        load_stack(tmp_path / "a.png", mode="grey")


def test_png_of_16_bit_colours_is_refused_rather_than_cut_to_8(tmp_path):
    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    rows = b"".join(b"\0" + bytes(5 * 6) for _ in range(4))
    (tmp_path / "a.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 5, 4, 16, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(ImageFileError, match=re.escape("with 16 bits each, which can only be")):
        load_stack(tmp_path / "a.png")


def test_colour_mode_that_is_not_read(tmp_path):
    Image.new("CMYK", (9, 9)).save(tmp_path / "a.jpg")
    message = "a.jpg has the colour mode CMYK, which is not read. Convert it to grey or RGB first."
    with pytest.raises(ImageFileError, match=re.escape(message)):
        load_stack(tmp_path / "a.jpg")

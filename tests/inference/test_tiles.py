"""The tile plan: writes cover every pixel once, reads stay inside and keep their halo."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg.exceptions import InvalidInputError
from membseg.inference import plan_axis, plan_image, plan_tiles


@st.composite
def plans(draw):
    factor = draw(st.sampled_from([1, 2, 4, 16]))
    halo = draw(st.integers(0, 5)) * factor
    tile_size = 2 * halo + draw(st.integers(1, 6)) * factor
    length = draw(st.integers(1, 60)) * factor
    return length, tile_size, halo, factor


@settings(deadline=None)
@given(plans())
def test_writes_cover_the_axis_once_in_order(plan):
    length, *rest = plan
    spans = plan_axis(length, *rest)
    written = [i for span in spans for i in range(span.write_start, span.write_stop)]
    assert written == list(range(length))


@settings(deadline=None)
@given(plans())
def test_tiles_are_of_one_size_aligned_and_have_their_halo(plan):
    length, tile_size, halo, factor = plan
    spans = plan_axis(*plan)
    assert len({span.stop - span.start for span in spans}) == 1
    for span in spans:
        assert span.stop - span.start <= min(tile_size, length)
        assert (span.stop - span.start) % factor == span.start % factor == 0
        assert 0 <= span.start <= span.write_start < span.write_stop <= span.stop <= length
        assert span.start == 0 or span.write_start - span.start >= halo
        assert span.stop == length or span.stop - span.write_stop >= halo


@settings(deadline=None)
@given(plans())
def test_there_are_no_fewer_and_no_smaller_tiles(plan):
    length, tile_size, halo, factor = plan
    spans = plan_axis(*plan)

    def covers(n_tiles, size):
        return size + (n_tiles - 1) * ((size - 2 * halo) // factor * factor) >= length

    assert covers(len(spans), spans[0].stop)
    if len(spans) > 1:
        assert not covers(len(spans) - 1, tile_size)
        assert not covers(len(spans), spans[0].stop - factor)


@pytest.mark.parametrize("side", [2048, 4096, 8192, 16384])
def test_large_images_cost_the_same_a_pixel(side):
    # The default network: reach 112, downsampling 16, and the tiles that "auto" gives it.
    spans = plan_axis(side + 32, 2048, 112, 16)
    computed = len(spans) * spans[0].stop
    assert 1.23 <= (computed / side) ** 2 <= 1.27


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 70), st.integers(1, 70), plans(), st.booleans())
def test_tiles_of_an_image_cover_it_once_wherever_its_sides_end(height, width, plan, has_margin):
    _, tile_size, halo, factor = plan
    margin = factor if has_margin else 0
    options = {"tile_size": tile_size, "halo": halo, "factor": factor, "margin": margin}
    extended = np.pad(
        np.arange(height * width).reshape(height, width),
        [(margin, margin + (-(n + 2 * margin)) % factor) for n in (height, width)],
        mode="symmetric",
    )
    counts = np.zeros((height, width), dtype=int)
    for tile in plan_image(height, width, **options):
        counts[tile.rows, tile.columns] += 1
        read = extended[
            tile.read_rows.start + margin : tile.read_rows.stop + margin,
            tile.read_columns.start + margin : tile.read_columns.stop + margin,
        ]
        expected = np.arange(height * width).reshape(height, width)[tile.rows, tile.columns]
        np.testing.assert_array_equal(read[tile.cut], expected)
    assert (counts == 1).all()


@settings(deadline=None)
@given(plans(), plans())
def test_cut_and_reassemble_is_the_identity(rows, columns):
    height, tile_size, halo, factor = rows
    width = columns[0] // columns[3] * factor
    image = np.arange(height * max(width, factor)).reshape(height, -1)
    result = np.full_like(image, -1)
    for row, column in plan_tiles(*image.shape, tile_size, halo, factor):
        result[row.write, column.write] = image[row.read, column.read][row.cut, column.cut]
    np.testing.assert_array_equal(result, image)


def test_length_must_be_a_multiple_of_the_factor():
    message = "length and tile_size must be multiples of factor=4; got 10 and 8."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        plan_axis(10, 8, 0, 4)


def test_tile_must_leave_a_centre():
    message = "tile_size must be at least 12 (two halos of 4 px and one step of 4 px); got 8."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        plan_axis(64, 8, 4, 4)

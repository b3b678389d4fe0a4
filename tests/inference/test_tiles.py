"""The tile plan: writes cover every pixel once, reads stay inside and keep their halo."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from membseg.exceptions import InvalidInputError
from membseg.inference import plan_axis, plan_tiles


@st.composite
def plans(draw):
    factor = draw(st.sampled_from([1, 2, 4, 16]))
    halo = draw(st.integers(0, 5)) * factor
    tile_size = 2 * halo + draw(st.integers(1, 6)) * factor
    length = draw(st.integers(1, 60)) * factor
    return length, tile_size, halo, factor


@given(plans())
def test_writes_cover_the_axis_once_in_order(plan):
    length, *rest = plan
    spans = plan_axis(length, *rest)
    written = [i for span in spans for i in range(span.write_start, span.write_stop)]
    assert written == list(range(length))


@given(plans())
def test_tiles_are_of_one_size_aligned_and_have_their_halo(plan):
    length, tile_size, halo, factor = plan
    for span in plan_axis(*plan):
        assert span.stop - span.start == min(tile_size, length)
        assert span.start % factor == 0
        assert 0 <= span.start <= span.write_start < span.write_stop <= span.stop <= length
        assert span.start == 0 or span.write_start - span.start >= halo
        assert span.stop == length or span.stop - span.write_stop >= halo


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

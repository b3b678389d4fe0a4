"""The rules of "auto"."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from membseg.segmenters import _auto
from membseg.utils import IGNORED


@pytest.mark.parametrize("width", [1, 2, 3, 6, 9])
def test_width_of_straight_membranes(width):
    mask = np.zeros((60, 70), dtype=np.uint8)
    mask[20 : 20 + width] = 1
    assert _auto.membrane_width([mask, mask.T]) == pytest.approx(width)


def test_borders_to_ignored_pixels_are_no_borders():
    mask = np.zeros((60, 70), dtype=np.uint8)
    mask[20:24] = 1
    ignored = mask.copy()
    ignored[:, 35:] = IGNORED
    assert _auto.membrane_width([ignored]) == pytest.approx(4)


def test_no_border_at_all_is_wide():
    assert _auto.membrane_width([np.ones((4, 4), dtype=np.uint8)]) == np.inf


@pytest.mark.parametrize(
    ("stem_stride", "zoom", "thin", "wide"),
    [
        ("auto", "auto", (2, 2), (2, 1)),
        (1, "auto", (1, 1), (1, 1)),
        (2, "auto", (2, 1), (2, 1)),
        ("auto", 1, (1, 1), (2, 1)),
        ("auto", 2, (2, 2), (2, 2)),
        (1, 2, (1, 2), (1, 2)),
    ],
)
@pytest.mark.parametrize("width", [1, 3, 4, 8])
def test_resolution_follows_the_width_of_the_membranes(stem_stride, zoom, thin, wide, width):
    mask = np.zeros((60, 70), dtype=np.uint8)
    mask[20 : 20 + width] = 1
    expected = thin if width < 4 else wide
    assert _auto.choose_resolution(stem_stride, zoom, [mask]) == expected


@pytest.mark.parametrize(
    ("side", "stem_stride", "depth"),
    [
        (512, 1, 4),
        (512, 2, 3),
        (96, 1, 4),
        (95, 1, 3),
        (96, 2, 3),
        (48, 2, 2),
        (12, 1, 1),
        (3, 2, 1),
    ],
)
def test_depth_follows_the_size_of_the_images(side, stem_stride, depth):
    assert _auto.choose_depth("auto", side, stem_stride) == depth
    assert _auto.choose_depth(2, side, stem_stride) == 2


@given(st.integers(1, 2000), st.sampled_from([1, 2, 4, 8, 16]))
def test_patches_are_multiples_of_the_factor(side, factor):
    assert _auto.choose_patch_size("auto", 512, 8, zoom=2) == 96
    size = _auto.choose_patch_size("auto", side, factor)
    assert size % factor == 0
    assert factor <= size <= 192
    assert size > min(side, 192) - factor


def test_steps_are_one_pass_within_bounds():
    assert _auto.choose_steps_per_epoch("auto", 10, 8, 192) == 40
    assert _auto.choose_steps_per_epoch("auto", 100 * 8 * 192**2, 8, 192) == 100
    assert _auto.choose_steps_per_epoch("auto", 10**12, 8, 192) == 200
    assert _auto.choose_steps_per_epoch(7, 10**12, 8, 192) == 7


def test_tiles_leave_room_for_the_halo():
    assert _auto.choose_tile_size("auto", 112, 16) == 1024
    assert _auto.choose_tile_size("auto", 512, 16) == 2048
    assert _auto.choose_tile_size(100, 8, 16) == 96


def test_typical_side_is_the_median_of_the_shorter_sides():
    assert _auto.typical_side([(10, 90), (40, 20), (70, 70)]) == 20

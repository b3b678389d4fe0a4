"""Gaps are closed, specks go, and nothing else changes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import label

from membseg.utils._clean_mask import clean_mask


def test_a_gap_is_closed_and_a_speck_goes():
    mask = np.zeros((21, 21), dtype=bool)
    mask[10, :7] = mask[10, 10:] = True  # a wall with a gap of three pixels
    mask[1:3, 2] = True
    closed = clean_mask(mask, closing=2)
    assert closed[10].all()
    assert label(~mask)[1] == 1
    assert label(~closed)[1] == 2
    assert label(~clean_mask(mask, closing=1))[1] == 1
    np.testing.assert_array_equal(clean_mask(mask, min_size=2), mask)
    without = mask.copy()
    without[1:3, 2] = False
    np.testing.assert_array_equal(clean_mask(mask, min_size=3), without)
    # Gaps first: both halves of the wall are one part then.
    both = clean_mask(mask, closing=2, min_size=15)
    assert both[10].all()
    assert not both[:5].any()


def test_walls_without_gaps_stay_as_thick_as_they_are():
    mask = np.zeros((40, 40), dtype=bool)
    mask[12:15], mask[:, 25:28] = True, True
    np.testing.assert_array_equal(clean_mask(mask, closing=3), mask)


def test_parts_hang_together_over_corners():
    mask = np.eye(6, dtype=bool)
    np.testing.assert_array_equal(clean_mask(mask, min_size=6), mask)
    assert not clean_mask(mask, min_size=7).any()


@given(seed=st.integers(0, 99), closing=st.integers(0, 3), min_size=st.integers(0, 12))
def test_closing_only_adds_and_removing_only_removes(seed, closing, min_size):
    rng = np.random.default_rng(seed)
    mask = rng.random((12, 17)) < rng.random()
    closed = clean_mask(mask, closing=closing)
    cleaned = clean_mask(mask, closing=closing, min_size=min_size)
    assert (closed | mask == closed).all()
    assert (cleaned & closed == cleaned).all()
    np.testing.assert_array_equal(clean_mask(cleaned, min_size=min_size), cleaned)
    turned = clean_mask(np.rot90(mask), min_size=min_size)
    np.testing.assert_array_equal(turned, np.rot90(clean_mask(mask, min_size=min_size)))

"""Open ends, gaps, holes and specks: planted ones are found, none is invented."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg import make_membranes
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.quality import membrane_defects
from membseg.quality._trace import skeleton_length


def walls(side=97, step=24, width=3):
    """Closed cells: walls along rows and columns that run off the image."""
    places = (np.arange(side) - 6) % step < width
    return (places[:, np.newaxis] | places).astype(np.uint8)


def look(mask, **options):
    (found,) = membrane_defects(np.asarray(mask)[np.newaxis], membrane_label=1, **options)
    return found


def numbers(found):
    return tuple(map(len, (found.open_ends, found.gaps, found.holes, found.specks)))


@pytest.mark.parametrize("width", [1, 2, 3, 5, 8])
def test_whole_walls_have_none(width):
    found = look(walls(width=width))
    assert numbers(found) == (0, 0, 0, 0)
    assert found.largest_part == 1


@pytest.mark.parametrize("width", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("long", [4, 8, 12])
def test_a_gap_is_two_ends_and_one_gap(width, long):
    mask = walls(width=width, step=40)
    # In the middle between two crossings, of a wall along a row.
    middle = 46 + width // 2 + 20
    mask[40:60, middle - long // 2 : middle + long // 2] = 0
    found = look(mask)
    assert numbers(found) == (2, 1, 0, 0)
    np.testing.assert_allclose(found.gaps[0], [46 + width / 2 - 0.5, middle - 0.5], atol=1.5)
    assert abs(found.gap_lengths[0] - long) <= 1.5
    assert found.gaps_per_length == pytest.approx(1000 / found.length)
    assert found.ends_per_length == pytest.approx(2000 / found.length)


def test_long_gaps_are_ends_only():
    mask = np.zeros((60, 100), np.uint8)
    mask[30:33] = 1
    mask[:, 35:65] = 0
    assert numbers(look(mask, max_gap=20)) == (2, 0, 0, 0)
    assert numbers(look(mask, max_gap=33)) == (2, 1, 0, 0)


def test_a_wall_that_ends_nowhere():
    mask = np.zeros((60, 60), np.uint8)
    mask[28:32, :35] = 1
    assert numbers(look(mask)) == (1, 0, 0, 0)


def test_bumps_are_no_ends():
    mask = walls(width=5, step=40)
    mask[51:53, 64:66] = 1
    mask[20, 51] = 1
    assert numbers(look(mask))[0] == 0


@pytest.mark.parametrize("k", range(4))
@pytest.mark.parametrize("flip", [1, -1])
def test_counts_do_not_depend_on_the_view(k, flip):
    mask = walls()
    mask[30:33, 41:45] = 0
    mask[42, 42] = 1
    mask[31, 20] = 0
    assert numbers(look(np.rot90(mask, k)[:, ::flip])) == numbers(look(mask)) == (2, 1, 1, 1)


def test_holes_and_specks_by_size():
    mask = np.zeros((64, 64), np.uint8)
    mask[20:40] = 1
    mask[30:33, 30:33] = 0
    mask[25:30, 5:15] = 0
    mask[50:53, 50:53] = 1
    mask[45:50, 5:15] = 1
    assert numbers(look(mask, max_hole=9, max_speck=9))[2:] == (1, 1)
    assert numbers(look(mask, max_hole=8, max_speck=8))[2:] == (0, 0)
    both = look(mask, max_hole=50, max_speck=50)
    assert numbers(both)[2:] == (2, 2)
    np.testing.assert_allclose(both.specks, [[47, 9.5], [51, 51]])
    np.testing.assert_allclose(both.holes, [[27, 9.5], [31, 31]])
    assert both.largest_part == pytest.approx((20 * 64 - 59) / mask.sum())


def test_what_the_edge_cuts_is_no_hole():
    mask = np.ones((20, 20), np.uint8)
    mask[:3, 5:8] = 0
    assert numbers(look(mask)) == (0, 0, 0, 0)


@settings(max_examples=10, deadline=None)
@given(n=st.integers(1, 6), seed=st.integers(0, 1000))
def test_more_specks_are_more_specks(n, seed):
    mask = walls(side=121, step=30)
    centres = [(20 + 30 * (i % 3), 20 + 30 * (i // 3)) for i in range(n)]
    for row, column in centres:
        mask[row : row + 3, column : column + 3] = 1
    assert numbers(look(mask)) == (0, 0, 0, n)


def test_gaps_that_are_planted_in_synthetic_slices_raise_the_ends():
    _, y = make_membranes(1, 128, 128, random_state=3)
    rng = np.random.default_rng(0)
    found = [len(look(y[0]).open_ends)]
    mask = y[0].copy()
    for _ in range(3):
        for row, column in np.argwhere(y[0])[rng.integers(y.sum(), size=5)]:
            mask[max(row - 5, 0) : row + 6, max(column - 5, 0) : column + 6] = 0
        found.append(len(look(mask).open_ends))
    # Not one by one: a second gap in one wall can take the first one's end away.
    assert min(found[1:]) >= found[0] + 4
    assert max(found) >= found[0] + 6


@pytest.mark.parametrize("n", [1, 2, 17])
def test_length(n):
    line = np.zeros((20, 20), bool)
    line[3, 1 : 1 + n] = True
    assert skeleton_length(line) == n - 1
    assert skeleton_length(line.T) == n - 1
    assert skeleton_length(np.eye(20, dtype=bool)[:, ::-1]) == pytest.approx(19 * np.sqrt(2))
    corner = np.zeros((4, 4), bool)
    corner[0, :3] = corner[:3, 0] = True
    assert skeleton_length(corner) == 4


@pytest.mark.parametrize("value", [0, 1])
def test_without_membrane_or_cell(value):
    found = look(np.full((16, 16), value))
    assert numbers(found) == (0, 0, 0, 0)
    assert found.ends_per_length == found.gaps_per_length == 0
    assert found.largest_part == value


def test_bad_input():
    with pytest.raises(InvalidInputError, match="max_gap must be a finite number of at least 0"):
        look(walls(), max_gap=-1)
    with pytest.raises(InvalidTypeError, match="max_hole must be a number"):
        look(walls(), max_hole="a")

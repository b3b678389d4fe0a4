"""Cells through the stack."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg import link_slices
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.instances import SliceEvent


def row(*numbers):
    return np.array([numbers])


def test_numbers_go_on_split_merge_end_and_begin():
    stack = [
        row(1, 1, 1, 1, 0, 2, 2, 0, 0),
        row(5, 5, 0, 3, 0, 9, 9, 0, 8),  # 1 splits; 8 is new
        row(7, 7, 7, 7, 0, 0, 0, 0, 8),  # 1 and its part merge; 2 ends
    ]
    linked = link_slices(stack)
    assert [image[0].tolist() for image in linked.labels] == [
        [1, 1, 1, 1, 0, 2, 2, 0, 0],
        [1, 1, 0, 3, 0, 2, 2, 0, 4],
        [1, 1, 1, 1, 0, 0, 0, 0, 4],
    ]
    assert linked.n_cells == 4
    assert linked.events == (SliceEvent("split", 1, 1, (1, 3)), SliceEvent("merge", 2, 1, (1, 3)))
    assert linked.splits == linked.events[:1]
    assert linked.merges == linked.events[1:]
    assert linked.table()[0] == {"kind": "split", "image": 1, "cell": 1, "parts": (1, 3)}


def test_small_overlaps_do_not_count():
    stack = np.stack([row(1, 1, 1, 1, 0, 0), row(0, 0, 0, 2, 2, 2)])
    assert link_slices(stack).n_cells == 2
    loose = link_slices(stack, min_overlap=0.3)
    assert loose.n_cells == 1
    assert loose.labels.dtype == np.int32
    assert loose.labels.shape == (2, 1, 6)


def test_the_largest_sum_of_overlaps_wins_over_the_number_of_pairs():
    # 1 goes on in the cell that it nearly equals, though two pairs could be made.
    stack = [row(1, 1, 1, 1, 1, 1, 2), row(4, 4, 4, 4, 4, 4, 4)]
    linked = link_slices(stack)
    assert linked.labels[1][0].tolist() == [1] * 7
    assert linked.merges[0].parts == (1, 2)


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 10_000))
def test_what_every_linked_stack_is(seed):
    rng = np.random.default_rng(seed)
    stack = np.kron(rng.integers(0, 6, (4, 3, 4)), np.ones((1, 2, 2), int))
    stack[1] = np.where(rng.random(stack[1].shape) < 0.3, stack[1], stack[0])
    linked = link_slices(stack)
    found = [set(np.unique(image)) - {0} for image in linked.labels]
    # Cells stay cells, only their numbers change.
    for old, new in zip(stack, linked.labels, strict=True):
        pairs = {(int(a), int(b)) for a, b in zip(old.ravel(), new.ravel(), strict=True)}
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
        np.testing.assert_array_equal(old == 0, new == 0)
    assert set().union(*found) == set(range(1, linked.n_cells + 1))
    # Numbers do not come back after a slice without them.
    for number in range(1, linked.n_cells + 1):
        slices = [i for i, numbers in enumerate(found) if number in numbers]
        assert slices == list(range(slices[0], slices[-1] + 1))
    for event in linked.events:
        before, after = found[event.image - 1], found[event.image]
        one, several = (before, after) if event.kind == "split" else (after, before)
        assert event.cell in one
        assert set(event.parts) <= several
        assert len(event.parts) > 1


def test_equal_slices_keep_their_numbers_and_nothing_happens(grid):
    _, labels = grid
    linked = link_slices(labels)
    np.testing.assert_array_equal(linked.labels, labels)
    assert (linked.events, linked.n_cells) == ((), 12)


def test_no_cell_at_all():
    linked = link_slices(np.zeros((3, 4, 4), int))
    assert (linked.n_cells, linked.events, linked.table()) == (0, (), [])
    assert not linked.labels.any()


def test_bad_input():
    with pytest.raises(InvalidInputError, match="labels must be slices of one size to be linked"):
        link_slices([np.zeros((3, 4), int), np.zeros((4, 3), int)])
    with pytest.raises(InvalidInputError, match=re.escape("min_overlap must be a finite number")):
        link_slices(np.zeros((2, 3, 3), int), min_overlap=0)
    with pytest.raises(InvalidTypeError, match="labels must hold numbers of cells as integers"):
        link_slices(np.zeros((2, 3, 3)))

"""The validation part: blocks, runs or groups, and the margin that keeps them apart."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg.exceptions import InvalidInputError
from membseg.training import plan_validation


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(8, 90), st.integers(8, 90)), min_size=1, max_size=39),
    st.floats(0.01, 0.5),
    st.integers(0, 1000),
)
def test_few_images_give_blocks_with_a_margin(sizes, fraction, seed):
    plan = plan_validation(sizes, fraction, np.random.default_rng(seed))
    numbers = [block.image for block in plan.blocks]
    n = len(sizes)
    assert len(numbers) == min(n, max(4, round(fraction * n / 0.4)))
    # Spread: no two neighbours of the choice are farther apart than twice the mean distance.
    assert numbers == sorted(set(numbers))
    assert max(np.diff([-1, *numbers, n])) <= 2 * n / len(numbers) + 1
    side_share = (fraction * n / len(numbers)) ** 0.5
    for block, held in zip(plan.blocks, plan.held_out, strict=True):
        assert held.image == block.image
        for span, outer, length in zip(
            (block.rows, block.columns), (held.rows, held.columns), sizes[block.image], strict=True
        ):
            assert 0 <= span.start < span.stop <= length
            margin = min(8, length // 8)
            assert span.start - outer.start == min(margin, span.start)
            assert outer.stop == span.stop + margin
            assert abs((span.stop - span.start) - length * side_share) <= 1


@given(st.integers(0, 100))
def test_blocks_lie_in_images_with_labels(seed):
    labelled = [i in (1, 4, 5) for i in range(12)]
    rng = np.random.default_rng(seed)
    plan = plan_validation([(64, 64)] * 12, 0.1, rng, labelled=labelled)
    assert [block.image for block in plan.blocks] == [1, 4, 5]


def test_few_images_with_labels_among_many_give_blocks():
    labelled = [i % 10 == 3 for i in range(60)]
    plan = plan_validation([(64, 64)] * 60, 0.1, np.random.default_rng(0), labelled=labelled)
    assert all(labelled[block.image] for block in plan.held_out)
    assert len(plan.blocks) == 4
    assert plan.blocks[0].rows != slice(None)


def test_runs_are_those_of_the_images_with_labels():
    sizes = [(8, 8)] * 100
    labelled = [i % 2 == 1 for i in range(100)]
    plan = plan_validation(sizes, 0.1, np.random.default_rng(0), labelled=labelled)
    fifty = plan_validation(sizes[:50], 0.1, np.random.default_rng(0))
    for blocks, wanted in ((plan.blocks, fifty.blocks), (plan.held_out, fifty.held_out)):
        assert [block.image for block in blocks] == [2 * block.image + 1 for block in wanted]


@given(st.integers(0, 100))
def test_a_group_without_labels_is_not_held_out_alone(seed):
    groups = np.repeat(["a", "b", "c"], 2)
    labelled = [False, False, True, False, True, True]
    rng = np.random.default_rng(seed)
    plan = plan_validation([(8, 8)] * 6, 0.3, rng, groups, labelled)
    # An image without labels goes with its group.
    assert [block.image for block in plan.held_out] in ([2, 3], [4, 5])


def test_blocks_of_large_images_are_limited():
    (block,) = plan_validation([(16384, 900)], 0.5, np.random.default_rng(0)).blocks
    assert block.rows.stop - block.rows.start == 1024
    assert block.columns.stop - block.columns.start == round(900 * 0.5**0.5)


def test_blocks_hold_the_fraction_of_the_pixels():
    plan = plan_validation([(512, 512)] * 19, 0.1, np.random.default_rng(0))
    areas = [(b.rows.stop - b.rows.start) * (b.columns.stop - b.columns.start) for b in plan.blocks]
    assert len(areas) == 5
    assert sum(areas) == pytest.approx(0.1 * 19 * 512**2, rel=0.01)


@pytest.mark.parametrize(("n_images", "fraction"), [(40, 0.1), (50, 0.2), (300, 0.1), (41, 0.01)])
def test_many_images_give_runs_with_gap_slices(n_images, fraction):
    plan = plan_validation([(8, 8)] * n_images, fraction, np.random.default_rng(0))
    validated = {block.image for block in plan.blocks}
    held = {block.image for block in plan.held_out}
    assert len(validated) == max(1, round(fraction * n_images))
    neighbours = {i + d for i in validated for d in (-1, 0, 1)} & set(range(n_images))
    assert held == neighbours
    assert all(block.rows == slice(None) for block in plan.held_out)
    n_runs = sum(i - 1 not in validated for i in validated)
    assert n_runs == min(3, len(validated))


def test_groups_are_held_out_whole():
    groups = np.repeat(["a", "b", "c", "d"], 3)
    plan = plan_validation([(8, 8)] * 12, 0.25, np.random.default_rng(0), groups)
    held = sorted(block.image for block in plan.blocks)
    assert len(set(groups[held])) == 1
    assert len(held) == 3
    assert sorted(block.image for block in plan.held_out) == held


def test_at_least_one_group_is_left_to_train_on():
    plan = plan_validation([(8, 8)] * 2, 0.9, np.random.default_rng(0), [0, 1])
    assert len(plan.blocks) == 1


def test_no_fraction_no_plan():
    plan = plan_validation([(8, 8)] * 3, 0.0, np.random.default_rng(0))
    assert plan.blocks == plan.held_out == []


def test_groups_of_wrong_length():
    message = "groups must name one group for each of the 3 images of X; got shape (2,)."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        plan_validation([(8, 8)] * 3, 0.1, np.random.default_rng(0), [1, 2])


def test_groups_of_mixed_kinds():
    message = "groups must be all numbers or all strings, so that they can be told apart; got"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        plan_validation([(8, 8)] * 2, 0.1, np.random.default_rng(0), np.array(["a", None], object))


def test_one_group_is_refused():
    message = (
        "groups must hold at least two groups, one to validate on; got one with labels. Leave "
        "groups out to validate on blocks of the images."
    )
    for groups in ([1, 1, 1], [1, 1, 2]):
        with pytest.raises(InvalidInputError, match=re.escape(message)):
            plan_validation(
                [(8, 8)] * 3, 0.1, np.random.default_rng(0), groups, [True, True, False]
            )

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
def test_few_images_give_a_block_of_each_with_a_margin(sizes, fraction, seed):
    plan = plan_validation(sizes, fraction, np.random.default_rng(seed))
    assert [block.image for block in plan.blocks] == list(range(len(sizes)))
    for block, held, (height, width) in zip(plan.blocks, plan.held_out, sizes, strict=True):
        for span, outer, length in (
            (block.rows, held.rows, height),
            (block.columns, held.columns, width),
        ):
            assert 0 <= span.start < span.stop <= length
            margin = min(8, length // 8)
            assert span.start - outer.start == min(margin, span.start)
            assert outer.stop == span.stop + margin
            assert abs((span.stop - span.start) - length * fraction**0.5) <= 1


@pytest.mark.parametrize(("n_images", "fraction"), [(40, 0.1), (50, 0.2), (300, 0.1), (41, 0.01)])
def test_many_images_give_runs_with_gap_slices(n_images, fraction):
    plan = plan_validation([(8, 8)] * n_images, fraction, np.random.default_rng(0))
    validated = {block.image for block in plan.blocks}
    held = {block.image for block in plan.held_out}
    assert len(validated) == max(1, round(fraction * n_images))
    neighbours = {i + d for i in validated for d in (-1, 0, 1)} & set(range(n_images))
    assert held == neighbours
    assert plan.left_out_images == held
    n_runs = sum(i - 1 not in validated for i in validated)
    assert n_runs == min(3, len(validated))


def test_groups_are_held_out_whole():
    groups = np.repeat(["a", "b", "c", "d"], 3)
    plan = plan_validation([(8, 8)] * 12, 0.25, np.random.default_rng(0), groups)
    held = sorted(block.image for block in plan.blocks)
    assert len(set(groups[held])) == 1
    assert len(held) == 3
    assert plan.left_out_images == set(held)


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
    message = "groups must hold at least two groups, one to validate on; got one."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        plan_validation([(8, 8)] * 3, 0.1, np.random.default_rng(0), [1, 1, 1])

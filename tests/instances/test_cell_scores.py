"""Scores of cells against their definition."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.instances import score_cells


def slow_scores(labels, prob):
    height, width = labels.shape
    scores = []
    for cell in np.unique(labels[labels > 0]):
        wall = []
        for i, j in np.argwhere(labels == cell):
            for k, m in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
                if 0 <= k < height and 0 <= m < width and labels[k, m] != cell:
                    wall.append(prob[max(k - 1, 0) : k + 2, max(m - 1, 0) : m + 2].max())
        inside = np.mean(1 - prob[labels == cell])
        scores.append(inside * (np.mean(wall) if wall else 1.0))
    return scores


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000))
def test_scores_are_the_definition(seed):
    rng = np.random.default_rng(seed)
    labels = np.kron(rng.integers(0, 5, (3, 4)), np.ones((3, 3), int)) * 7
    prob = rng.random(labels.shape)
    (scores,) = score_cells([labels], [prob])
    np.testing.assert_allclose(scores, slow_scores(labels, prob), atol=1e-12)


def test_of_no_cell_and_of_one_cell():
    prob = np.full((1, 4, 4), 0.25)
    assert score_cells(np.zeros((1, 4, 4), int), prob)[0].shape == (0,)
    assert score_cells(np.ones((1, 4, 4), int), prob)[0].tolist() == [0.75]


def test_a_broken_wall_costs(grid):
    maps, labels = grid
    torn = maps.copy()
    torn[:, 3:8, 11:13] = 0.1
    whole, broken = (score_cells(labels, m)[0] for m in (maps, torn))
    assert (broken[:2] < whole[:2] - 0.02).all()
    np.testing.assert_allclose(broken[2:], whole[2:], atol=0.02)


def test_bad_input():
    labels, prob = np.ones((1, 4, 4), int), np.zeros((1, 4, 4))
    with pytest.raises(
        InvalidInputError, match=re.escape("labels[0] is (4, 4) and proba[0] is (4")
    ):
        score_cells(labels, prob[:, :, :3])
    with pytest.raises(InvalidTypeError, match="labels must hold numbers of cells as integers"):
        score_cells(prob, prob)
    with pytest.raises(InvalidTypeError, match="so that it looks like masks"):
        score_cells(labels, labels)

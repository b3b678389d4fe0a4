"""Walls against a flood by hand, and whether doubtful cells are wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from membseg import RidgeSegmenter, make_membranes
from membseg.calibration import cell_confidence
from membseg.exceptions import InvalidInputError, InvalidTypeError


def walls_by_flood(prob, labels):
    """Raise the threshold over all values, and look when each cell first meets another."""
    walls = np.ones(labels.max())
    for level in np.unique(prob)[::-1]:
        regions, _ = ndimage.label(prob <= level)
        for cell in range(1, labels.max() + 1):
            region = set(regions[labels == cell])
            if (
                0 not in region
                and np.isin(regions, list(region))[(labels > 0) & (labels != cell)].any()
            ):
                walls[cell - 1] = level
    return walls


@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    n_steps=st.integers(1, 9),
    threshold=st.sampled_from([0.2, 0.3, 0.5]),
)
def test_walls_are_those_of_a_flood_by_hand(seed, shape, n_steps, threshold):
    prob = np.random.default_rng(seed).integers(0, n_steps + 1, shape) / n_steps
    (cells,) = cell_confidence(prob[np.newaxis], threshold=threshold)
    labels, n_cells = ndimage.label(prob < threshold)
    np.testing.assert_array_equal(cells.labels, labels)
    np.testing.assert_array_equal(cells.wall, walls_by_flood(prob, labels))
    numbers = range(1, n_cells + 1)
    np.testing.assert_array_equal(cells.areas, [np.sum(labels == i) for i in numbers])
    expected = [np.mean(1 - prob[labels == i]) for i in numbers]
    np.testing.assert_allclose(cells.interior, expected)


def test_a_hollow_in_a_wall_is_no_way_through_it():
    # The two cells meet in the hollow of 0.25 over 0.75 and 0.875, not at 0.25.
    prob = np.array([[0.5, 0.25, 0.25, 0.875, 0.0], [0.0, 0.625, 1.0, 0.25, 0.75],
                     [0.75, 0.125, 0.75, 0.25, 0.5], [0.625, 0.125, 0.375, 0.75, 0.75],
                     [0.125, 0.625, 0.125, 0.125, 1.0]])  # fmt: skip
    (cells,) = cell_confidence(prob[np.newaxis], threshold=0.2)
    np.testing.assert_array_equal(cells.wall, walls_by_flood(prob, cells.labels))
    assert cells.wall.min() >= 0.2


def test_by_hand():
    prob = np.array([[0.0, 0.6, 0.2, 0.8, 0.4], [0.2, 0.7, 0.2, 0.9, 0.4]], dtype=np.float32)
    (cells,) = cell_confidence([prob])
    assert cells.labels.tolist() == [[1, 0, 2, 0, 3]] * 2
    assert cells.labels.dtype == np.int32
    assert cells.areas.tolist() == [2, 2, 2]
    np.testing.assert_allclose(cells.interior, [0.9, 0.8, 0.6], rtol=1e-6)
    np.testing.assert_allclose(cells.wall, [0.6, 0.6, 0.8], rtol=1e-6)
    np.testing.assert_allclose(cells.confidence, [0.54, 0.48, 0.48], rtol=1e-6)
    assert sorted(cells.order) == [1, 2, 3]
    assert (np.diff(cells.confidence[cells.order - 1]) >= 0).all()


def test_no_cell_and_a_single_one():
    none, single = cell_confidence([np.ones((2, 3)), np.array([[0.1, 0.9]])])
    assert none.labels.max() == 0
    for values in (none.areas, none.interior, none.wall, none.confidence, none.order):
        assert values.shape == (0,)
    assert single.wall.tolist() == [1.0]
    assert single.confidence == pytest.approx([0.9])


def test_cells_are_cut_as_segmenters_cut():
    # As a float64, this float32 lies below 0.7.
    prob = np.full((1, 1, 3), 0.7, dtype=np.float32)
    (cells,) = cell_confidence(prob, threshold=np.float64(0.7))
    assert cells.labels.max() == 0


def test_bad_maps():
    with pytest.raises(InvalidInputError, match=r"y_prob must hold probabilities in \[0, 1\]"):
        cell_confidence(np.full((1, 2, 2), 2.0))
    with pytest.raises(InvalidTypeError, match="y_prob must hold probabilities as floats"):
        cell_confidence(np.zeros((1, 2, 2), dtype=int))
    with pytest.raises(InvalidInputError, match=r"For a single map write y_prob\[np.newaxis\]"):
        cell_confidence(np.zeros((2, 2)))
    with pytest.raises(InvalidInputError, match="threshold must be a finite number in"):
        cell_confidence(np.zeros((1, 2, 2)), threshold=1.5)


# Whether it finds what is wrong.


def are_right(labels, truth):
    """Whether each predicted cell covers a true one by half of what both cover, or more."""
    true_labels, n_true = ndimage.label(truth == 0)
    both = np.zeros((labels.max() + 1, n_true + 1))
    np.add.at(both, (labels, true_labels), 1)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0) - both
    return (both / either)[1:, 1:].max(axis=1) >= 0.5


def test_cells_behind_walls_that_are_no_membrane_are_less_sure():
    rng = np.random.default_rng(0)
    size = 12
    y_prob, y_true = np.full((2, 8, 8 * size, 8 * size), 0.1)
    false_walls = 0
    for prob, truth in zip(y_prob, y_true, strict=True):
        truth[:] = 0
        truth[::size] = truth[:, ::size] = 1
        prob[truth == 1] = 0.9
        # A wall across the middle of some cells, where there is none.
        for row, column in np.argwhere(rng.random((8, 8)) < 0.3) * size:
            prob[row + 1 : row + size, column + size // 2] = 0.7
            false_walls += 1
        prob[:] = np.clip(prob + rng.normal(0, 0.05, prob.shape), 0, 1)
    cells = cell_confidence(y_prob)
    right = np.concatenate([are_right(c.labels, t) for c, t in zip(cells, y_true, strict=True)])
    assert np.sum(~right) >= false_walls
    sure = np.concatenate([c.confidence for c in cells])
    assert roc_auc_score(right, sure) > 0.95


def test_wrong_cells_of_a_segmenter_are_less_sure():
    right, sure, areas = [], [], []
    for seed in range(3):
        X, y = make_membranes(4, 160, 160, difficulty=0.2, random_state=seed)
        segmenter = RidgeSegmenter(scale=2.0).fit(X[:2], y[:2])
        maps = segmenter.predict_membrane(X[2:])
        for cells, truth in zip(
            cell_confidence(maps, threshold=segmenter.threshold_), y[2:], strict=True
        ):
            right.append(are_right(cells.labels, truth))
            sure.append(cells.confidence)
            areas.append(cells.areas)
    right, sure, areas = (np.concatenate(parts) for parts in (right, sure, areas))
    assert roc_auc_score(right, sure) > 0.65
    # Not only since specks are both wrong and doubtful.
    large = areas >= 30
    assert roc_auc_score(right[large], sure[large]) > 0.65

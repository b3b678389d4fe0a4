"""Merges and splits: planted ones are found and none is invented, slivers do not count."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg import make_membranes
from membseg.analysis import find_merges_and_splits
from membseg.exceptions import InvalidInputError, InvalidTypeError

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def benchmark():
    """Give the script that plants errors."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(EXAMPLES))
        yield import_module("benchmark_merges_splits")


@pytest.fixture(scope="module")
def masks():
    return make_membranes(3, 160, 160, cell_size=40, random_state=3)[1].astype(bool)


def walls(height, width, *columns):
    """A mask with upright walls of a pixel."""
    mask = np.zeros((1, height, width), dtype=np.uint8)
    mask[:, :, list(columns)] = 1
    return mask


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    number=st.integers(0, 2),
    kind=st.sampled_from(["as drawn", "thin walls", "ragged walls", "specks"]),
    n_merges=st.integers(0, 3),
    n_splits=st.integers(0, 3),
)
def test_planted_events_are_found_and_none_is_invented(
    benchmark, masks, seed, number, kind, n_merges, n_splits
):
    rng = np.random.default_rng(seed)
    mask, merged, split = benchmark.plant(masks[number], kind, n_merges, n_splits, rng)
    counts = benchmark.compare(masks[number], mask, merged, split)
    assert counts["merges found"] == counts["merges planted"]
    assert counts["splits found"] == counts["splits planted"]
    assert counts["merges invented"] == counts["splits invented"] == 0


def test_the_planter_plants(benchmark, masks):
    _, merged, split = benchmark.plant(masks[0], "as drawn", 3, 3, np.random.default_rng(0))
    assert merged
    assert split


def test_an_open_wall_is_a_merge():
    y_true = walls(20, 31, 10, 20)
    y_pred = y_true.copy()
    y_pred[0, 8:12, 10] = 0
    (event,) = find_merges_and_splits(y_true, y_pred)
    assert (event.kind, event.image, event.true_labels) == ("merge", 0, (1, 2))
    assert event.predicted_labels == (1,)
    assert event.area == 9 * 20
    assert event.bbox == (0, 0, 20, 20)
    ((row, column),) = event.places
    assert 8 <= row <= 11
    assert abs(column - 10) <= 1


def test_a_false_wall_is_a_split():
    y_true, y_pred = walls(20, 31, 10), walls(20, 31, 10, 16)
    (event,) = find_merges_and_splits(y_true, y_pred)
    assert (event.kind, event.true_labels, event.predicted_labels) == ("split", (2,), (2, 3))
    assert event.area == 5 * 20
    assert event.bbox == (0, 11, 20, 31)
    ((row, column),) = event.places
    assert (round(row), round(column)) in ((9, 16), (10, 16), (9, 17), (10, 17))


def test_all_cell_is_one_merge_and_all_membrane_is_nothing():
    y_true = walls(20, 31, 10, 20)
    (event,) = find_merges_and_splits(y_true, np.zeros_like(y_true), membrane_label=1)
    assert (event.kind, event.true_labels, event.area) == ("merge", (1, 2, 3), 380)
    assert len(event.places) == 2
    assert find_merges_and_splits(y_true, np.ones_like(y_true), membrane_label=1) == []


def test_equal_masks_have_no_events(masks):
    assert find_merges_and_splits(masks, masks) == []


def test_a_wall_that_moved_by_a_pixel_is_no_event():
    y_true, y_pred = walls(40, 30, 10), walls(40, 30, 11)
    assert find_merges_and_splits(y_true, y_pred) == []
    y_pred = walls(40, 30, 8)  # beyond its own width: a strip of the left cell changes sides
    assert find_merges_and_splits(y_true, y_pred) == []
    kinds = {e.kind for e in find_merges_and_splits(y_true, y_pred, tolerance=0, min_share=0.05)}
    assert kinds == {"merge", "split"}


def test_the_largest_loss_comes_first():
    y_true = np.concatenate([walls(20, 40, 10, 20), walls(20, 40, 20)])
    y_pred = y_true.copy()
    y_pred[0, 5:9, 10] = 0
    y_pred[1, 5:9, 20] = 0
    events = find_merges_and_splits(y_true, y_pred)
    assert [event.image for event in events] == [1, 0]
    assert events[0].area > events[1].area


@pytest.mark.parametrize(
    ("limit", "n_events"),
    [({}, 1), ({"min_overlap": 101}, 0), ({"min_share": 0.9}, 1), ({"min_size": 120}, 0)],
)
def test_limits(limit, n_events):
    y_true, y_pred = walls(20, 31, 10), walls(20, 31, 10, 16)
    assert len(find_merges_and_splits(y_true, y_pred, **limit)) == n_events


def test_shares_are_of_the_smaller_cell():
    # The true cell gives the predicted one on the left 80 of its 380 px, which are all of that.
    y_true, y_pred = walls(20, 20), walls(20, 20, 4)
    events = find_merges_and_splits(y_true, y_pred, min_share=1.0, membrane_label=1)
    assert [event.kind for event in events] == ["split"]


def test_thin_cells_are_judged_by_area_alone():
    y_true = walls(40, 20, 6, 8)  # a cell of one pixel between
    y_pred = y_true.copy()
    y_pred[0, 19:21, 8] = 0
    (event,) = find_merges_and_splits(y_true, y_pred)
    assert (event.kind, event.true_labels) == ("merge", (2, 3))


def test_nothing_is_known_where_there_is_no_label():
    y_true = walls(20, 31, 10).astype(int)
    y_true[0, :, 20] = -1
    y_pred = walls(20, 31, 10)
    assert find_merges_and_splits(y_true, y_pred) == []


def test_polarity_and_lists():
    y_true, y_pred = walls(20, 31, 10), walls(20, 31, 10, 16)
    plain = find_merges_and_splits(y_true, y_pred)
    turned = find_merges_and_splits(255 * (1 - y_true), 255 * (1 - y_pred), membrane_label=0)
    listed = find_merges_and_splits(list(y_true), list(y_pred))
    assert plain == turned == listed


@pytest.mark.parametrize(
    ("limit", "error", "text"),
    [
        ({"min_size": 2.5}, InvalidTypeError, "min_size must be a whole number; got 2.5"),
        ({"min_overlap": -1}, InvalidInputError, "min_overlap must be at least 0; got -1"),
        ({"min_share": 1.5}, InvalidInputError, r"min_share must be a finite number in \[0, 1\]"),
        ({"tolerance": -1}, InvalidInputError, "tolerance must be a finite number of at least 0"),
    ],
)
def test_refused_limits(limit, error, text):
    with pytest.raises(error, match=text):
        find_merges_and_splits(walls(9, 9, 4), walls(9, 9, 4), **limit)


def test_sizes_must_agree():
    with pytest.raises(InvalidInputError, match="must agree in height and width"):
        find_merges_and_splits(walls(9, 9, 4), walls(9, 8, 4))

"""Cells of maps: every method, against plain definitions and by properties."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.measure import label as label_regions
from skimage.segmentation import watershed

from membseg import label_cells, make_membranes
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.instances._agglomerate import measure_boundaries, merge_regions
from membseg.instances._spread import spread_cells
from membseg.instances._tidy import fill_holes, part_cells
from membseg.instances._watershed import _depth, flood_cells
from membseg.metrics import label_components, match_instances
from membseg.utils._clean_mask import clean_mask

METHODS = ("threshold", "watershed", "agglomerate")
SEEDS = st.integers(0, 10_000)


def draw_map(seed, shape=(20, 24)):
    """A smooth random map with values all over (0, 1)."""
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.normal(size=shape), rng.uniform(0.5, 2))
    return (0.5 + 0.49 * smooth / np.abs(smooth).max()).astype(np.float32)


@pytest.mark.parametrize("method", METHODS)
def test_cells_of_a_grid(grid, method):
    maps, expected = grid
    labels = label_cells(maps, method)
    assert labels.dtype == np.int32
    for found, image in zip(labels, expected, strict=True):
        assert match_instances([image], [found], threshold=0.99).f1 == 1.0
        np.testing.assert_array_equal(found > 0, image > 0)
    listed = label_cells([maps[0], maps[1][:, :30].astype(np.float64)], method)
    assert isinstance(listed, list)
    np.testing.assert_array_equal(listed[0], labels[0])
    assert listed[1].shape == (37, 30)


@settings(deadline=None, max_examples=60)
@given(seed=SEEDS, method=st.sampled_from(METHODS), threshold=st.sampled_from([0.3, 0.5, 0.7]))
def test_what_every_label_image_is(seed, method, threshold):
    prob = draw_map(seed)
    labels = label_cells([prob], method, threshold=threshold, min_size=4)[0]
    sizes = np.bincount(labels.ravel())
    assert (sizes[1:] >= 4).all()
    for near, far in ((labels[:-1], labels[1:]), (labels[:, :-1], labels[:, 1:])):
        assert ((near == far) | (near == 0) | (far == 0)).all()
    if method != "agglomerate":
        limit = threshold if method == "threshold" else max(threshold, 0.5)
        assert (prob[labels > 0] < limit).all()
    again = label_cells([prob], method, threshold=threshold, min_size=4)[0]
    np.testing.assert_array_equal(labels, again)


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, min_size=st.integers(0, 30))
def test_the_threshold_gives_components(seed, min_size):
    prob = draw_map(seed)
    labels = label_cells([prob], "threshold", threshold=0.5, min_size=min_size)[0]
    np.testing.assert_array_equal(labels, label_components([prob >= 0.5], min_size=min_size)[0])
    regions = label_regions(prob < 0.5, connectivity=1)
    kept = [r for r in range(1, regions.max() + 1) if (regions == r).sum() >= min_size]
    assert labels.max() == len(kept)


def test_gaps_in_walls():
    prob = np.zeros((40, 41), np.float32)
    prob[:, 20] = 0.9
    prob[18:22, 20] = 0.1
    count = {m: int(label_cells([prob], m)[0].max()) for m in METHODS}
    assert count == {"threshold": 1, "watershed": 2, "agglomerate": 2}
    assert label_cells([prob], "threshold", closing=3)[0].max() == 2
    closed = clean_mask(prob >= 0.5, closing=3)
    np.testing.assert_array_equal(label_cells([prob], "threshold", closing=3)[0] > 0, ~closed)
    # Without the wall a neck is no boundary to the mean, but one to the seeds.
    neck = np.ones((40, 41), np.float32)
    neck[1:-1, 1:19] = neck[1:-1, 22:-1] = 0
    neck[18:22, 19:22] = 0.2
    assert label_cells([neck], "watershed")[0].max() == 2
    assert label_cells([neck], "watershed", seed_distance=1)[0].max() == 1
    assert label_cells([neck], "agglomerate", merge_threshold=0.95)[0].max() == 1


@pytest.mark.parametrize("method", ["watershed", "agglomerate"])
def test_weak_walls_are_found_and_all_walls_stay_thin(method):
    prob = np.full((30, 40), 0.05, np.float32)
    prob[:, 8:13] = [0.25, 0.6, 0.9, 0.6, 0.25]
    prob[:, 24:27] = [0.1, 0.35, 0.1]  # weak
    options = {"threshold": 0.2, "merge_threshold": 0.3}
    labels = label_cells([prob], method, wall_threshold=0.5, **options)[0]
    assert labels.max() == 3
    assert np.flatnonzero(labels[10] == 0).tolist() in ([9, 10, 11, 24], [9, 10, 11, 25])
    wide = label_cells([prob], method, wall_threshold=0.1, **options)[0]
    assert np.flatnonzero(wide[10] == 0).tolist() == [8, 9, 10, 11, 12, 25]
    same = label_cells([prob], method, wall_threshold=0.2, **options)[0]
    np.testing.assert_array_equal(wide, same)


def test_false_strands_belong_to_the_cell_when_their_boundary_is_weak():
    prob = np.full((30, 40), 0.1, np.float32)
    prob[:, 20] = 0.95
    prob[10, 2:15] = 0.6  # a strand inside the left cell
    labels = label_cells([prob], "agglomerate", threshold=0.5)[0]
    assert labels.max() == 2
    assert (labels[:, :20] == labels[0, 0]).all()
    assert label_cells([prob], "threshold")[0][10, 5] == 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, 0.2, 1.0])
def test_maps_without_walls_or_without_cells(method, value):
    labels = label_cells(np.full((1, 9, 12), value), method)
    assert labels.max() == (value < 0.5)
    assert label_cells(np.full((1, 1, 1), value), method, min_size=1).max() == (value < 0.5)


def test_sizes_borders_and_holes():
    prob = np.full((1, 40, 40), 0.9)
    prob[0, 5:20, 5:20] = 0.1
    prob[0, 10:13, 10:13] = 0.9  # a hole
    prob[0, 25:40, 25:40] = 0.1  # at the edge
    prob[0, 30:36, 30:36] = 0.9  # not a hole: another cell lies in it
    prob[0, 32:34, 32:34] = 0.1
    prob[0, 2, 30:33] = 0.1
    options = {"method": "threshold", "min_size": 0}
    assert label_cells(prob, **options).max() == 4
    assert label_cells(prob, method="threshold", min_size=5).max() == 2
    filled = label_cells(prob, fill_holes=True, **options)[0]
    assert (filled[5:20, 5:20] == filled[5, 5]).all()
    assert (filled[30:36, 30:36] == 0).sum() == 32
    small = label_cells(prob, method="threshold", min_size=5, fill_holes=True)[0]
    assert (small[25:, 25:] == small[39, 39]).all()
    inner = label_cells(prob, clear_border=True, **options)[0]
    assert inner.max() == 3
    assert inner[39, 39] == 0


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS)
def test_holes_are_what_scipy_fills(seed):
    labels = label_cells([draw_map(seed)], "threshold", min_size=0)[0]
    filled = fill_holes(labels)
    np.testing.assert_array_equal(filled[labels > 0], labels[labels > 0])
    for cell in range(1, labels.max() + 1):
        whole = ndimage.binary_fill_holes(labels == cell, np.ones((3, 3)))
        alone = not (labels[whole & (labels != cell)] > 0).any()
        if alone:
            np.testing.assert_array_equal(filled == cell, whole)


def test_parted_cells_lose_one_line():
    labels = np.repeat([[1, 2, 3]], 4, axis=0).repeat(3, axis=1)
    assert part_cells(labels)[0].tolist() == [1, 1, 0, 2, 2, 0, 3, 3, 3]


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, most=st.sampled_from([0.5, 1, 4, 9.5]))
def test_depth_is_the_distance(seed, most):
    cell = draw_map(seed) < 0.55
    depth = _depth(cell, most)
    expected = np.minimum(ndimage.distance_transform_edt(cell), most)
    np.testing.assert_allclose(depth, most if cell.all() else expected, rtol=1e-6)


# Regions put together.


def slow_boundaries(regions, prob):
    found = {}
    height, width = regions.shape
    for i in range(height):
        for j in range(width):
            for k, m in ((i + 1, j), (i, j + 1)):
                if k < height and m < width and regions[i, j] != regions[k, m]:
                    pair = tuple(sorted((int(regions[i, j]), int(regions[k, m]))))
                    found.setdefault(pair, []).append(float(max(prob[i, j], prob[k, m])))
    return found


def slow_merge(regions, prob, threshold):
    """Look for the weakest boundary, put its two regions together, begin again."""
    regions = regions.copy()
    while True:
        means = {pair: np.mean(v) for pair, v in slow_boundaries(regions, prob).items()}
        if not means or min(means.values()) >= threshold:
            return regions
        a, b = min(means, key=means.get)
        regions[regions == b] = a


@settings(deadline=None, max_examples=20)
@given(seed=SEEDS, threshold=st.sampled_from([0.3, 0.5, 0.6, 0.8]))
def test_merging_is_the_plain_definition(seed, threshold):
    prob = draw_map(seed, (10, 12)).astype(np.float64)
    rng = np.random.default_rng(seed)
    regions = np.kron(rng.permutation(30).reshape(5, 6) + 1, np.ones((2, 2), int))
    first, second, total, count = measure_boundaries(regions, prob)
    expected = slow_boundaries(regions, prob)
    pairs = zip(first.tolist(), second.tolist(), strict=True)
    assert {p: (t, c) for p, t, c in zip(pairs, total, count, strict=True)} == {
        p: (pytest.approx(sum(v)), len(v)) for p, v in expected.items()
    }
    numbers = merge_regions(31, first, second, total, count, threshold)
    merged, slow = numbers[regions], slow_merge(regions, prob, threshold)
    # The same partition, whatever its numbers.
    both = np.unique(merged.astype(np.int64) * 1000 + slow)
    assert len(both) == len(np.unique(merged)) == len(np.unique(slow))


def test_superpixels_cover_everything_and_no_cell_is_lost():
    prob = draw_map(3, (40, 50))
    membrane = prob >= 0.5
    regions = spread_cells(prob, flood_cells(prob, membrane, 2.0), membrane)
    assert (regions > 0).all()
    inside = flood_cells(prob, membrane, 2.0)
    np.testing.assert_array_equal(inside > 0, ~membrane)


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, distance=st.sampled_from([1.0, 2.5]))
def test_the_flood_is_the_watershed_of_all_seeds(seed, distance):
    # In float64 no two pixels are equally high, and nothing depends on the order of equals.
    prob = draw_map(seed).astype(np.float64)
    prob += np.random.default_rng(seed).uniform(0, 1e-3, prob.shape)
    membrane = prob >= 0.55
    depth = np.minimum(_depth(~membrane, distance + 1), distance)
    height = 1 - depth / distance + prob
    deep = _depth(~membrane, distance + 1) > distance
    seeds, n_seeds = ndimage.label(deep)
    parts, n_parts = ndimage.label(~membrane)
    for part in range(1, n_parts + 1):
        if not deep[parts == part].any():
            n_seeds += 1
            seeds[parts == part] = n_seeds
    expected = watershed(height, markers=seeds, mask=~membrane)
    np.testing.assert_array_equal(flood_cells(prob, membrane, distance), expected)


def slow_spread(prob, cells, ground):
    """Look for pixels that can be reached, all at once, level by level."""
    labels = cells.copy()
    height, width = prob.shape
    for level in range(1, 257):
        top = np.inf if level == 256 else level / 256
        while True:
            found = {}
            for i, j in zip(*np.nonzero(ground & (labels == 0) & (prob < top)), strict=True):
                near = [(i - 1, j), (i, j - 1), (i, j + 1), (i + 1, j)]
                near = [(k, m) for k, m in near if 0 <= k < height and 0 <= m < width]
                near = [place for place in near if labels[place] > 0]
                if near:
                    found[i, j] = labels[min(near, key=lambda place: prob[place])]
            if not found:
                break
            for place, label in found.items():
                labels[place] = label
    return labels


@settings(deadline=None, max_examples=20)
@given(seed=SEEDS, dtype=st.sampled_from([np.float32, np.float64]))
def test_spreading_is_the_plain_definition(seed, dtype):
    prob = draw_map(seed, (12, 15)).astype(dtype)
    prob[0, 0], prob[5, 5] = 1, 0
    cells = ndimage.label(prob < 0.4)[0].astype(np.int32)
    ground = np.random.default_rng(seed).random(prob.shape) < 0.9
    found = spread_cells(prob, cells, ground)
    np.testing.assert_array_equal(found, slow_spread(prob, cells, ground))
    # A watershed by a queue of pixels differs where two cells meet, and there only.
    flooded = watershed(prob, markers=cells)
    assert (spread_cells(prob, cells, prob >= 0.4) == flooded).mean() > 0.8


def test_methods_find_the_cells_of_synthetic_slices():
    _, y = make_membranes(2, 96, 96, difficulty=0.1, random_state=0)
    truth = label_components(y)
    blurred = ndimage.gaussian_filter(y.astype(np.float32), (0, 1, 1))
    for method in METHODS:
        labels = label_cells(blurred, method, threshold=0.3)
        assert match_instances(truth, labels).f1 > 0.8, method


# What cannot be used.


@pytest.mark.parametrize(
    ("proba", "error", "message"),
    [
        (np.zeros((2, 9, 9), bool), InvalidTypeError, "so that it looks like masks. The cells of"),
        (np.eye(9, dtype=np.uint8)[None], InvalidTypeError, "label_components(proba)"),
        ([np.arange(9).reshape(3, 3)], InvalidTypeError, "it holds 9 whole numbers, so that it lo"),
        (np.zeros((9, 9)), InvalidInputError, "For a single map write proba[np.newaxis]"),
        (np.zeros((1, 2, 9, 9)), InvalidInputError, "For the result of predict_proba write"),
        (
            np.full((1, 9, 9), -3.0),
            InvalidInputError,
            "For logits write scipy.special.expit(proba)",
        ),
        (np.full((1, 9, 9), np.nan), InvalidInputError, "must be finite"),
        ([], InvalidInputError, "empty list"),
    ],
)
def test_what_is_no_map(proba, error, message):
    with pytest.raises(error, match=re.escape(message)):
        label_cells(proba)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "snakes"}, InvalidInputError, "method must be one of 'threshold', 'watershed'"),
        ({"threshold": 0}, InvalidInputError, "threshold must be a membrane probability, above 0"),
        ({"threshold": 1.0}, InvalidInputError, "and below 1; got 1.0"),
        ({"threshold": "auto"}, InvalidTypeError, "threshold must be a number; got 'auto'"),
        ({"wall_threshold": 0}, InvalidInputError, "wall_threshold must be a membrane probability"),
        ({"merge_threshold": 1.5}, InvalidInputError, "merge_threshold must be a membrane probab"),
        ({"closing": -1}, InvalidInputError, "closing must be a finite number of at least 0"),
        ({"seed_distance": np.inf}, InvalidInputError, "seed_distance must be a finite number"),
        ({"min_size": None}, InvalidTypeError, "min_size must be a number; got None"),
    ],
)
def test_bad_parameters(options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        label_cells(np.zeros((1, 9, 9)), **options)

"""Instance metrics: against plain loops, scikit-image and COCO's own evaluation."""

import re
from itertools import permutations

import numpy as np
import pytest
import skimage.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg import metrics as mm
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.metrics._overlaps import assign, count_overlaps
from membseg.metrics._partitions import partition_scores

COCO = np.linspace(0.5, 0.95, 10)
SEEDS = st.integers(0, 10_000)


def draw_labels(rng, shape=(9, 12), n=6):
    """Blocks of a few numbers, with noise: neither all alike nor all apart."""
    blocks = rng.integers(0, n + 1, (shape[0] // 3, shape[1] // 3))
    labels = np.kron(blocks, np.ones((3, 3), int))
    noisy = rng.random(shape) < rng.choice([0, 0.1, 0.4])
    return np.where(noisy, rng.integers(0, n + 1, shape), labels)


def draw_pair(seed, shape=(9, 12), n=6):
    """A label image, and another one that is like it or not, with numbers of its own."""
    rng = np.random.default_rng(seed)
    truth = draw_labels(rng, shape, n)
    guess = draw_labels(rng, shape, n)
    alike = rng.random(shape) < rng.choice([0, 0.5, 0.9, 1])
    guess = np.where(alike, truth, guess)
    numbers = np.append(0, rng.permutation(np.arange(1, n + 1)) + rng.choice([0, 50, 10**9]))
    return truth, numbers[guess]


def ids_of(labels):
    return [int(i) for i in np.unique(labels) if i]


def slow_ious(truth, guess):
    """Intersection over union of every pair of cells, as a table of fractions."""
    table = np.zeros((len(ids_of(truth)), len(ids_of(guess))))
    for i, a in enumerate(ids_of(truth)):
        for j, b in enumerate(ids_of(guess)):
            both = np.sum((truth == a) & (guess == b))
            table[i, j] = both / np.sum((truth == a) | (guess == b))
    return table


def slow_best_match(table, threshold):
    """Most pairs, then the largest sum, of all choices there are."""
    if table.shape[0] > table.shape[1]:
        table = table.T
    best = (0, 0.0)
    for columns in permutations(range(table.shape[1]), table.shape[0]):
        found = [table[i, j] for i, j in enumerate(columns) if table[i, j] >= threshold]
        best = max(best, (len(found), sum(found)))
    return best


@settings(deadline=None, max_examples=200)
@given(seed=SEEDS, threshold=st.sampled_from([0.01, 0.1, 0.3, 0.5, 0.55, 0.75, 0.95]))
def test_matches_are_the_best_of_all_choices(seed, threshold):
    truth, guess = draw_pair(seed, n=5)
    matches = mm.match_instances([truth], [guess], threshold=threshold)
    n, total = slow_best_match(slow_ious(truth, guess), threshold)
    assert matches.tp == n
    assert matches.ious[0].sum() == pytest.approx(total)
    for a, b in matches.pairs[0]:
        both, either = np.sum((truth == a) & (guess == b)), np.sum((truth == a) | (guess == b))
        assert both / either >= threshold
    assert len({*matches.pairs[0][:, 0]}) == len({*matches.pairs[0][:, 1]}) == n
    n_true, n_pred = len(ids_of(truth)), len(ids_of(guess))
    assert (matches.fp, matches.fn) == (n_pred - n, n_true - n)
    if n:
        quality, f1 = total / n, 2 * n / (n_true + n_pred)
        assert matches.precision == pytest.approx(n / n_pred)
        assert matches.recall == pytest.approx(n / n_true)
        assert matches.f1 == pytest.approx(f1)
        assert matches.accuracy == pytest.approx(n / (n_true + n_pred - n))
        assert matches.segmentation_quality == pytest.approx(quality)
        assert matches.panoptic_quality == pytest.approx(quality * f1)


@pytest.mark.parametrize("seed", range(20))
def test_assignment_of_a_large_crowd_is_scipys(seed):
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(seed)
    table = rng.random((30, 40)) * (rng.random((30, 40)) < 0.1)
    rows, columns = np.nonzero(table)
    chosen = assign(rows, columns, table[rows, columns])
    able = table > 0
    best = linear_sum_assignment(able + table / 60, maximize=True)
    assert len(chosen) == able[best].sum()
    assert table[rows[chosen], columns[chosen]].sum() == pytest.approx(table[best].sum())


def test_a_cell_in_two_halves_is_found_once():
    truth = np.array([[[1, 1, 1, 1]]])
    halves = mm.match_instances(truth, np.array([[[1, 1, 2, 2]]]))
    assert (halves.tp, halves.fp, halves.fn) == (1, 1, 0)


def slow_coco(pairs, scores, threshold, max_detections):
    """COCO's evaluateImg and accumulate, word by word."""
    found, n_true = [], 0
    for (truth, guess), values in zip(pairs, scores, strict=True):
        table = slow_ious(truth, guess)
        n_true += table.shape[0]
        taken = set()
        for d in np.argsort([-v for v in values], kind="mergesort")[:max_detections]:
            best, match = min(threshold, 1 - 1e-10), -1
            for g in range(table.shape[0]):
                if g in taken or table[g, d] < best:
                    continue
                best, match = table[g, d], g
            taken.add(match)
            taken.discard(-1)
            found.append((values[d], match > -1))
    order = np.argsort([-score for score, _ in found], kind="mergesort")
    hits = [found[i][1] for i in order]
    recalls = [sum(hits[: i + 1]) / n_true for i in range(len(hits))]
    precisions = [sum(hits[: i + 1]) / (i + 1) for i in range(len(hits))]
    for i in range(len(hits) - 1, 0, -1):
        precisions[i - 1] = max(precisions[i - 1], precisions[i])
    total = 0.0
    for recall in np.linspace(0, 1, 101):
        reached = [p for r, p in zip(recalls, precisions, strict=True) if r >= recall]
        total += reached[0] if reached else 0.0
    return total / 101


def draw_scored(seed, n_images=2):
    rng = np.random.default_rng(seed)
    pairs = [draw_pair(seed + 100_000 * i) for i in range(n_images)]
    # Few different values, so that many are equal.
    scores = [rng.integers(0, 4, len(ids_of(guess))) / 4 for _, guess in pairs]
    return pairs, scores


@settings(deadline=None, max_examples=150)
@given(
    seed=SEEDS,
    threshold=st.sampled_from([0.2, 0.5, 0.6, 0.95]),
    limit=st.sampled_from([None, 1, 3]),
)
def test_average_precision_is_cocos(seed, threshold, limit):
    pairs, scores = draw_scored(seed)
    truth, guess = ([pair[k] for pair in pairs] for k in (0, 1))
    options = {"threshold": threshold, "max_detections": limit}
    value = mm.instance_average_precision_score(truth, guess, scores, **options)
    assert value == pytest.approx(slow_coco(pairs, scores, threshold, limit))


def test_mean_average_precision_is_the_mean():
    pairs, scores = draw_scored(3)
    truth, guess = ([pair[k] for pair in pairs] for k in (0, 1))
    value = mm.mean_average_precision_score(truth, guess, scores)
    assert value == pytest.approx(np.mean([slow_coco(pairs, scores, t, None) for t in COCO]))
    one = mm.mean_average_precision_score(truth, guess, scores, thresholds=[0.3])
    assert one == mm.instance_average_precision_score(truth, guess, scores, threshold=0.3)


def test_500_pairs_against_pycocotools(capsys):
    coco = pytest.importorskip("pycocotools.coco", reason="needs pycocotools, of the extra 'test'")
    from pycocotools import mask as rle
    from pycocotools.cocoeval import COCOeval

    images = [{"id": i, "height": 9, "width": 12} for i in range(2)]

    def encode(area):
        return rle.encode(np.asfortranarray(area.astype(np.uint8)))

    for seed in range(250):
        pairs, scores = draw_scored(seed)
        truth, guess = ([pair[k] for pair in pairs] for k in (0, 1))
        things, found = [], []
        for i, (t, g) in enumerate(pairs):
            for n in ids_of(t):
                code = encode(t == n)
                things.append(
                    {"id": len(things) + 1, "image_id": i, "category_id": 1, "iscrowd": 0}
                    | {"segmentation": code, "area": float(rle.area(code))}
                )
            for n, score in zip(ids_of(g), scores[i], strict=True):
                found.append(
                    {"image_id": i, "category_id": 1, "score": float(score)}
                    | {"segmentation": encode(g == n)}
                )
        if not things or not found:
            continue
        gt = coco.COCO()
        gt.dataset = {"images": images, "annotations": things}
        gt.dataset |= {"categories": [{"id": 1}], "info": {}}
        gt.createIndex()
        judge = COCOeval(gt, gt.loadRes(found), "segm")
        judge.evaluate()
        judge.accumulate()
        # Thresholds x recalls x categories x areas (all) x limits (100).
        expected = judge.eval["precision"][:, :, 0, 0, 2].mean(axis=1)
        capsys.readouterr()
        value = mm.mean_average_precision_score(truth, guess, scores, max_detections=100)
        assert value == pytest.approx(expected.mean())
        first = mm.instance_average_precision_score(truth, guess, scores)
        assert first == pytest.approx(expected[0])


def slow_aji(truth, guess):
    shared = union = 0
    used = set()
    for a in ids_of(truth):
        best, best_iou = None, 0.0
        for b in ids_of(guess):
            both = np.sum((truth == a) & (guess == b))
            iou = both / np.sum((truth == a) | (guess == b))
            if iou > best_iou:
                best, best_iou = b, iou
        shared += np.sum((truth == a) & (guess == best)) if best else 0
        union += np.sum((truth == a) | (guess == best)) if best else np.sum(truth == a)
        used.add(best)
    union += sum(np.sum(guess == b) for b in ids_of(guess) if b not in used)
    return shared, union


@settings(deadline=None, max_examples=150)
@given(seed=SEEDS)
def test_aggregated_jaccard_of_two_images_is_the_loops(seed):
    pairs = [draw_pair(seed), draw_pair(seed + 10**6)]
    sums = np.sum([slow_aji(*pair) for pair in pairs], axis=0)
    value = mm.aggregated_jaccard_score([p[0] for p in pairs], [p[1] for p in pairs])
    assert value == pytest.approx(sums[0] / sums[1] if sums[1] else 1.0)


@pytest.mark.parametrize("start", range(0, 500, 100))
def test_500_pairs_against_scikit_image(start):
    for seed in range(start, start + 100):
        truth, guess = draw_pair(seed)
        small = np.unique(guess, return_inverse=True)[1].reshape(guess.shape)
        if not truth.any():
            continue
        error, *_ = skimage.metrics.adapted_rand_error(truth, small, ignore_labels=(0,))
        assert mm.adapted_rand_error([truth], [guess]) == pytest.approx(error, abs=1e-12)
        split, merge = skimage.metrics.variation_of_information(truth, small, ignore_labels=(0,))
        found = mm.variation_of_information([truth], [guess])
        assert (found.split, found.merge) == pytest.approx((split, merge), abs=1e-12)
        assert found.total == found.split + found.merge


@settings(deadline=None, max_examples=50)
@given(seed=SEEDS)
def test_rand_error_is_v_rand_but_for_pixels_with_themselves(seed):
    # With every pixel copied 400 times, pairs of a pixel with itself hardly count.
    truth, guess = (np.kron(x, np.ones((20, 20), int)) for x in draw_pair(seed))
    if truth.any():
        v_rand = partition_scores(
            truth, np.unique(guess, return_inverse=True)[1].reshape(truth.shape) + 1
        )[0]
        assert mm.adapted_rand_error([truth], [guess]) == pytest.approx(1 - v_rand, abs=2e-3)


@settings(deadline=None, max_examples=50)
@given(seed=SEEDS)
def test_overlaps_are_counts(seed):
    truth, guess = draw_pair(seed)
    part = count_overlaps(truth, guess)
    assert part.true_ids.tolist() == ids_of(truth)
    assert part.pred_ids.tolist() == ids_of(guess)
    table = np.zeros((len(part.true_ids), len(part.pred_ids)))
    table[part.rows, part.columns] = part.iou
    np.testing.assert_allclose(table, slow_ious(truth, guess))


def ones_for(labels):
    return [np.ones(len(ids_of(image))) for image in labels]


ALL = {
    "matching": lambda t, p: mm.match_instances(t, p).f1,
    "accuracy": mm.instance_accuracy_score,
    "mean accuracy": mm.mean_instance_accuracy_score,
    "panoptic": mm.panoptic_quality_score,
    "aji": mm.aggregated_jaccard_score,
    "ap": lambda t, p: mm.instance_average_precision_score(t, p, ones_for(p)),
    "map": lambda t, p: mm.mean_average_precision_score(t, p, ones_for(p)),
    "rand": lambda t, p: 1 - mm.adapted_rand_error(t, p),
    "information": lambda t, p: float(mm.variation_of_information(t, p).total == 0),
}


@pytest.mark.parametrize("name", ALL)
def test_ends_of_the_scale(name):
    value = ALL[name]
    truth = np.array([[[1, 1, 1, 0, 2, 2, 2]], [[5, 0, 0, 0, 0, 0, 5]]])
    nothing = np.zeros_like(truth)
    assert value(truth, 3 * truth) == 1.0
    assert value(nothing, nothing) == 1.0
    if name != "information":
        assert value(nothing, truth) == 0.0
    if name not in ("rand", "information"):
        assert value(truth, nothing) == 0.0
        assert value([truth[0], nothing[1]], [nothing[0], truth[1]]) == 0.0


def test_single_pixels_make_no_pairs():
    apart = np.arange(1, 7).reshape(1, 2, 3)
    assert mm.adapted_rand_error(apart, apart) == 0.0
    assert mm.adapted_rand_error(apart, np.ones_like(apart)) == pytest.approx(1)
    one = np.array([[[1, 0]]])
    assert mm.adapted_rand_error(one, one) == 0.0


def test_mean_accuracy_is_the_mean():
    truth, guess = draw_pair(5)
    values = [mm.instance_accuracy_score([truth], [guess], threshold=t) for t in COCO]
    assert mm.mean_instance_accuracy_score([truth], [guess]) == pytest.approx(np.mean(values))
    assert mm.mean_instance_accuracy_score([truth], [guess], thresholds=(0.3,)) == (
        mm.instance_accuracy_score([truth], [guess], threshold=0.3)
    )


def test_panoptic_quality_is_its_two_parts():
    truth, guess = draw_pair(6)
    matches = mm.match_instances([truth], [guess])
    assert mm.panoptic_quality_score([truth], [guess]) == matches.panoptic_quality


def test_ten_thousand_cells_are_matched():
    side = np.arange(300) // 3
    truth = (side[:, np.newaxis] * 100 + side + 1)[np.newaxis]
    guess = np.roll(truth, 1, axis=2)
    guess[:, :, 0] = 0
    assert mm.match_instances(truth, guess).tp == 10_000
    assert mm.match_instances(truth, guess, threshold=0.55).tp == 100
    assert mm.match_instances(truth, guess, threshold=0.1).tp == 10_000


# From masks to label images.


def test_components_of_masks():
    y = np.ones((2, 12, 12), np.uint8)
    y[0, 1:6, 1:6] = 0
    y[0, 6:11, 6:11] = 0  # touches over the corner only
    y[0, 0, 11] = 0  # too small
    labels = mm.label_components(y)
    assert labels.dtype == np.int32
    assert [np.bincount(image.ravel()).tolist() for image in labels] == [[94, 25, 25], [144]]
    assert mm.label_components(list(y), min_size=1)[0].max() == 3
    assert mm.label_components(255 * (1 - y), membrane_label=0).max() == 2
    ignored = np.where(np.arange(12) < 3, 9, y)
    assert np.bincount(mm.label_components(ignored, ignore_label=9)[0].ravel()).tolist() == [
        119,
        25,
    ]


# What cannot be scored.


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (np.zeros((4, 4), int), InvalidInputError, "write labels_true[np.newaxis]"),
        (np.zeros((2, 4, 4)), InvalidTypeError, "cells as integers, 0 where there is none; got dt"),
        ([np.zeros((4, 4), "f4")], InvalidTypeError, "labels_true[0] must hold numbers of cells"),
        (np.zeros((2, 4, 4), bool), InvalidTypeError, "is boolean, so that it looks like masks"),
        (np.full((1, 4, 4), -1), InvalidInputError, "labels_true[0] holds -1. Mark pixels"),
        ([], InvalidInputError, "at least one label image; got an empty list"),
        ([np.zeros(4, int)], InvalidInputError, "labels_true[0] has shape (4,)"),
        (np.array([[["a"]]]), InvalidTypeError, "as integers; got dtype <U1"),
        (np.zeros((3, 4, 4), int), InvalidInputError, "the same number of images; got 3 in labe"),
        (np.zeros((2, 4, 5), int), InvalidInputError, "labels_true[0] is (4, 5) and labels_pred[0"),
    ],
)
def test_what_is_no_label_image(labels, error, message):
    with pytest.raises(error, match=re.escape(message)):
        mm.match_instances(labels, np.zeros((2, 4, 4), int))


@pytest.mark.parametrize("value", [1, 255])
def test_a_mask_is_told_from_label_images(value):
    mask = np.zeros((1, 20, 20), np.uint8)
    mask[:, 1:6, 1:6] = mask[:, 8:13, 8:13] = mask[:, 15:20, 15:20] = value
    message = f"it is {value} in 3 separate areas, 0 elsewhere, so that it looks like masks"
    with pytest.raises(InvalidTypeError, match=message):
        mm.panoptic_quality_score(mask, mask)
    # One cell, in pieces or not, is a cell.
    assert mm.panoptic_quality_score(mask[:, :14], mask[:, :14]) == 1.0


def test_label_images_are_told_from_masks():
    labels = np.arange(9).reshape(1, 3, 3)
    with pytest.raises(InvalidInputError, match="This looks like cell ids"):
        mm.iou_score(labels, labels)


@pytest.mark.parametrize("threshold", [0, 1, -0.5, 1.5, 0.0])
def test_thresholds_outside(threshold):
    labels = np.ones((1, 3, 3), int)
    message = re.escape("threshold must be an intersection over union, above 0 and below 1; got")
    with pytest.raises(InvalidInputError, match=message):
        mm.match_instances(labels, labels, threshold=threshold)
    with pytest.raises(InvalidInputError, match=re.escape("thresholds[1] must be an intersection")):
        mm.mean_instance_accuracy_score(labels, labels, thresholds=[0.5, threshold])


def test_bad_thresholds():
    labels = np.ones((1, 3, 3), int)
    with pytest.raises(InvalidTypeError, match="threshold must be a number; got 'best'"):
        mm.match_instances(labels, labels, threshold="best")
    with pytest.raises(InvalidInputError, match="thresholds must hold at least one number above 0"):
        mm.mean_instance_accuracy_score(labels, labels, thresholds=[])
    for bad in ("0.5", 0.5):
        with pytest.raises(InvalidInputError, match="thresholds must be a sequence of numbers abo"):
            mm.mean_instance_accuracy_score(labels, labels, thresholds=bad)


@pytest.mark.parametrize(
    ("scores", "error", "message"),
    [
        (0.5, InvalidInputError, "one array an image; got 0.5 for 1 images"),
        ([[1], [1]], InvalidInputError, "one array an image; got 2 for 1 images"),
        ([[1, 2]], InvalidInputError, "cell of labels_pred[0], shape (1,), in the ascending order"),
        ([[np.nan]], InvalidInputError, "must hold one finite number for each cell"),
        ([["a"]], InvalidTypeError, "scores[0] must hold numbers; got dtype <U1"),
    ],
)
def test_bad_scores(scores, error, message):
    labels = np.ones((1, 3, 3), int)
    with pytest.raises(error, match=re.escape(message)):
        mm.mean_average_precision_score(labels, labels, scores)


def test_bad_numbers_of_detections_and_sizes():
    labels = np.ones((1, 3, 3), int)
    with pytest.raises(InvalidInputError, match="max_detections must be a finite number of at le"):
        mm.mean_average_precision_score(labels, labels, [[1]], max_detections=0)
    with pytest.raises(InvalidInputError, match="min_size must be a finite number of at least 0"):
        mm.label_components(labels, min_size=-1)

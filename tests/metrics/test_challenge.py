"""V_Rand and V_Info: against a literal reading of the definition, by hand, and Fiji's values."""

import json
import math
import re
from collections import Counter, deque

import imageio.v3 as iio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from membseg import metrics as mm
from membseg.exceptions import InvalidInputError, InvalidTypeError

SIDES = ((-1, 0), (0, -1), (0, 1), (1, 0))
KEYS = ("v_rand", "v_rand_merge", "v_rand_split", "v_info", "v_info_merge", "v_info_split")


def beside(shape, i, j):
    return [(i + a, j + b) for a, b in SIDES if 0 <= i + a < shape[0] and 0 <= j + b < shape[1]]


def slow_components(mask):
    """4-connected components by a search; 0 elsewhere."""
    labels = np.zeros(mask.shape, int)
    for i, j in np.argwhere(mask):
        if labels[i, j]:
            continue
        queue, new = deque([(i, j)]), labels.max() + 1
        labels[i, j] = new
        while queue:
            for q in beside(mask.shape, *queue.popleft()):
                if mask[q] and not labels[q]:
                    labels[q] = new
                    queue.append(q)
    return labels


def slow_thinning(cell):
    """Cells grow breadth-first, one pixel served at a time, columns first."""
    labels = slow_components(cell)
    if not cell.any():
        return np.ones(cell.shape, int)
    served, queued, queue = cell.copy(), cell.copy(), deque()
    for j in range(cell.shape[1]):
        for i in range(cell.shape[0]):
            if not cell[i, j] and any(cell[q] for q in beside(cell.shape, i, j)):
                queue.append((i, j))
                queued[i, j] = True
    while queue:
        p = queue.popleft()
        reached = {int(labels[q]) for q in beside(cell.shape, *p) if served[q]} - {0}
        labels[p] = reached.pop() if len(reached) == 1 else 0
        served[p] = True
        for q in beside(cell.shape, *p):
            if not queued[q]:
                queue.append(q)
                queued[q] = True
    return labels


def slow_scores(cell_true, cell_prob, t):
    """Steps 1 to 5 of the definition, with dictionaries."""
    truth, guess = slow_components(cell_true > t), slow_thinning(cell_prob > t)
    pairs = [(int(i), int(j)) for i, j in zip(truth.flat, guess.flat, strict=True) if i > 0]
    n = len(pairs)
    if n == 0:
        return dict.fromkeys(KEYS, 0.0)
    p = {key: value / n for key, value in Counter(pairs).items()}
    a, b = Counter(), Counter()
    for (i, j), share in p.items():
        a[i] += share
        if j:
            b[j] += share
    inner = [share for (_, j), share in p.items() if j]
    p0 = sum(share for (_, j), share in p.items() if not j)
    both = sum(s**2 for s in inner) + p0 / n
    in_truth, in_guess = sum(s**2 for s in a.values()), sum(s**2 for s in b.values()) + p0 / n
    result = {
        "v_rand": both / (in_truth / 2 + in_guess / 2),
        "v_rand_merge": both / in_guess,
        "v_rand_split": both / in_truth,
    }
    s_a = sum(s * math.log(s) for s in a.values())
    s_b = sum(s * math.log(s) for s in b.values()) - p0 * math.log(n)
    s_ab = sum(s * math.log(s) for s in inner) - p0 * math.log(n)
    h_a, h_b = -s_a, -s_b
    shared = h_a - (s_b - s_ab)
    if h_b < 1e-9:
        split, merge = 1.0, 0.0
    elif h_a < 1e-9:
        split, merge = 0.0, 1.0
    else:
        merge, split = shared / h_a, shared / h_b
    total = merge + split
    v_info = 2 * merge * split / total if total > 1e-9 else 0.0
    return result | {"v_info": v_info, "v_info_merge": merge, "v_info_split": split}


def same_partition(first, second):
    """Equal up to the numbers of the labels; 0 is 0."""
    pairs = {(int(a), int(b)) for a, b in zip(first.flat, second.flat, strict=True)}
    ways = [{a for a, _ in pairs}, {b for _, b in pairs}]
    zeros = all((a == 0) == (b == 0) for a, b in pairs)
    return zeros and all(len(way) == len(pairs) for way in ways)


SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 12))


@settings(max_examples=150, deadline=None)
@given(
    membrane=SHAPES.flatmap(lambda s: hnp.arrays(bool, s)),
    density=st.sampled_from([0.1, 0.3, 0.6, 0.9]),
    seed=st.integers(0, 1000),
)
def test_thinning_serves_pixels_one_by_one(membrane, density, seed):
    drawn = np.random.default_rng(seed).random(membrane.shape) < density
    for mask in (membrane, drawn):
        result = mm.thin_borders(mask[np.newaxis].astype(int), membrane_label=1)[0]
        assert same_partition(result, slow_thinning(~mask))


def test_thinning_of_a_larger_mask():
    rng = np.random.default_rng(3)
    for cells in (1, 3, 12, 60):
        membrane = np.ones((40, 37), int)
        membrane[rng.integers(0, 40, cells), rng.integers(0, 37, cells)] = 0
        assert same_partition(mm.thin_borders(membrane[None])[0], slow_thinning(membrane == 0))


def test_thinning_by_hand():
    def thin(row):
        return mm.thin_borders(np.array([[row]]), membrane_label=1)[0, 0].tolist()

    assert thin([0, 1, 0]) == [1, 0, 2]
    # An even gap: the pixel that is served last becomes the dam.
    assert thin([0, 1, 1, 0]) == [1, 1, 0, 2]
    assert thin([0, 1, 1, 1, 0]) == [1, 1, 0, 2, 2]
    assert thin([0, 1, 1]) == [1, 1, 1]
    assert thin([1, 1, 1]) == [1, 1, 1]
    # Columns come first, so in a column too it is the later pixel.
    column = mm.thin_borders(np.array([[[0], [1], [1], [0]]]))
    assert column[0, :, 0].tolist() == [1, 1, 0, 2]
    # Two pixels served in the same round: the left column is before the right one.
    corner = np.array([[[0, 1], [1, 0]]])
    assert mm.thin_borders(corner)[0].tolist() == [[1, 0], [0, 2]]


def test_thinning_keeps_the_layout():
    stack = np.array([[[0, 255, 0]]], np.uint8)
    result = mm.thin_borders(stack)
    assert result.shape == stack.shape
    assert result.dtype == np.int32
    assert isinstance(mm.thin_borders(list(stack)), list)
    with pytest.raises(InvalidInputError, match=re.escape("membrane_mask must have shape")):
        mm.thin_borders(stack[0])


@st.composite
def maps(draw):
    shape = draw(st.tuples(st.integers(1, 2), st.integers(1, 7), st.integers(1, 7)))
    tenths = st.integers(0, 10).map(lambda k: k / 10)
    cell_true = draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, 1)))
    return cell_true, draw(hnp.arrays(np.float64, shape, elements=tenths))


@settings(max_examples=50, deadline=None)
@given(case=maps())
def test_challenge_scores_against_the_text(case):
    cell_true, cell_prob = case
    result = mm.isbi_challenge_scores(cell_true, cell_prob)
    cuts, t = [], 0.0
    for _ in range(11):
        cuts.append(t)
        t += 0.1
    assert result.table["threshold"].tolist() == cuts
    assert cuts[-1] == 0.9999999999999999
    expected = [
        [slow_scores(truth, prob, cut) for cut in cuts]
        for truth, prob in zip(cell_true.astype(float), cell_prob, strict=True)
    ]
    for key in KEYS:
        values = np.array([[cut[key] for cut in image] for image in expected])
        np.testing.assert_allclose(result.per_slice[key], values, atol=1e-9)
        np.testing.assert_allclose(result.table[key], values.mean(axis=0), atol=1e-9)
    for key, best in (("v_rand", result.v_rand), ("v_info", result.v_info)):
        assert best == max(result.table[key])
        at = getattr(result, f"best_threshold_{key}")
        assert result.table[key][cuts.index(at)] == best


def test_grey_truth_is_cut_at_the_same_thresholds():
    rng = np.random.default_rng(0)
    cell_true, cell_prob = rng.random((2, 1, 9, 9))
    result = mm.isbi_challenge_scores(cell_true, cell_prob, thresholds=[0.3, 0.4])
    for k, t in enumerate([0.3, 0.4]):
        expected = slow_scores(cell_true[0], cell_prob[0], t)
        assert result.table["v_rand"][k] == pytest.approx(expected["v_rand"])
        assert result.table["v_info"][k] == pytest.approx(expected["v_info"])


def test_the_last_threshold_is_not_lost_in_float32():
    cell = np.ones((1, 3, 3), np.float32)
    cell[0, 1] = 0
    result = mm.isbi_challenge_scores(cell, cell)
    assert result.table["v_rand"].tolist() == [1.0] * 11


def test_cuts_in_small_batches_give_the_same(monkeypatch):
    rng = np.random.default_rng(1)
    cell_true, cell_prob = rng.random((1, 12, 12)) > 0.2, rng.random((1, 12, 12))
    whole = mm.isbi_challenge_scores(cell_true, cell_prob)
    monkeypatch.setattr("membseg.metrics._partitions._PIXELS_AT_ONCE", 300)
    small = mm.isbi_challenge_scores(cell_true, cell_prob)
    for key, values in whole.table.items():
        np.testing.assert_array_equal(small.table[key], values)


def test_counted_by_hand():
    # Two true cells of 4 and 2 pixels; the prediction runs them together, without a dam.
    cell_true = np.array([[[1, 1, 1, 1, 0, 1, 1]]])
    merged = mm.isbi_challenge_scores(cell_true, np.ones((1, 1, 7)))
    in_truth = (4 / 6) ** 2 + (2 / 6) ** 2
    assert merged.table["v_rand_merge"][0] == pytest.approx(in_truth)
    assert merged.table["v_rand_split"][0] == pytest.approx(1.0)
    assert merged.v_rand == pytest.approx(in_truth / (in_truth / 2 + 1 / 2))
    assert (merged.v_info, merged.table["v_info_merge"][0]) == (0.0, 0.0)
    assert merged.table["v_info_split"][0] == 1.0
    # One true cell of 5, cut in the middle by a dam: parts of 2 and 2, and the dam by itself.
    split = mm.isbi_challenge_scores(np.ones((1, 1, 5)), np.array([[[1, 1, 0, 1, 1]]]))
    in_guess = 2 * (2 / 5) ** 2 + (1 / 5) / 5
    assert split.table["v_rand_split"][0] == pytest.approx(in_guess)
    assert split.table["v_rand_merge"][0] == pytest.approx(1.0)
    assert (split.v_info, split.table["v_info_merge"][0]) == (0.0, 1.0)
    assert split.table["v_info_split"][0] == 0.0


def grid(size=24, step=8):
    mask = np.zeros((1, size, size), np.uint8)
    mask[:, ::step] = 1
    mask[:, :, ::step] = 1
    return mask


def test_membrane_masks_of_any_values_and_cell_maps_agree():
    y = grid()
    cell = 1 - y
    guess = y.copy()
    guess[0, 8, 3] = 0
    expected = mm.isbi_challenge_scores(cell, 1 - guess)
    for y_true, y_score in (
        (y, guess),
        (255 * y, guess.astype(bool)),
        (list(y), list(7.0 * guess)),
        (y, guess.astype(np.float32)),
    ):
        assert mm.v_rand_score(y_true, y_score) == expected.v_rand
        assert mm.v_info_score(y_true, y_score) == expected.v_info
        assert mm.v_rand_score(y_true, y_score, threshold=0.5) == expected.v_rand
        assert mm.v_info_score(y_true, y_score, threshold=0.5) == expected.v_info
    turned = mm.v_rand_score(255 * cell, 255 * (1 - guess), membrane_label=0)
    assert turned == expected.v_rand < 1
    assert mm.v_rand_score(y, y) == mm.v_info_score(y, y) == 1.0


def test_merge_and_split_are_told_apart():
    y = grid()
    gap, extra = y.copy(), y.copy()
    gap[0, 8, 3] = 0
    extra[0, 4] = 1
    for parts in (mm.v_rand_parts, mm.v_info_parts):
        merged, split = parts(y, gap), parts(y, extra)
        assert merged.merge < 0.95 < merged.split
        assert split.split < 0.95 < split.merge
        assert parts(y, y) == mm.PartitionScore(1.0, 1.0, 1.0)


def test_a_number_is_a_membrane_probability():
    y = grid()
    prob = np.where(y == 1, np.float32(0.7), np.float32(0.1))
    # As in predict: at least the threshold, in the precision of the map.
    assert mm.v_rand_score(y, prob, threshold=0.7) == 1.0
    below = mm.v_rand_score(y, prob, threshold=0.71)
    assert below == mm.v_rand_score(y, np.zeros_like(y, dtype=bool))
    cut = mm.v_info_parts(y, prob, threshold=0.4)
    assert cut == mm.v_info_parts(y, prob >= 0.4)


def test_best_is_one_minus_p_in_float64():
    rng = np.random.default_rng(5)
    y, prob = grid(), rng.random((1, 24, 24), dtype=np.float32)
    expected = mm.isbi_challenge_scores(1 - y, 1 - prob.astype(np.float64))
    assert mm.v_rand_score(y, prob) == expected.v_rand
    assert mm.v_info_score(y, prob) == expected.v_info


def test_ignored_pixels_are_dropped_like_membrane():
    y = grid().astype(int)
    guess = y.copy()
    guess[0, 8, 3] = 0
    partly = y.copy()
    partly[0, 10:] = -1
    masked = np.where(partly == -1, 1, y)
    assert mm.v_rand_score(partly, guess) == mm.v_rand_score(masked, guess)
    assert mm.v_rand_score(partly, guess) != mm.v_rand_score(y, guess)


def test_mean_over_slices_with_weights():
    y = np.concatenate([grid(), grid(), np.full((1, 24, 24), 9)])
    guess = np.concatenate([grid(), np.zeros((2, 24, 24), np.uint8)])
    bad = mm.v_rand_score(y[1:2], guess[1:2])
    assert mm.v_rand_score(y, guess, ignore_label=9) == pytest.approx((1 + bad) / 2)
    weighted = mm.v_rand_score(y, guess, ignore_label=9, sample_weight=[3, 1, 1])
    assert weighted == pytest.approx((3 + bad) / 4)


@pytest.mark.parametrize("truth", [0, 1])
@pytest.mark.parametrize("guess", [0, 1])
def test_constant_masks_stay_finite(truth, guess):
    y_true, y_pred = np.full((1, 4, 4), truth), np.full((1, 4, 4), guess)
    for parts in (mm.v_rand_parts, mm.v_info_parts):
        result = parts(y_true, y_pred)
        assert all(np.isfinite([result.score, result.merge, result.split]))
    # One true cell, found whole; and no true cell at all.
    assert mm.v_rand_score(y_true, y_pred) == float(truth == 0)
    assert mm.v_info_score(y_true, y_pred) == 0.0


Y = np.array([[[0, 1, 0]]])


@pytest.mark.parametrize(
    ("y_score", "threshold", "error", "message"),
    [
        (Y * 0.5, "auto", InvalidInputError, 'threshold must be "best" or a number in [0, 1]'),
        (Y * 0.5, 1.5, InvalidInputError, "threshold must be a finite number in [0, 1]; got 1.5"),
        (Y * 0.5, None, InvalidTypeError, "threshold must be a number; got None."),
        (np.array([[[-3.0, 2.0, 5.0]]]), "best", InvalidInputError, "y_score[0] runs from -3 to 5"),
        (np.array([[[1, 2, 3]]]), "best", InvalidInputError, "y_score must hold two values"),
        (Y[:, :, :2], "best", InvalidInputError, "y_true[0] is (1, 3) and y_score[0] is (1, 2)"),
    ],
)
@pytest.mark.parametrize("score", [mm.v_rand_score, mm.v_info_score])
def test_refused(score, y_score, threshold, error, message):
    with pytest.raises(error, match=re.escape(message)):
        score(Y, y_score, threshold=threshold)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((255 * Y, Y), InvalidInputError, "cell_true must lie in [0, 1], 1 = cell; cell_true[0]"),
        ((Y, Y - 1), InvalidInputError, "cell_prob[0] runs from -1 to 0. For grey values"),
        ((Y, Y[0]), InvalidInputError, "For a single map write cell_prob[np.newaxis]."),
        ((Y, np.ones((1, 2, 3, 3))), InvalidInputError, "predict_proba write cell_prob[:, 0]."),
        ((Y, Y[:, :, :2]), InvalidInputError, "cell_true[0] is (1, 3) and cell_prob[0] is (1, 2)"),
        ((Y, Y, []), InvalidInputError, "thresholds must be a sequence of finite numbers"),
        ((Y, Y, [np.nan]), InvalidInputError, "thresholds must be a sequence of finite numbers"),
        ((Y, Y, 0.5), InvalidInputError, "thresholds must be a sequence of finite numbers"),
        ((Y, Y, ["a"]), InvalidTypeError, "thresholds must be numbers; got dtype <U1."),
    ],
)
def test_cell_maps_refused(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        mm.isbi_challenge_scores(*arguments)


def read_cells(folder):
    """Grey values over 255, divided in float32 as Fiji's script has them."""
    paths = sorted(folder.glob("*.png"))
    return [iio.imread(path).astype(np.float32) / np.float32(255) for path in paths]


def expected_values(folder):
    return json.loads((folder / "expected.json").read_text())


@pytest.mark.slow
def test_agrees_with_fiji_near_the_best_thresholds(shared_data):
    oracle = shared_data / "metric_oracle"
    expected = expected_values(oracle)["emthin_32_slices"]
    truth, guess = (read_cells(oracle / "emthin" / name) for name in ("Groundtruth", "Results"))
    cuts = np.add.accumulate([0.0, *[0.1] * 10])[4:8]
    result = mm.isbi_challenge_scores(truth, guess, thresholds=cuts)
    assert result.v_rand == pytest.approx(expected["v_rand"], abs=1e-9)
    assert result.v_info == pytest.approx(expected["v_info"], abs=1e-9)


@pytest.mark.slow
def test_agrees_with_fiji_to_nine_decimals(shared_data):
    oracle = shared_data / "metric_oracle"
    expected = expected_values(oracle)["emthin_32_slices"]
    truth, guess = (read_cells(oracle / "emthin" / name) for name in ("Groundtruth", "Results"))
    result = mm.isbi_challenge_scores(truth, guess)
    assert result.v_rand == pytest.approx(expected["v_rand"], abs=1e-9)
    assert result.v_info == pytest.approx(expected["v_info"], abs=1e-9)
    best = [result.best_threshold_v_rand, result.best_threshold_v_info]
    assert best == pytest.approx(expected["best_threshold"])


@pytest.mark.parametrize(
    "network",
    [
        "CDeep3M",
        "EM-net V1 2x",
        "EM-net V1 4x",
        "EM-net V1 BN",
        "EM-net V1 BN 2x",
        "EM-net V2",
        "EM-net V2 2x",
        "EM-net V2 4x",
        "PReLU-net",
        "ResNet",
        "SegNet",
        "U-net",
        "VGG",
    ],
)
def test_agrees_with_fiji_on_emstellar(shared_data, network):
    oracle = shared_data / "metric_oracle"
    truth = read_cells(oracle / "emstellar" / "Groundtruth")
    guess = read_cells(oracle / "emstellar" / "Networks outputs" / network)
    result = mm.isbi_challenge_scores(truth, guess)
    found = [round(result.v_rand, 5), round(result.v_info, 5)]
    assert found == expected_values(oracle)["emstellar_5dp"][network]

"""The analysis: equal to the metrics, errors counted where they are, the rest in words."""

import csv
import io
import json

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.metrics import precision_recall_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from membseg import CellSegmenter, RidgeSegmenter
from membseg.analysis import analyse, find_merges_and_splits
from membseg.base import SegmenterMixin
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.metrics import SCORERS, score_table
from membseg.quality import membrane_thickness


class Told(SegmenterMixin, BaseEstimator):
    """Predicts what it is told."""

    def __init__(self, maps=None):
        self.maps = maps

    def fit(self, X=None, y=None):
        self.classes_, self.threshold_ = np.array([0, 1]), 0.5
        return self

    def decision_function(self, X):
        inside = np.clip(np.asarray(self.maps, dtype=np.float32), 1e-3, 1 - 1e-3)
        return np.log(inside) - np.log1p(-inside)

    def _check_stack(self, X, **options):
        from membseg.utils import check_images

        return check_images(X)

    def _predict_blocks(self, X, stack):
        whole = self.predict_membrane(X)
        for i, (height, width) in enumerate(stack.sizes):
            yield i, slice(0, height), slice(0, width), whole[i]


def told(masks, X):
    """Analyse masks that somebody predicted."""
    segmenter = Told(0.1 + 0.8 * np.asarray(masks)).fit()
    return lambda y, **options: analyse(segmenter, X, y, n_resamples=20, **options)


def test_scores_are_those_of_the_metrics(stack, segmenter, found):
    X, y = stack
    maps = segmenter.predict_membrane(X[3:])
    table = score_table(y[3:], maps, threshold=segmenter.threshold_)
    assert {row["score"] for row in found.scores} == set(SCORERS) == set(table)
    for row in found.scores:
        assert row["value"] == pytest.approx(table[row["score"]], abs=1e-9), row["score"]
        assert row["higher_is_better"] == (SCORERS[row["score"]].sign > 0)


def test_images_have_the_metrics_of_their_own(stack, segmenter, found):
    X, y = stack
    for i, row in enumerate(found.images):
        part = slice(3 + i, 4 + i)
        maps = segmenter.predict_membrane(X[part])
        table = score_table(y[part], maps, threshold=segmenter.threshold_)
        assert row["image"] == i
        assert {name: row[name] for name in table} == pytest.approx(table)
        assert row["true_membrane"] == pytest.approx(y[3 + i].mean())
        assert row["predicted_membrane"] == pytest.approx(segmenter.predict(X[part]).mean())
        assert row["error"] == pytest.approx(1 - table["accuracy"])
        assert row["missed"] == pytest.approx(1 - table["recall"])
        assert row["invented"] == pytest.approx(1 - table["specificity"])


def test_intervals_hold_the_values_and_come_from_drawn_images(stack, segmenter, found):
    X, y = stack
    for row in found.scores:
        assert row["low"] - 2e-3 <= row["value"] <= row["high"] + 2e-3, row["score"]
    # By hand, for a score that is counted over all pixels.
    rng = np.random.default_rng(0)
    masks = segmenter.predict(X[3:])
    values = []
    for _ in range(400):
        drawn = rng.integers(4, size=4)
        a, b = y[3:][drawn] == 1, masks[drawn] == 1
        values.append((a & b).sum() / (a | b).sum())
    low, high = np.percentile(values, [2.5, 97.5])
    row = next(row for row in found.scores if row["score"] == "iou")
    assert (row["low"], row["high"]) == pytest.approx((low, high), abs=0.004)


def test_equal_seeds_give_equal_intervals(stack, segmenter):
    X, y = stack
    first, second = (analyse(segmenter, X[3:], y[3:], n_resamples=30) for _ in range(2))
    assert first.to_dict() == second.to_dict()


def test_curves_lie_on_those_of_scikit_learn(stack, segmenter, found):
    X, masks = stack
    truth, prob = masks[3:].ravel(), segmenter.predict_membrane(X[3:]).ravel()
    roc = found.curves["roc"]
    assert 20 < len(roc) <= 201
    for row in roc[::10]:
        called = prob.astype(np.float64) >= row["threshold"]
        assert row["false_positive_rate"] == pytest.approx(called[truth == 0].mean())
        assert row["true_positive_rate"] == pytest.approx(called[truth == 1].mean())
    x = [row["false_positive_rate"] for row in roc]
    assert x == sorted(x)
    # As densely as needed for the area below.
    y = [row["true_positive_rate"] for row in roc]
    assert np.trapezoid([0, *y], [0, *x]) == pytest.approx(found["roc_auc"], abs=2e-3)
    precision, recall, cuts = precision_recall_curve(truth, prob)
    for row in found.curves["precision_recall"][:-1:20]:
        place = np.searchsorted(cuts, row["threshold"])
        assert row["recall"] == pytest.approx(recall[place], abs=2e-3)
        assert row["precision"] == pytest.approx(precision[place], abs=2e-3)


@pytest.mark.parametrize("name", ["border", "brightness", "z"])
def test_bins_hold_all_pixels(stack, segmenter, found, name):
    X, y = stack
    wrong = segmenter.predict(X[3:]) != y[3:]
    rows = found.errors[name]
    assert sum(row["n_pixels"] for row in rows) == wrong.size
    assert sum(row["n_membrane"] for row in rows) == (y[3:] == 1).sum()
    total = sum(row["error"] * row["n_pixels"] for row in rows)
    assert total == pytest.approx(wrong.sum())
    assert [row["low"] for row in rows] == sorted(row["low"] for row in rows)


def test_regions_hold_all_pixels_and_the_worst_come_first(stack, segmenter, found):
    X, y = stack
    wrong = segmenter.predict(X[3:]) != y[3:]
    assert sum(row["n_pixels"] for row in found.regions) == wrong.size
    numbers = [row["n_wrong"] for row in found.regions]
    assert numbers == sorted(numbers, reverse=True)
    for row in found.regions:
        part = np.s_[row["image"], row["row0"] : row["row1"], row["column0"] : row["column1"]]
        assert row["n_wrong"] == wrong[part].sum()


def test_errors_near_the_edge_are_seen(stack):
    X, y = stack
    masks = y.copy()
    masks[:, :4] = 1 - masks[:, :4]
    masks[:, -4:] = 1 - masks[:, -4:]
    masks[:, 4:-4, :4] = 1 - masks[:, 4:-4, :4]
    masks[:, 4:-4, -4:] = 1 - masks[:, 4:-4, -4:]
    rows = told(masks, X)(y).errors["border"]
    assert (rows[0]["low"], rows[0]["high"]) == (0, 4)
    assert [row["error"] for row in rows] == [1.0] + [0.0] * (len(rows) - 1)


def test_errors_at_thin_membrane_are_seen():
    X = np.random.default_rng(0).normal(size=(1, 80, 80))
    y = np.zeros((1, 80, 80), int)
    y[0, :, 20:22] = y[0, :, 50:58] = 1
    masks = y.copy()
    masks[0, :, 20:22] = 0
    rows = told(masks, X)(y).errors["thickness"]
    thin = [row for row in rows if row["low"] < 5]
    assert sum(row["n_membrane"] for row in thin) == pytest.approx(160, abs=12)
    assert all(row["missed"] == 1 for row in thin)
    assert all(row["missed"] == 0 for row in rows if row["low"] >= 7)
    widths = membrane_thickness(y)[0].widths
    assert rows[0]["low"] == pytest.approx(widths.min())
    assert rows[-1]["high"] == pytest.approx(widths.max())


def test_errors_in_the_dark_are_seen(stack):
    _, y = stack
    X = np.tile(np.linspace(0, 1, 96), (7, 72, 1))
    masks = y.copy()
    masks[:, :, :16] = 1 - masks[:, :, :16]
    rows = told(masks, X)(y, n_bins=6).errors["brightness"]
    assert len(rows) == 6
    assert rows[0]["error"] > 0.9
    assert max(row["error"] for row in rows[2:]) == 0


def test_errors_of_a_slice_are_seen_and_it_is_the_worst(stack):
    X, y = stack
    masks = y.copy()
    masks[4] = 1 - masks[4]
    found = told(masks, X)(y, n_bins=7)
    assert [row["error"] for row in found.errors["z"]] == [0, 0, 0, 0, 1, 0, 0]
    assert found.worst[0] == 4
    assert found.tables()["images"][0]["image"] == 4
    runs = told(masks, X)(y, n_bins=3).errors["z"]
    assert [(row["low"], row["high"], row["n_images"]) for row in runs] == [
        (0, 2, 3), (3, 4, 2), (5, 6, 2)
    ]  # fmt: skip


def test_losses_rank_the_other_way(stack):
    X, y = stack
    masks = y.copy()
    masks[2] = 1 - masks[2]
    assert told(masks, X)(y, rank_by="log_loss").worst[0] == 2


def test_merges_and_splits_are_those_of_the_masks(stack, segmenter, found):
    X, y = stack
    events = find_merges_and_splits(y[3:], segmenter.predict(X[3:]))
    assert list(found.events) == events
    assert len(found.merges) + len(found.splits) == len(events)
    assert sum(row["merges"] for row in found.images) == len(found.merges)
    assert sum(row["splits"] for row in found.images) == len(found.splits)


def test_cells_of_their_own_are_judged(stack):
    X, y = stack
    cells = CellSegmenter(RidgeSegmenter()).fit(X[:3], y[:3])
    found = analyse(cells, X[3:], y[3:], n_resamples=20)
    pairs = zip(found.images, range(3, 7), strict=True)
    for row, i in pairs:
        expected = SCORERS["panoptic_quality"](cells, X[i : i + 1], y[i : i + 1])
        assert row["panoptic_quality"] == pytest.approx(expected)


def test_a_gap_is_called_overfitting(stack):
    X, y = stack
    bad = 1 - (1 - y) * (np.random.default_rng(0).random(y.shape) < 0.8)
    good = Told(np.concatenate([0.1 + 0.8 * bad[:3], 0.1 + 0.8 * y[3:]])).fit()

    class Both(Told):
        def decision_function(self, X):
            start = 3 if len(X) == 4 else 0
            return super().decision_function(X)[start : start + len(X)]

    both = Both(good.maps).fit()
    found = analyse(both, X[:3], y[:3], X_train=X[3:], y_train=y[3:], n_resamples=50)
    assert found.gap.verdict == "clear"
    assert found.gap.sentence.startswith("Overfitted, or the held-out slices are of another kind")
    row = found.gap.table[0]
    assert row["training"] == 1.0
    assert row["gap"] == pytest.approx(row["training"] - row["held_out"])
    assert row["low"] <= row["gap"] <= row["high"]
    turned = analyse(both, X[3:], y[3:], X_train=X[:3], y_train=y[:3], n_resamples=50)
    assert turned.gap.verdict == "none"
    assert str(turned.gap).startswith("No sign of overfitting: the IoU")
    losses = {row["score"]: row["gap"] for row in found.gap.table}
    assert losses["log_loss"] > 0


def test_slight_overfitting(stack):
    X, y = stack
    worse = y.copy()
    for mask in worse[:3]:
        places = np.argwhere(mask == 1)[::20]
        mask[tuple(places.T)] = 0
    maps = 0.1 + 0.8 * worse

    class Both(Told):
        def decision_function(self, X):
            start = 3 if len(X) == 4 else 0
            return super().decision_function(X)[start : start + len(X)]

    both = Both(maps).fit()
    found = analyse(both, X[:3], y[:3], X_train=X[3:], y_train=y[3:], n_resamples=50)
    assert found.gap.verdict == "slight"
    assert "The held-out numbers are the ones to quote" in found.gap.sentence


def test_a_single_image_tells_nothing_about_others(stack, segmenter):
    X, y = stack
    found = analyse(segmenter, X[3:4], y[3:4], X_train=X[:3], y_train=y[:3], n_resamples=10)
    assert all(np.isnan(row["low"]) and np.isnan(row["high"]) for row in found.scores)
    assert found.gap.verdict == "unknown"
    assert "cannot be told from a single image" in found.gap.sentence
    assert found.to_dict()["scores"][0]["low"] is None
    assert "accuracy" in str(found)


def test_images_without_labels_are_left_out(stack):
    X, y = stack
    sparse = y.astype(int)
    sparse[1] = -1
    sparse[2, :30] = -1
    found = told(y, X)(sparse)
    assert [row["image"] for row in found.images] == [0, 2, 3, 4, 5, 6]
    assert sum(row["n_pixels"] for row in found.errors["border"]) == (sparse >= 0).sum()


def test_truth_of_one_class(stack):
    X, _ = stack
    y = np.zeros((7, 72, 96), int)
    found = told(y, X)(y)
    assert found.curves == {"roc": (), "precision_recall": ()}
    assert found.errors["thickness"] == ()
    json.dumps(found.to_dict(), allow_nan=False)


def test_images_of_several_sizes_and_pipelines(stack, segmenter):
    X, y = stack
    Xs, ys = [X[3], X[4][:50, :60]], [y[3], y[4][:50, :60]]
    pipeline = make_pipeline(FunctionTransformer(), segmenter)
    found = analyse(pipeline, Xs, ys, n_resamples=10)
    assert (found.segmenter, len(found.images)) == ("RidgeSegmenter", 2)


def test_everything_is_plain(stack, found, tmp_path):
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert json.loads(text)["overfitted"]["verdict"] == found.gap.verdict
    tables = found.tables()
    paths = found.save_csv(tmp_path)
    assert {path.stem for path in paths} == {name for name, rows in tables.items() if rows}
    for path in paths:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
        assert len(rows) == len(tables[path.stem])
        assert list(rows[0]) == list(tables[path.stem][0])
    assert found.to_csv("scores") == (tmp_path / "scores.csv").read_text(encoding="utf-8")
    frame = found.to_frame("scores")
    assert frame.loc[frame["score"] == "iou", "value"].item() == found["iou"]
    shown = str(found)
    assert f"iou          {found['iou']:.3f}" in shown
    assert f"worst images by iou: {found.worst[0]}" in shown


def test_texts_are_no_formulas():
    from membseg.analysis._tables import as_csv

    assert as_csv([{"a": "=1+1", "b": -1.5, "c": None}]) == "a,b,c\n'=1+1,-1.5,\n"
    assert as_csv([]) == ""


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"rank_by": "beauty"}, InvalidInputError, "rank_by must be one of 'accuracy', .*'beauty'"),
        ({"region_size": 0}, InvalidInputError, "region_size must be at least 1; got 0"),
        ({"n_bins": 1.5}, InvalidTypeError, "n_bins must be a whole number; got 1.5"),
        ({"n_resamples": 0}, InvalidInputError, "n_resamples must be at least 1; got 0"),
        ({"level": 1.0}, InvalidInputError, "level must be the share of the draws"),
        ({"tolerance": -1}, InvalidInputError, "tolerance must be a finite number"),
        ({"X_train": 1}, InvalidInputError, "must be given together; y_train is None"),
        ({"y_train": 1}, InvalidInputError, "must be given together; X_train is None"),
    ],
)
def test_refused_parameters(stack, segmenter, options, error, text):
    X, y = stack
    with pytest.raises(error, match=text):
        analyse(segmenter, X[3:], y[3:], **options)


def test_unknown_names(found):
    with pytest.raises(InvalidInputError, match=r"score must be one of accuracy, .*got 'beauty'"):
        _ = found["beauty"]
    with pytest.raises(InvalidInputError, match=r"table must be one of scores, .*got 'beauty'"):
        found.to_csv("beauty")
    with pytest.raises(InvalidInputError, match="table must be one of scores"):
        found.to_frame("beauty")


def test_masks_must_fit(stack, segmenter):
    X, y = stack
    with pytest.raises(InvalidInputError, match="must agree in height and width"):
        analyse(segmenter, X[3:], y[3:, :50])
    with pytest.raises(InvalidInputError, match="requires y to be passed"):
        analyse(segmenter, X[3:], None)

"""Scorers by name, in scikit-learn's own tools, on a segmenter that is a threshold."""

import pickle
import re
from collections import Counter
from typing import ClassVar

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from membseg import metrics as mm
from membseg.exceptions import InvalidInputError, InvalidTypeError

NEGATED = {
    "hausdorff",
    "brier",
    "log_loss",
    "ece",
    "adapted_rand_error",
    "variation_of_information",
}
OF_MASKS = {
    "accuracy": mm.pixel_accuracy_score,
    "precision": mm.precision_score,
    "recall": mm.recall_score,
    "f1": mm.f1_score,
    "dice": mm.dice_score,
    "iou": mm.iou_score,
    "cell_iou": mm.cell_iou_score,
    "mean_iou": mm.mean_iou_score,
    "specificity": mm.specificity_score,
    "balanced_accuracy": mm.balanced_accuracy_score,
    "matthews": mm.matthews_score,
    "boundary_f1": mm.boundary_f1_score,
    "cldice": mm.cldice_score,
    "hausdorff": mm.hausdorff_distance,
    "v_rand_mask": mm.v_rand_score,
    "v_info_mask": mm.v_info_score,
}
OF_MAPS = {
    "roc_auc": mm.roc_auc_score,
    "average_precision": mm.average_precision_score,
    "brier": mm.brier_loss,
    "log_loss": mm.log_loss,
    "ece": mm.expected_calibration_error,
    "v_rand": mm.v_rand_score,
    "v_info": mm.v_info_score,
}


def of_components(metric):
    """Turn a metric of label images into one of masks."""
    return lambda truth, guess: metric(mm.label_components(truth), mm.label_components(guess))


OF_CELLS = {
    "instance_precision": of_components(lambda t, p: mm.match_instances(t, p).precision),
    "instance_recall": of_components(lambda t, p: mm.match_instances(t, p).recall),
    "instance_f1": of_components(lambda t, p: mm.match_instances(t, p).f1),
    "instance_accuracy": of_components(mm.instance_accuracy_score),
    "mean_instance_accuracy": of_components(mm.mean_instance_accuracy_score),
    "panoptic_quality": of_components(mm.panoptic_quality_score),
    "aggregated_jaccard": of_components(mm.aggregated_jaccard_score),
    "adapted_rand_error": of_components(mm.adapted_rand_error),
    "variation_of_information": of_components(lambda t, p: mm.variation_of_information(t, p).total),
}


class Threshold(BaseEstimator):
    """Dark is membrane: the smallest segmenter that keeps the contract."""

    calls: ClassVar = Counter()

    def __init__(self, cut=0.5, cell=0, membrane=1, ignore_label=None):
        self.cut = cut
        self.cell = cell
        self.membrane = membrane
        self.ignore_label = ignore_label

    def fit(self, X, y, sample_weight=None):
        dtype = np.asarray(y[0]).dtype
        self.classes_ = np.array([self.cell, self.membrane], dtype)
        self.weighted_ = sample_weight is not None
        return self

    def predict_proba(self, X):
        self.calls["predict_proba"] += 1
        maps = [np.stack([x, 1 - x]).astype(np.float32) for x in X]
        return maps if isinstance(X, list) else np.stack(maps)

    def predict(self, X):
        self.calls["predict"] += 1
        masks = [self.classes_[(1 - x >= self.cut).astype(int)] for x in X]
        return masks if isinstance(X, list) else np.stack(masks)


@pytest.fixture
def data():
    """Six noisy pictures of a grid of dark lines."""
    rng = np.random.default_rng(0)
    y = np.zeros((6, 18, 18), int)
    y[:, 5::6] = 1
    y[:, :, 5::6] = 1
    return np.clip(0.8 - 0.5 * y + rng.normal(0, 0.15, y.shape), 0, 1), y


@pytest.fixture
def fitted(data):
    return Threshold().fit(*data)


def test_every_metric_has_a_scorer():
    assert set(mm.SCORERS) == set(OF_MASKS) | set(OF_MAPS) | set(OF_CELLS)


@pytest.mark.parametrize("name", mm.SCORERS)
def test_scorer_is_the_metric(name, data, fitted):
    X, y = data
    scorer = mm.get_scorer(name)
    if name in OF_MASKS:
        expected = OF_MASKS[name](y, fitted.predict(X))
        assert scorer.response == "predict"
    elif name in OF_CELLS:
        expected = OF_CELLS[name](y, fitted.predict(X))
        assert scorer.response == "predict_instances"
    else:
        expected = OF_MAPS[name](y, fitted.predict_proba(X)[:, 1])
        assert scorer.response == "predict_proba"
    assert scorer.sign == (-1 if name in NEGATED else 1)
    value = scorer(fitted, X, y)
    assert type(value) is float
    assert value == pytest.approx(scorer.sign * expected)
    assert scorer(fitted, list(X), list(y)) == pytest.approx(value)


@pytest.mark.parametrize("name", mm.SCORERS)
@pytest.mark.parametrize("per_pixel", [False, True])
def test_scorer_takes_weights(name, per_pixel, data, fitted):
    X, y = data
    weight = np.array([1.0, 1, 0, 0, 0, 0])
    if per_pixel:
        weight = np.broadcast_to(weight[:, None, None], y.shape)
    scorer = mm.get_scorer(name)
    weighted = scorer(fitted, X, y, sample_weight=weight)
    assert weighted == pytest.approx(scorer(fitted, X[:2], y[:2]))


@pytest.mark.parametrize("name", mm.SCORERS)
@pytest.mark.parametrize("truth", [0, 1])
@pytest.mark.parametrize("guess", [0, 1])
def test_scores_of_constant_masks_are_finite(name, truth, guess, fitted):
    X, y = np.full((2, 7, 7), 1.0 - guess), np.full((2, 7, 7), truth)
    assert np.isfinite(mm.SCORERS[name](fitted, X, y))


@pytest.mark.parametrize("name", mm.SCORERS)
def test_values_of_classes_do_not_matter(name, data, fitted):
    X, y = data
    turned = Threshold(cell=255, membrane=0).fit(X, y.astype(np.uint8))
    codes = np.where(y == 1, 0, 255).astype(np.uint8)
    scorer = mm.SCORERS[name]
    assert scorer(turned, X, codes) == pytest.approx(scorer(fitted, X, y))


@pytest.mark.parametrize("name", mm.SCORERS)
def test_ignored_pixels_change_nothing(name, data):
    X, y = data
    partly, wrong = y.copy(), X.copy()
    partly[:, 9:], wrong[:, 9:] = 7, 0.0
    segmenter = Threshold(ignore_label=7).fit(X, y)
    scorer = mm.SCORERS[name]
    if name not in ("v_rand", "v_info", "v_rand_mask", "v_info_mask"):
        # Partitions grow across the ignored part; pixels and membranes there do not count.
        assert scorer(segmenter, wrong, partly) == pytest.approx(scorer(segmenter, X, partly))
    assert np.isfinite(scorer(segmenter, wrong, partly))


def test_one_slice_of_one_class_is_scored_with_the_segmenters_classes(data, fitted):
    X, y = data
    all_membrane = np.ones_like(y[:1])
    assert mm.SCORERS["recall"](fitted, 0 * X[:1], all_membrane) == 1.0
    assert mm.SCORERS["iou"](fitted, 0 * X[:1] + 1, 0 * y[:1]) == 1.0


def test_cross_val_score_and_cross_validate(data):
    X, y = data
    scores = cross_val_score(Threshold(), X, y, scoring=mm.get_scorer("iou"), cv=3)
    parts = [test for _, test in KFold(3).split(X)]
    expected = [mm.iou_score(y[p], Threshold().fit(X, y).predict(X[p])) for p in parts]
    assert scores.tolist() == pytest.approx(expected)
    for scoring in (mm.make_scoring("iou", "brier"), {k: mm.SCORERS[k] for k in ("iou", "brier")}):
        result = cross_validate(Threshold(), X, y, scoring=scoring, cv=3)
        assert result["test_iou"].tolist() == pytest.approx(expected)
        assert (result["test_brier"] < 0).all()


def test_cross_validate_with_every_scorer(data):
    result = cross_validate(Threshold(), *data, scoring=mm.make_scoring(*mm.SCORERS), cv=2)
    for name in mm.SCORERS:
        assert np.isfinite(result[f"test_{name}"]).all()


def test_grid_search_with_several_metrics(data):
    X, y = data
    search = GridSearchCV(
        Threshold(),
        {"cut": [0.2, 0.45, 0.9]},
        scoring=mm.make_scoring("iou", "v_rand_mask"),
        refit="iou",
        cv=2,
    ).fit(X, y)
    assert search.best_params_ == {"cut": 0.45}
    assert search.score(X, y) == pytest.approx(mm.iou_score(y, search.predict(X)))
    assert mm.SCORERS["iou"](search, X, y) == search.score(X, y)


def test_make_scoring_predicts_once_a_method(data, fitted):
    Threshold.calls.clear()
    values = mm.make_scoring("iou", "dice", "cldice", "brier", "ece")(fitted, *data)
    assert Threshold.calls == {"predict": 1, "predict_proba": 1}
    assert values == {name: mm.SCORERS[name](fitted, *data) for name in values}
    Threshold.calls.clear()
    mm.make_scoring("iou", "dice", "panoptic_quality")(fitted, *data)
    assert Threshold.calls == {"predict": 1}


def test_pipeline_and_search_hand_on_the_segmenters_contract(data):
    X, y = data
    y = np.where(np.arange(18) < 3, 7, y)
    pipe = make_pipeline(FunctionTransformer(validate=False), Threshold(ignore_label=7)).fit(X, y)
    plain = Threshold(ignore_label=7).fit(X, y)
    for name in mm.SCORERS:
        assert mm.SCORERS[name](pipe, X, y) == mm.SCORERS[name](plain, X, y)
    scores = cross_val_score(pipe, X, y, scoring=mm.SCORERS["dice"], cv=3)
    assert np.isfinite(scores).all()
    search = GridSearchCV(pipe, {"threshold__cut": [0.5]}, scoring=mm.SCORERS["v_rand"], cv=2)
    assert mm.SCORERS["iou"](search.fit(X, y), X, y) == mm.SCORERS["iou"](plain, X, y)


class Halved(Threshold):
    """Knows more of cells than its masks tell: every component in two parts."""

    def predict_instances(self, X):
        self.calls["predict_instances"] += 1
        columns = np.arange(np.shape(X[0])[1]) % 6 >= 3
        labels = [2 * mm.label_components(mask[np.newaxis])[0] for mask in self.predict(X)]
        return [np.where(image > 0, image + columns, 0) for image in labels]


def test_segmenters_with_instances_are_scored_by_them(data):
    X, y = data
    X = np.kron(X, np.ones((3, 3)))
    y = np.kron(y, np.ones((3, 3), int))
    halved = Halved(cut=0.45).fit(X, y)
    halved.calls.clear()
    scores = mm.make_scoring(*OF_CELLS)(halved, X, y)
    assert halved.calls["predict_instances"] == 1
    labels, truth = np.stack(halved.predict_instances(X)), mm.label_components(y)
    assert scores["instance_recall"] == mm.match_instances(truth, labels).recall
    assert scores["instance_recall"] < mm.SCORERS["instance_recall"](
        Threshold(cut=0.45).fit(X, y), X, y
    )
    pipe = make_pipeline(FunctionTransformer(validate=False), Halved(cut=0.45)).fit(X, y)
    search = GridSearchCV(Halved(), {"cut": [0.45]}, scoring=mm.SCORERS["panoptic_quality"], cv=2)
    search.fit(X, y)
    ignoring = Halved(cut=0.45, ignore_label=7).fit(X, y)
    partly = np.where(np.arange(54) < 18, 7, y)
    for name, value in scores.items():
        assert mm.SCORERS[name](pipe, X, y) == value
        assert mm.SCORERS[name](search, X, y) == value
        assert np.isfinite(mm.SCORERS[name](ignoring, X, partly))


@pytest.mark.parametrize("per_pixel", [False, True])
@pytest.mark.parametrize(
    ("scoring", "key"),
    [
        (mm.get_scorer("iou"), "score"),
        (mm.make_scoring("iou", "ece"), "iou"),
        ({"iou": mm.get_scorer("iou"), "ece": mm.get_scorer("ece")}, "iou"),
    ],
)
def test_searches_weigh_scores_without_routing(scoring, key, per_pixel, data):
    X, y = data
    weight = np.array([1.0, 2, 3, 4, 5, 6])
    if per_pixel:
        weight = np.broadcast_to(weight[:, None, None], y.shape)
    search = GridSearchCV(Threshold(), {"cut": [0.5]}, scoring=scoring, cv=2, refit=False)
    search.fit(X, y, sample_weight=weight)
    predicted = Threshold().fit(X, y).predict(X[:3])
    expected = mm.iou_score(y[:3], predicted, sample_weight=weight[:3])
    assert search.cv_results_[f"split0_test_{key}"][0] == pytest.approx(expected)


@pytest.mark.parametrize("per_pixel", [False, True])
def test_weights_reach_scorers_with_routing(per_pixel, data):
    X, y = data
    weight = np.array([1.0, 2, 3, 4, 5, 6])
    if per_pixel:
        weight = np.broadcast_to(weight[:, None, None], y.shape)
    predicted = Threshold().fit(X, y).predict(X[:3])
    expected = mm.iou_score(y[:3], predicted, sample_weight=weight[:3])
    with config_context(enable_metadata_routing=True):
        segmenter = Threshold().set_fit_request(sample_weight=True)
        for scorer in (mm.get_scorer("iou"), mm.make_scoring("iou")):
            result = cross_validate(
                segmenter,
                X,
                y,
                scoring=scorer.set_score_request(sample_weight=True),
                cv=2,
                params={"sample_weight": weight},
            )
            key = "test_score" if "test_score" in result else "test_iou"
            assert result[key][0] == pytest.approx(expected)


def test_a_request_stays_with_its_copy():
    asked = mm.get_scorer("iou").set_score_request(sample_weight=True)
    requests = asked.get_metadata_routing().score.requests
    assert requests == {"sample_weight": True}
    fresh = mm.get_scorer("iou").get_metadata_routing().score.requests
    assert fresh == {"sample_weight": None}


@pytest.mark.parametrize("scorer", [mm.SCORERS["iou"], mm.make_scoring("iou", "ece")])
def test_pickle_and_repr(scorer, data, fitted):
    again = pickle.loads(pickle.dumps(scorer))
    assert repr(again) == repr(scorer)
    assert again(fitted, *data) == scorer(fitted, *data)
    assert "iou" in repr(scorer)


def test_works_in_other_processes(data):
    result = cross_validate(
        clone(Threshold()), *data, scoring=mm.make_scoring("iou", "v_info"), cv=2, n_jobs=2
    )
    assert np.isfinite(result["test_v_info"]).all()


def test_score_table_is_the_metrics(data, fitted):
    X, y = data
    prob = fitted.predict_proba(X)[:, 1]
    table = mm.score_table(y, prob, threshold=0.5)
    assert list(table) == list(mm.SCORERS)
    for name, value in table.items():
        assert value == pytest.approx(mm.SCORERS[name].sign * mm.SCORERS[name](fitted, X, y))
    assert table["v_rand"] == mm.v_rand_score(y, prob)
    assert table["v_rand_mask"] == mm.v_rand_score(y, prob, threshold=0.5)
    turned = mm.score_table(255 * (1 - y), prob, threshold=0.5, membrane_label=0)
    assert turned == table


def test_score_table_with_ignored_pixels_and_weights(data):
    X, y = data
    partly = np.where(np.arange(18) < 4, 9, y)
    options = {"threshold": 0.4, "ignore_label": 9}
    table = mm.score_table(partly, 1 - X, sample_weight=[1, 0, 0, 0, 0, 0], **options)
    assert table == pytest.approx(mm.score_table(partly[:1], 1 - X[:1], **options))


def test_score_table_refuses_a_threshold_outside(data):
    X, y = data
    with pytest.raises(InvalidInputError, match=re.escape("number in [0, 1]; got 2.")):
        mm.score_table(y, X, threshold=2)


@pytest.mark.parametrize("make", [mm.get_scorer, mm.make_scoring, mm.SegmentationScorer])
def test_unknown_names_list_the_known(make):
    with pytest.raises(InvalidInputError) as caught:
        make("jaccard")
    assert "got 'jaccard'." in str(caught.value)
    assert all(repr(name) in str(caught.value) for name in mm.SCORERS)


def test_no_names_are_refused():
    with pytest.raises(InvalidInputError, match="names must hold at least one scorer"):
        mm.make_scoring()


class Broken(Threshold):
    """Probabilities of the wrong shape."""

    def predict_proba(self, X):
        return np.zeros((len(X), 3, *X.shape[1:]))


def test_segmenters_outside_the_contract_are_refused(data):
    X, y = data
    with pytest.raises(InvalidTypeError, match="estimator must be a fitted segmenter"):
        mm.SCORERS["iou"](Threshold(), X, y)
    broken = Broken().fit(X, y)
    message = "predict_proba(X) must have shape (n_images, 2, height, width)"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        mm.SCORERS["brier"](broken, X, y)
    fitted = Threshold().fit(X, y)
    with pytest.raises(InvalidInputError, match=re.escape("6 in y and 5 in predict(X)")):
        mm.SCORERS["iou"](fitted, X[:5], y)
    with pytest.raises(InvalidInputError, match=re.escape("y must hold labelled pixels of pos")):
        mm.SCORERS["iou"](Threshold(ignore_label=7).fit(X, y), X, np.full_like(y, 7))

"""Searches leave a record a candidate, and one of the refit."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, KFold

from membseg import ThresholdSegmenter, get_scorer, make_scoring
from membseg.exceptions import InvalidInputError, InvalidTypeError, RecordError
from membseg.records import list_records, record_search, reproduce

GRID = {"sigma": [0.0, 2.0]}


def search(slices, **options):
    return GridSearchCV(ThresholdSegmenter(), GRID, cv=KFold(3), **options).fit(*slices)


def test_candidates_and_refit(slices, tmp_path):
    X, y = slices
    found = search(slices, scoring=make_scoring("iou", "ece"), refit="iou")
    records = record_search(found, X, y, scoring="iou", folder=tmp_path, name="grid", tags=["a"])
    assert len(records) == 3
    results = found.cv_results_
    for number in range(2):
        record = records[number]
        assert record.parameters["sigma"] == GRID["sigma"][number]
        assert record.scores["cv"]["iou"] == results["mean_test_iou"][number]
        # A loss gets its own sign back.
        assert record.scores["cv"]["ece"] == -results["mean_test_ece"][number]
        folds = [-results[f"split{i}_test_ece"][number] for i in range(3)]
        assert record.fold_scores["ece"] == folds
        assert record.timings["fit"] == results["mean_fit_time"][number]
        assert record.origin["rank"] == results["rank_test_iou"][number]
        assert record.data["cv"]["n_images"] == 6
        assert (record.name, record.tags) == ("grid", ["a"])
    refit = records[2]
    assert refit.origin["is_refit"]
    assert refit.scores["train"]["iou"] == found.best_estimator_.score(X, y)
    assert {record.origin["group"] for record in records} == {refit.origin["group"]}
    assert {record.origin["kind"] for record in records} == {"GridSearchCV"}
    listed = list_records(tmp_path, sort_by="cv_iou")
    assert listed[0].parameters["sigma"] == found.best_params_["sigma"]
    assert reproduce(refit, X, y).is_identical
    with pytest.raises(RecordError, match="is of a cross-validation"):
        reproduce(records[0], X, y)


@pytest.mark.parametrize(
    ("scoring", "refit", "name"),
    [
        (get_scorer("brier"), True, "brier"),
        (None, True, "score"),
        ({"mine": get_scorer("brier")}, "mine", "mine"),
        ({"other": lambda e, X, y: 1.0}, "other", "other"),
    ],
)
def test_names_of_scores(slices, scoring, refit, name):
    X, y = slices
    record = record_search(search(slices, scoring=scoring, refit=refit), X, y, scoring="iou")[0]
    assert list(record.scores["cv"]) == [name]
    assert record.scores["cv"][name] > 0


def test_without_a_refit_only_candidates(slices):
    assert len(record_search(search(slices, refit=False), *slices)) == 2


def test_a_test_set_for_the_refit(slices):
    X, y = slices
    found = search((X[:5], y[:5]))
    records = record_search(found, X[:5], y[:5], X_test=X[5:], y_test=y[5:], scoring="iou")
    assert records[2].scores == {"test": {"iou": found.best_estimator_.score(X[5:], y[5:])}}


def test_a_candidate_that_failed_has_no_scores(slices):
    X, y = slices
    grid = {"sigma": [1.0, -1.0]}
    found = GridSearchCV(ThresholdSegmenter(), grid, cv=KFold(3), error_score=np.nan)
    with pytest.warns(Warning, match=r"fits failed|non-finite"):
        found.fit(X, y)
    good, bad, _ = record_search(found, X, y, scoring="iou")
    assert list(good.scores["cv"]) == ["score"]
    assert bad.scores["cv"] == {}


def test_unusable_arguments(slices, tmp_path):
    X, y = slices
    unfitted = GridSearchCV(ThresholdSegmenter(), GRID)
    with pytest.raises(InvalidTypeError, match="search must be a fitted search with cv_results_"):
        record_search(unfitted, X, y)
    with pytest.raises(InvalidInputError, match="y_test must be given where X_test is"):
        record_search(search(slices), X, y, X_test=X)

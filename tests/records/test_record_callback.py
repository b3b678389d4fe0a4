"""Every fit that callbacks hear of is written down."""

import importlib.util

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline

from membseg.exceptions import (
    InvalidInputError,
    MissingDependencyError,
    RecordError,
    RecordWarning,
)
from membseg.preprocessing import CLAHE
from membseg.records import RecordCallback, list_records, reproduce

pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks since 1.9")


def test_a_fit_with_its_epochs(quick, slices, tmp_path):
    X, y = slices
    callback = RecordCallback(
        tmp_path, X_test=X[4:], y_test=y[4:], scoring="iou", name="net", tags="a", markdown=True
    )
    segmenter = quick().set_callbacks(callback).fit(X[:4], y[:4])
    (record,) = list_records(tmp_path)
    assert record.history == segmenter.history_
    assert record.n_steps == 2
    assert record.timings["fit"] == segmenter.fit_time_
    assert record.scores == {"test": {"iou": segmenter.score(X[4:], y[4:])}}
    assert (record.name, record.tags) == ("net", ["a"])
    assert record.origin["kind"] == "UNetSegmenter"
    assert (tmp_path / f"{record.id}.md").exists()
    assert reproduce(record, X[:4], y[:4], X_test=X[4:], y_test=y[4:]).is_identical


def test_without_a_test_set_the_history_alone(quick, slices, tmp_path):
    X, y = slices
    quick().set_callbacks(RecordCallback(tmp_path)).fit(X, y)
    (record,) = list_records(tmp_path)
    assert record.scores == {}
    assert len(record.history) == 2
    assert reproduce(record, X, y).is_identical


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_every_candidate_in_every_fold_and_the_refit(quick, slices, tmp_path, n_jobs):
    X, y = slices
    grid = {"learning_rate": [1e-3, 2e-3]}
    search = GridSearchCV(quick(epochs=1), grid, cv=KFold(2), n_jobs=n_jobs)
    search.set_callbacks(RecordCallback(tmp_path)).fit(X, y)
    records = list_records(tmp_path)
    assert len(records) == 5
    rates = [record.parameters["learning_rate"] for record in records]
    assert sorted(rates)[:2] == [1e-3, 1e-3]
    assert {record.origin["kind"] for record in records} == {"GridSearchCV"}
    assert len({record.origin["group"] for record in records}) == 1
    assert sorted(record.data["train"]["n_images"] for record in records) == [3, 3, 3, 3, 6]
    tasks = [record.origin["path"][-1]["task"] for record in records]
    assert tasks.count("refit-with-best-params") == 1


def test_in_a_cross_validation(quick, slices, tmp_path):
    X, y = slices
    segmenter = quick(epochs=1).set_callbacks(RecordCallback(tmp_path))
    cross_validate(segmenter, X, y, cv=KFold(2))
    assert [record.data["train"]["n_images"] for record in list_records(tmp_path)] == [3, 3]


def test_in_a_pipeline_the_segmenter(quick, slices, tmp_path):
    X, y = slices
    pipeline = make_pipeline(CLAHE(), quick()).set_callbacks(RecordCallback(tmp_path))
    with pytest.warns(UserWarning, match="CLAHE does not support callbacks"):
        pipeline.fit(X, y)
    (record,) = list_records(tmp_path)
    assert record.estimator_class == "UNetSegmenter"
    assert record.origin["kind"] == "Pipeline"
    assert record.data["train"]["dtype"] == str(CLAHE().fit_transform(X, y).dtype)


def test_it_changes_no_bit(quick, slices, tmp_path):
    X, y = slices
    watched = quick().set_callbacks(RecordCallback(tmp_path)).fit(X, y)
    plain = quick().fit(X, y)
    np.testing.assert_array_equal(plain.decision_function(X), watched.decision_function(X))


def test_a_record_that_cannot_be_written_costs_no_fit(quick, slices, tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise RecordError("the disk is full")

    monkeypatch.setattr("membseg.records._record_callback.save_record", full)
    segmenter = quick().set_callbacks(RecordCallback(tmp_path))
    with pytest.warns(RecordWarning, match="The fit is not recorded: the disk is full"):
        segmenter.fit(*slices)
    assert len(segmenter.history_) == 2


def test_a_folder_that_went_away_is_told_before_the_fit(quick, slices, tmp_path):
    callback = RecordCallback(tmp_path / "runs")
    (tmp_path / "runs").rmdir()
    (tmp_path / "runs").touch()
    segmenter = quick().set_callbacks(callback)
    with pytest.raises(RecordError, match="folder must be a folder, or the path of one to make"):
        segmenter.fit(*slices)
    assert not hasattr(segmenter, "history_")


def test_unusable_arguments(slices, tmp_path):
    with pytest.raises(InvalidInputError, match="y_test must be given where X_test is"):
        RecordCallback(tmp_path, X_test=slices[0])
    with pytest.raises(InvalidInputError, match="name must be one of"):
        RecordCallback(tmp_path, scoring="nothing")


def test_without_callbacks_in_scikit_learn(tmp_path, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n: None if n == "sklearn.callback" else found(n)
    )
    with pytest.raises(
        MissingDependencyError, match=r"RecordCallback needs scikit-learn 1.9 or newer"
    ):
        RecordCallback(tmp_path)

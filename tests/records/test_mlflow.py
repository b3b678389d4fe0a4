"""A record in a tracking store of MLflow's, read back by its own client."""

import dataclasses
import os
import sys

import numpy as np
import pytest

import membseg
from membseg.exceptions import InvalidTypeError, MissingDependencyError, RecordError
from membseg.records import ExperimentRecord, log_to_mlflow, record_experiment
from membseg.records._mlflow import _beside

pytest.importorskip("mlflow", reason="needs mlflow-skinny, of the extra 'mlflow'")
pytest.importorskip("sqlalchemy", reason="MLflow keeps runs in SQLite by way of SQLAlchemy")
pytest.importorskip("alembic", reason="MLflow makes its tables by way of alembic")

pytestmark = pytest.mark.filterwarnings(
    # MLflow is behind with what SQLAlchemy advises.
    "ignore:The ``noload`` loader strategy is deprecated"
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A folder for a store, which takes seconds to make."""
    return tmp_path_factory.mktemp("tracking")


@pytest.fixture(scope="module")
def uri(store):
    return f"sqlite:///{store}/runs.db"


@pytest.fixture
def client(uri):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def record(fitted, slices, folder):
    """A record with a picture and a model."""
    picture = folder / "own.png"
    picture.write_bytes(b"picture")
    X, y = slices
    return record_experiment(
        fitted,
        X[:4],
        y[:4],
        X_test=X[4:],
        y_test=y[4:],
        scoring=["iou", "ece"],
        folder=folder,
        name="net",
        notes="first",
        tags=["a", "b"],
        figures={"own": picture},
        save_model=True,
    )


@pytest.fixture(scope="module")
def run_id(record, fitted, uri, folder):
    """The run of it, with everything."""
    return log_to_mlflow(record, tracking_uri=uri, folder=folder, model=fitted)


def test_parameters_scores_and_tags(client, run_id, record):
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "net"
    assert client.get_experiment(run.info.experiment_id).name == "membseg"
    assert run.data.params == {name: str(v) for name, v in record.parameters.items()}
    for name, value in record.scores["test"].items():
        assert run.data.metrics[f"test_{name}"] == value
    assert run.data.metrics["n_steps"] == 2
    assert run.data.metrics["fit_seconds"] == record.timings["fit"]
    assert run.data.metrics["n_parameters"] == record.fitted["n_parameters"]
    tags = run.data.tags
    assert tags["membseg.record"] == record.id
    assert tags["membseg.tags"] == "a; b"
    assert tags["mlflow.note.content"] == "first"
    assert tags["membseg.environment.numpy"] == np.__version__


def test_metrics_of_each_epoch(client, run_id, record):
    for name in ("loss", "val_loss", "learning_rate"):
        history = client.get_metric_history(run_id, name)
        assert [metric.step for metric in history] == [1, 2]
        assert [metric.value for metric in history] == [row[name] for row in record.history]


def test_artifacts_lie_beside_the_store_and_come_back(
    client, run_id, record, fitted, slices, store, tmp_path
):
    X, _ = slices
    text = client.download_artifacts(run_id, "record.json", str(tmp_path))
    with open(text, encoding="utf-8") as file:
        assert ExperimentRecord.from_json(file.read()) == record
    card = client.download_artifacts(run_id, "model_card.md", str(tmp_path))
    with open(card, encoding="utf-8") as file:
        assert file.read() == record.to_markdown()
    picture = f"figures/{record.figures['own']}"
    with open(client.download_artifacts(run_id, picture, str(tmp_path)), "rb") as file:
        assert file.read() == b"picture"
    (model,) = client.list_artifacts(run_id, "model")
    loaded = membseg.load(client.download_artifacts(run_id, model.path, str(tmp_path)))
    np.testing.assert_array_equal(loaded.decision_function(X), fitted.decision_function(X))
    assert (store / "mlartifacts").is_dir()


def test_the_records_own_model_and_folds(client, record, uri, folder):
    folds = dataclasses.replace(record, fold_scores={"iou": [0.25, 0.5]}, name=None)
    run_id = log_to_mlflow(folds, tracking_uri=uri, experiment="other", folder=folder)
    run = client.get_run(run_id)
    assert run.info.run_name == record.id
    assert client.get_experiment(run.info.experiment_id).name == "other"
    history = client.get_metric_history(run_id, "fold_iou")
    assert [(metric.step, metric.value) for metric in history] == [(0, 0.25), (1, 0.5)]
    (model,) = client.list_artifacts(run_id, "model")
    assert model.path == f"model/{record.model_file['path']}"


def test_many_and_long_parameters(client, make_record, uri):
    parameters = {f"p{i}": "x" * 9000 if i == 0 else i for i in range(150)}
    history = [{"loss": float(i)} for i in range(1200)]
    record = make_record("many", parameters=parameters, history=history)
    run_id = log_to_mlflow(record, tracking_uri=uri)
    found = client.get_run(run_id).data.params
    assert len(found) == 150
    assert 5000 <= len(found["p0"]) < 6000
    assert len(client.get_metric_history(run_id, "loss")) == 1200


def test_nothing_is_sent_and_nothing_global_changes(make_record, uri, monkeypatch):
    import mlflow
    from mlflow.telemetry import track

    heard = []
    monkeypatch.setattr(track, "_add_telemetry_record", lambda *a, **k: heard.append(a))
    monkeypatch.setattr("mlflow.telemetry.utils._IS_IN_CI_ENV_OR_TESTING", False)
    monkeypatch.setattr("mlflow.telemetry.client._MLFLOW_TELEMETRY_CLIENT", object())
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
    environment = dict(os.environ)
    log_to_mlflow(make_record("quiet"), tracking_uri=uri)
    assert heard == []
    assert dict(os.environ) == environment
    assert mlflow.active_run() is None
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    log_to_mlflow(make_record("quiet2"), tracking_uri=uri)
    assert heard == []
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "false"


def test_a_run_that_broke_off_is_marked(client, make_record, uri, monkeypatch):
    def broken(self):
        raise OSError("the disk is full")

    monkeypatch.setattr(ExperimentRecord, "to_markdown", broken)
    with pytest.raises(RecordError, match="could not: the disk is full"):
        log_to_mlflow(make_record("broken", name="broken"), tracking_uri=uri)
    experiment = client.get_experiment_by_name("membseg").experiment_id
    (run,) = client.search_runs([experiment], "run_name = 'broken'")
    assert run.info.status == "FAILED"


def test_unusable_arguments(make_record, uri, tmp_path):
    with pytest.raises(InvalidTypeError, match="record must be an ExperimentRecord; got int"):
        log_to_mlflow(3, tracking_uri=uri)
    with pytest.raises(InvalidTypeError, match="tracking_uri must be a str; got"):
        log_to_mlflow(make_record(), tracking_uri=tmp_path)
    with pytest.raises(InvalidTypeError, match="experiment must be a str; got int"):
        log_to_mlflow(make_record(), tracking_uri=uri, experiment=3)
    with pytest.raises(RecordError, match="tracking_uri must be a store that MLflow can write to"):
        log_to_mlflow(make_record(), tracking_uri="nonsense://x")
    figure = make_record(figures={"a": "a.png"})
    with pytest.raises(RecordError, match=r"folder must be the one .* there is no a.png in"):
        log_to_mlflow(figure, tracking_uri=uri, folder=tmp_path)
    with pytest.raises(InvalidTypeError, match="folder must be a path"):
        log_to_mlflow(figure, tracking_uri=uri, folder=3)


def test_without_mlflow(make_record, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(
        MissingDependencyError, match=r"needs the package 'mlflow'.*membseg\[mlflow"
    ):
        log_to_mlflow(make_record(), tracking_uri="sqlite:///runs.db")


def test_where_artifacts_go(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    beside = (tmp_path / "mlartifacts").as_uri()
    assert _beside("sqlite:///runs.db") == beside
    assert _beside(f"sqlite:///{tmp_path}/runs.db") == beside
    assert _beside("https://example.org:5000/x") is None
    assert _beside("sqlite://") is None

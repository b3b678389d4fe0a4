"""Records in a tracking store of MLflow's."""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from membseg.exceptions import InvalidTypeError, RecordError
from membseg.records._attachments import save_model_file
from membseg.records._files import check_path
from membseg.records._fingerprint import short_digest
from membseg.records._record import ExperimentRecord
from membseg.utils import import_optional

#: What MLflow takes at most: parameters and tags, and metrics, in one call; characters.
_MOST_TEXTS, _MOST_METRICS = 100, 1000
_LONGEST = 5000

#: MLflow sends what is done with it to its makers, unless this is set.
_NO_TELEMETRY = "MLFLOW_DISABLE_TELEMETRY"


def log_to_mlflow(
    record: ExperimentRecord,
    *,
    tracking_uri: str,
    experiment: str = "membseg",
    folder: str | os.PathLike[str] | None = None,
    model: Any = None,
) -> str:
    """Log a record as a run of MLflow.

    A run has the parameters; the history as metrics with the epoch as step; the scores as
    ``<set>_<score>``, those of folds with the fold as step; name, notes, tags, versions and
    digests of the data as tags; and as artifacts the record, its model card, its figures and the
    model. Nothing is sent to MLflow's makers, and no run becomes the active one.

    Parameters
    ----------
    record : ExperimentRecord
        The record.
    tracking_uri : str
        Where MLflow keeps runs: ``"sqlite:///runs.db"`` or the address of a server. Artifacts of a
        new experiment in an SQLite file lie beside it, in a folder ``mlartifacts``.
    experiment : str, default="membseg"
        Name of MLflow's experiment; made where it does not exist.
    folder : str or path-like or None, default=None
        The folder that the record was written to, for its figures and its model. None logs
        none of them.
    model : segmenter or None, default=None
        The fitted segmenter, saved by :func:`membseg.save` as an artifact; None takes the
        record's model file, if there is one.

    Returns
    -------
    str
        MLflow's identifier of the run.

    Raises
    ------
    RecordError
        If the store cannot be written to, or a file of the record is missing.
    InvalidTypeError
        If an argument is of a wrong kind.
    MissingDependencyError
        If MLflow is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from membseg import ThresholdSegmenter, make_membranes, record_experiment
    >>> from membseg.records import log_to_mlflow
    >>> X, y = make_membranes(3, 48, 48, random_state=0)
    >>> record = record_experiment(ThresholdSegmenter().fit(X, y), X, y, scoring="iou")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = log_to_mlflow(record, tracking_uri=f"sqlite:///{folder}/runs.db")
    >>> len(run)
    32
    """
    if not isinstance(record, ExperimentRecord):
        raise InvalidTypeError(
            f"record must be an ExperimentRecord; got {type(record).__name__}. Use load_record "
            "for a file."
        )
    for name, value in (("tracking_uri", tracking_uri), ("experiment", experiment)):
        if not isinstance(value, str):
            raise InvalidTypeError(f"{name} must be a str; got {type(value).__name__}.")
    files = _find_files(record, folder)
    with _without_telemetry(), warnings.catch_warnings():
        # MLflow is behind with what SQLAlchemy advises, which is no business of the caller's.
        warnings.simplefilter("ignore", DeprecationWarning)
        mlflow = import_optional("mlflow", extra="mlflow", purpose="Logging to MLflow")
        try:
            client = mlflow.MlflowClient(tracking_uri=tracking_uri)
            run = client.create_run(
                _find_experiment(client, experiment, tracking_uri),
                start_time=_milliseconds(record),
                run_name=record.name or record.id,
            ).info.run_id
            try:
                _log(client, run, record, files, model)
            except BaseException:  # an interruption too leaves no run that seems to go on
                client.set_terminated(run, status="FAILED")
                raise
            client.set_terminated(run)
        except _errors(mlflow) as error:
            raise RecordError(
                "tracking_uri must be a store that MLflow can write to, such as "
                f"'sqlite:///runs.db'; it could not: {error}"
            ) from error
    return run


def _log(
    client: Any, run: str, record: ExperimentRecord, files: list[tuple[Path, str]], model: Any
) -> None:
    from mlflow.entities import Metric, Param, RunTag

    time = _milliseconds(record)
    params = [Param(name, _text(value)) for name, value in record.parameters.items()]
    tags = [RunTag(name, _text(value)) for name, value in _tags(record).items()]
    metrics = [Metric(name, float(value), time, step) for name, value, step in _metrics(record)]
    for start in range(0, len(params), _MOST_TEXTS):
        client.log_batch(run, params=params[start : start + _MOST_TEXTS])
    for start in range(0, len(tags), _MOST_TEXTS):
        client.log_batch(run, tags=tags[start : start + _MOST_TEXTS])
    for start in range(0, len(metrics), _MOST_METRICS):
        client.log_batch(run, metrics=metrics[start : start + _MOST_METRICS])
    client.log_text(run, record.to_json(), "record.json")
    client.log_text(run, record.to_markdown(), "model_card.md")
    for path, place in files:
        if model is None or place != "model":
            client.log_artifact(run, os.fspath(path), place)
    if model is not None:
        with tempfile.TemporaryDirectory() as scratch:
            file = save_model_file(model, Path(scratch), record.id)
            client.log_artifact(run, os.fspath(Path(scratch) / file["path"]), "model")


def _metrics(record: ExperimentRecord) -> Iterator[tuple[str, float, int]]:
    """Give names, values and steps."""
    for number, row in enumerate(record.history, start=1):
        epoch = int(row.get("epoch") or number)
        for name, value in row.items():
            if name != "epoch" and value is not None:
                yield name, value, epoch
    for part, scores in record.scores.items():
        for name, value in scores.items():
            yield f"{part}_{name}", value, 0
    for name, values in record.fold_scores.items():
        for fold, value in enumerate(values):
            yield f"fold_{name}", value, fold
    for name, value in record.timings.items():
        yield f"{name}_seconds", value, 0
    for group in (record.fitted, record.memory):
        for name, value in group.items():
            yield name, value, 0
    if record.n_steps is not None:
        yield "n_steps", record.n_steps, 0


def _tags(record: ExperimentRecord) -> dict[str, Any]:
    found = {
        "membseg.record": record.id,
        "membseg.segmenter": record.estimator_class,
        "membseg.tags": "; ".join(record.tags) or None,
        "membseg.origin": (record.origin or {}).get("kind"),
        "membseg.group": (record.origin or {}).get("group"),
        # The two that MLflow's own pages show.
        "mlflow.note.content": record.notes,
        "mlflow.source.git.commit": record.environment.get("git_commit"),
    }
    found |= {f"membseg.data.{part}": short_digest(d) for part, d in record.data.items()}
    found |= {f"membseg.environment.{name}": v for name, v in record.environment.items()}
    return {name: value for name, value in found.items() if value is not None}


def _find_files(record: ExperimentRecord, folder: Any) -> list[tuple[Path, str]]:
    """List the files of a record with the places that they get."""
    if folder is None:
        return []
    check_path(folder, "folder")
    found = [(Path(folder) / path, "figures") for path in record.figures.values()]
    if record.model_file:
        found.append((Path(folder) / record.model_file["path"], "model"))
    for path, _ in found:
        if not path.is_file():
            raise RecordError(
                f"folder must be the one that the record was written to; there is no {path.name} "
                f"in {os.fspath(folder)!r}. Give another folder, or None to log no files."
            )
    return found


def _find_experiment(client: Any, name: str, tracking_uri: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return found.experiment_id
    return client.create_experiment(name, artifact_location=_beside(tracking_uri))


def _beside(tracking_uri: str) -> str | None:
    """Where artifacts go: beside a file of SQLite, instead of in whatever folder is the current."""
    parts = urlsplit(tracking_uri)
    path = unquote(parts.path.removeprefix("/"))
    if parts.scheme != "sqlite" or not path:
        return None
    return (Path(path).resolve().parent / "mlartifacts").as_uri()


def _milliseconds(record: ExperimentRecord) -> int:
    return int(datetime.fromisoformat(record.created).timestamp() * 1000)


def _text(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


def _errors(mlflow: Any) -> tuple[type[Exception], ...]:
    """Classes of errors that a store can raise, whatever it is made of."""
    found: list[type[Exception]] = [mlflow.exceptions.MlflowException, OSError]
    try:
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        # Stores in data bases need it, servers do not.
        return tuple(found)
    return (*found, SQLAlchemyError)


@contextmanager
def _without_telemetry() -> Iterator[None]:
    """Keep MLflow from sending anything to its makers, and put the environment back."""
    before = os.environ.get(_NO_TELEMETRY)
    os.environ[_NO_TELEMETRY] = "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_NO_TELEMETRY]
        else:
            os.environ[_NO_TELEMETRY] = before

"""A training repeated from its record."""

from collections.abc import Mapping
from typing import Any

from sklearn.base import clone

from membseg.exceptions import InvalidTypeError, MembsegError, RecordError
from membseg.records._environment import describe_environment
from membseg.records._fingerprint import check_same_data, fingerprint
from membseg.records._make import check_pair, digest_fit_params, label_options
from membseg.records._parameters import check_estimator, describe_parameters
from membseg.records._record import ExperimentRecord
from membseg.records._reproduction import Reproduction
from membseg.records._scoring import score
from membseg.utils import encode_masks, innermost

#: What decides the last digits, besides the record's own parameters.
_DECISIVE = ("membseg", "keras", "tensorflow", "jax", "numpy", "backend", "cpu", "n_cpus")


def reproduce(
    record: ExperimentRecord,
    X: Any,
    y: Any,
    *,
    X_test: Any = None,
    y_test: Any = None,
    fit_params: Mapping[str, Any] | None = None,
    estimator: Any = None,
) -> Reproduction:
    """Train again what a record tells of, and compare.

    The segmenter is built from the record and fitted to the same data; where the clock had decided
    when to stop, it takes the recorded number of steps. On the same machine with the same
    versions the scores are then the same to the last digit.

    Parameters
    ----------
    record : ExperimentRecord
        The record.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        The images that it was made with.
    y : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Their masks.
    X_test : array-like of shape (n_images, height, width[, channels]) or list, default=None
        The images that it was scored on, where it was.
    y_test : array-like of shape (n_images, height, width) or list of arrays, default=None
        Their masks.
    fit_params : dict of str to object or None, default=None
        What fit was given besides `X` and `y`, where it was.
    estimator : segmenter or None, default=None
        The segmenter to fit, with the recorded parameters, where it cannot be built from the
        record alone: a network of your own, for example. It is left as it is.

    Returns
    -------
    Reproduction
        Old and new scores and their differences; it prints as text.

    Raises
    ------
    RecordError
        If the data are not those of the record (the message names the first images that differ),
        or the record is not of one fit, has nothing to compare, or its segmenter cannot be built.
    InvalidInputError, InvalidTypeError
        If an argument cannot be used.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, make_membranes, record_experiment, reproduce
    >>> X, y = make_membranes(3, 48, 48, random_state=0)
    >>> record = record_experiment(ThresholdSegmenter().fit(X, y), X, y, scoring="iou")
    >>> reproduce(record, X, y).is_identical
    True
    """
    if not isinstance(record, ExperimentRecord):
        raise InvalidTypeError(
            f"record must be an ExperimentRecord; got {type(record).__name__}. Use load_record "
            "for a file."
        )
    check_pair(X_test, y_test)
    _check_record(record)
    unfitted = _build(record, estimator)
    _check_data(record, unfitted, X, y, X_test, y_test)
    _check_fit_params(record, fit_params)
    doubts = _doubts(record) + _fix_steps(unfitted, record)
    fitted = unfitted.fit(X, y, **(fit_params or {}))
    sets = {"train": (X, y), "test": (X_test, y_test)}
    scores = {
        part: score(fitted, *sets[part], tuple(old))[0] for part, old in record.scores.items()
    }
    inner = innermost(fitted)
    return Reproduction(
        record=record,
        segmenter=fitted,
        scores=scores,
        history=[dict(row) for row in getattr(inner, "history_", [])],
        n_steps=getattr(inner, "n_steps_", None),
        doubts=doubts,
    )


def _check_record(record: ExperimentRecord) -> None:
    if "train" not in record.data or not set(record.scores) <= {"train", "test"}:
        raise RecordError(
            f"record must be of one fit to be repeated; {record.id} is of a cross-validation, or "
            "has no fingerprint of its data. Take the record of the best one's refit, or of a fit."
        )
    if not record.scores and not record.history:
        raise RecordError(
            f"record must have scores or a history to compare with; {record.id} has neither. Give "
            "the callback X_test and y_test, or use record_experiment."
        )


def _build(record: ExperimentRecord, estimator: Any) -> Any:
    """Make the unfitted segmenter."""
    if estimator is not None:
        check_estimator(estimator, "estimator")
        unfitted = clone(estimator)
        found = describe_parameters(unfitted)
        names = sorted(set(found) | set(record.parameters))
        different = [n for n in names if found.get(n) != record.parameters.get(n)]
        if type(unfitted).__name__ != record.estimator_class or different:
            raise RecordError(
                f"estimator must be the {record.estimator_class} of the record; got "
                f"{type(unfitted).__name__}, and other values of "
                f"{', '.join(different[:5]) or 'no parameter'}. Give it the record's parameters."
            )
        return unfitted
    if record.estimator is None:
        raise RecordError(
            f"record must hold a description from which {record.estimator_class} can be built; it "
            "has parameters that are no plain values, such as a network of your own. Give the "
            "segmenter as estimator."
        )
    from membseg.persistence._describe import build_estimator

    try:
        return build_estimator(record.estimator)
    except MembsegError as error:
        raise RecordError(
            f"record must describe a segmenter of membseg's; this one does not: {error}"
        ) from error


def _check_data(
    record: ExperimentRecord, unfitted: Any, X: Any, y: Any, X_test: Any, y_test: Any
) -> None:
    labels = label_options(unfitted)
    classes = encode_masks(y, **labels).classes
    given = {"train": (X, y, ("X", "y")), "test": (X_test, y_test, ("X_test", "y_test"))}
    for part, recorded in record.data.items():
        images, masks, names = given[part]
        if images is None:
            raise RecordError(
                f"{names[0]} and {names[1]} must be given, since the record has scores of a test "
                "set; got None."
            )
        found = fingerprint(
            images, masks, classes=classes, ignore_label=labels["ignore_label"], names=names
        )
        check_same_data(recorded, found, names)


def _check_fit_params(record: ExperimentRecord, fit_params: Any) -> None:
    found = digest_fit_params(fit_params)
    names = sorted(set(found) | set(record.fit_params))
    different = [n for n in names if found.get(n) != record.fit_params.get(n)]
    if different:
        raise RecordError(
            f"fit_params must be what fit was given besides X and y: "
            f"{', '.join(record.fit_params) or 'nothing'}; got "
            f"{', '.join(found) or 'nothing'}, and {', '.join(different)} differ. Give the same."
        )


def _fix_steps(unfitted: Any, record: ExperimentRecord) -> list[str]:
    """Replace limits of time by the recorded number of steps; say where that is not possible."""
    parameters = unfitted.get_params(deep=True)
    # A checkpoint would be the end of the very training that is to be repeated.
    kept = [name for name in parameters if name.rpartition("__")[2] == "checkpoint_dir"]
    unfitted.set_params(**dict.fromkeys(kept))
    limited = [
        name
        for name, value in parameters.items()
        if name.rpartition("__")[2] == "time_limit" and value is not None
    ]
    if not limited:
        return []
    if len(limited) > 1 or record.n_steps is None:
        return ["time_limit ended several trainings, whose numbers of steps are not recorded"]
    prefix = limited[0].removesuffix("time_limit")
    unfitted.set_params(**{limited[0]: None, f"{prefix}max_steps": record.n_steps})
    if parameters.get(f"{prefix}early_stopping"):
        return ["early_stopping ended a training whose learning rate followed the clock"]
    return []


def _doubts(record: ExperimentRecord) -> list[str]:
    """List what may move the last digits."""
    doubts = [
        f"{name} was {seed!r}, which is new each time"
        for name, seed in record.seeds.items()
        if not isinstance(seed, int)
    ]
    now = describe_environment()
    for name in _DECISIVE:
        then = record.environment.get(name)
        if then is not None and now[name] is not None and then != now[name]:
            doubts.append(f"{name} was {then}, and is {now[name]} now")
    return doubts

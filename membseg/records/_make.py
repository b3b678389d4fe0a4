"""What every way of making a record shares."""

import uuid
from datetime import UTC, datetime
from typing import Any

import joblib

from membseg.exceptions import InvalidInputError
from membseg.records._environment import describe_environment, peak_memory
from membseg.records._fingerprint import fingerprint
from membseg.records._parameters import describe_parameters, find_seeds, rebuildable
from membseg.utils import encode_masks, innermost

#: Numbers that a fit leaves behind, without the underscore at their ends.
_FITTED = ("threshold", "best_epoch", "n_parameters", "batch_size", "patch_size")


def new_identity() -> dict[str, Any]:
    """Give a new record its name and time.

    Returns
    -------
    dict
        ``id``, which sorts by time and differs between processes, and ``created``.
    """
    now = datetime.now(UTC)
    return {"id": f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}", "created": now.isoformat()}


def describe_estimator_fields(estimator: Any) -> dict[str, Any]:
    """Give the fields of a record that an estimator fills before it is fitted."""
    parameters = describe_parameters(estimator)
    return {
        "estimator_class": type(estimator).__name__,
        "parameters": parameters,
        "estimator": rebuildable(estimator),
        "seeds": find_seeds(parameters),
        "environment": describe_environment(),
    }


def describe_fit_fields(fitted: Any) -> dict[str, Any]:
    """Give the fields of a record that a fitted estimator fills."""
    inner = innermost(fitted)
    numbers = {name: getattr(inner, f"{name}_", None) for name in _FITTED}
    seconds = getattr(inner, "fit_time_", None)
    return describe_estimator_fields(fitted) | {
        "n_steps": getattr(inner, "n_steps_", None),
        "fitted": {name: number for name, number in numbers.items() if number is not None},
        "history": getattr(inner, "history_", []),
        "timings": {} if seconds is None else {"fit": seconds},
        "memory": peak_memory(),
    }


def label_options(estimator: Any) -> dict[str, Any]:
    """Find how an estimator, or the one inside it, was told to read masks."""
    found = dict.fromkeys(("membrane_label", "ignore_label"))
    for name, value in estimator.get_params(deep=True).items():
        label = name.rpartition("__")[2]
        if label in found and found[label] is None:
            found[label] = value
    return found


def fingerprint_for(estimator: Any, X: Any, y: Any, names: tuple[str, str]) -> dict[str, Any]:
    """Describe a set as an estimator reads it, or, not being fitted, would read it."""
    labels = label_options(estimator)
    classes = getattr(innermost(estimator), "classes_", None)
    if classes is None:
        classes = encode_masks(y, **labels, name=names[1]).classes
    ignore_label = labels["ignore_label"]
    return fingerprint(X, y, classes=classes, ignore_label=ignore_label, names=names)


def digest_fit_params(fit_params: Any) -> dict[str, str]:
    """Give a digest of each further argument of fit."""
    return {str(name): joblib.hash(value) for name, value in (fit_params or {}).items()}


def check_pair(X: Any, y: Any, names: tuple[str, str] = ("X_test", "y_test")) -> None:
    """Refuse images without masks, and masks without images."""
    if (X is None) != (y is None):
        given, lacking = names if y is None else names[::-1]
        raise InvalidInputError(
            f"{lacking} must be given where {given} is; got {lacking}=None. Give both, or neither."
        )

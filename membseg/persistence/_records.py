"""Small records of numbers that fitted segmenters keep, by name, with what their fields may be."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from membseg.persistence._kinds import FLAG, NUMBER, POSITIVE, TEXT, Kind, array


@dataclass(frozen=True)
class Record:
    """How a record is kept.

    Attributes
    ----------
    module : str
        Where its class is.
    kinds : dict of str to Kind
        Its fields.
    read, make : callable or None
        From the object to its fields, and from the class and fields to the object; None for
        dataclasses, which are read and made by the names of their fields.
    """

    module: str
    kinds: dict[str, Kind]
    read: Callable[[Any], dict[str, Any]] | None = None
    make: Callable[[type, dict[str, Any]], Any] | None = None

    def fields_of(self, value: Any) -> dict[str, Any]:
        """Give the fields of an object."""
        if self.read is not None:
            return self.read(value)
        return {name: getattr(value, name) for name in self.kinds}


def _read_state(value: Any) -> dict[str, Any]:
    return dict(value.__getstate__())


def _make_from_state(cls: Any, fields: dict[str, Any]) -> Any:
    made = cls.__new__(cls)
    if hasattr(made, "__setstate__"):
        made.__setstate__(fields)
    else:
        vars(made).update(fields)
    return made


_CURVES = "membseg.calibration._calibrators"

#: What the curves of scikit-learn have learnt, by their method.
_LEARNT = {
    "temperature": {"beta_": NUMBER},
    "sigmoid": {"a_": NUMBER, "b_": NUMBER},
    "isotonic": {
        "X_min_": NUMBER,
        "X_max_": NUMBER,
        "X_thresholds_": array(1),
        "y_thresholds_": array(1),
        "increasing_": FLAG,
    },
}

_TABLE = Kind("a table", lambda value: isinstance(value, dict))

RECORDS = {
    "Intensity": Record("membseg.utils", {"offset": array(1), "scale": array(1)}),
    "GreyResponse": Record(
        "membseg.segmenters._threshold",
        {"method": TEXT, "sigma": NUMBER, "block_size": POSITIVE, "sign": NUMBER, "gap": NUMBER},
    ),
    "RidgeResponse": Record(
        "membseg.segmenters._ridge", {"filter": TEXT, "scale": NUMBER, "dark": FLAG}
    ),
    "LogisticCurve": Record(
        "membseg.segmenters._labelled_pixels",
        {"intercept": NUMBER, "slope": NUMBER, "unit": NUMBER},
    ),
    "PixelFeatures": Record(
        "membseg.segmenters._pixel_features", {"sigma_min": NUMBER, "sigma_max": NUMBER}
    ),
    "ThresholdCurve": Record(
        "membseg.metrics", {"scoring": TEXT, "thresholds": array(1), "scores": array(1)}
    ),
    "BetaCurve": Record(
        _CURVES, {"slopes": array(1, 2), "offset": NUMBER}, _read_state, _make_from_state
    ),
    "LocalCurve": Record(
        _CURVES,
        {"steepest": NUMBER, "coefficients": array(1, 3), "offset": NUMBER},
        _read_state,
        _make_from_state,
    ),
    "SklearnCurve": Record(
        _CURVES, {"method": TEXT, "learnt": _TABLE}, _read_state, _make_from_state
    ),
}

_FILTERS = ("sato", "frangi", "meijering")
_METHODS = ("otsu", "local", "hysteresis")


def record_name(value: Any) -> str | None:
    """Give the name of a record's class, or None where it is none of these."""
    name = type(value).__name__
    known = name in RECORDS and type(value) is getattr(import_module(RECORDS[name].module), name)
    return name if known else None


def decode_record(name: Any, fields: dict[str, Any]) -> Any:
    """Make a record.

    Parameters
    ----------
    name : object
        What a file says of its class.
    fields : dict
        What it says of its fields.

    Returns
    -------
    object
        Of one of the classes above.

    Raises
    ------
    ValueError
        If there is no such class, or it has other fields.
    """
    record = RECORDS.get(name) if isinstance(name, str) else None
    if record is None:
        raise ValueError(f"it names a record that no model file holds, {str(name)[:60]!r}")
    if set(fields) != set(record.kinds):
        raise ValueError(f"a {name} of it has other fields than it must have")
    for field, kind in record.kinds.items():
        if not kind.holds(fields[field]):
            raise ValueError(f"{field} of a {name} must be {kind.text}")
    # Names of functions of scikit-image: a file chooses among those that the segmenter has.
    if name == "RidgeResponse" and fields["filter"] not in _FILTERS:
        raise ValueError("filter of a RidgeResponse is unknown")
    if name == "GreyResponse" and fields["method"] not in _METHODS:
        raise ValueError("method of a GreyResponse is unknown")
    if name == "SklearnCurve":
        _check_learnt(fields["method"], fields["learnt"])
    cls = getattr(import_module(record.module), name)
    return cls(**fields) if record.make is None else record.make(cls, fields)


def _check_learnt(method: str, learnt: dict[Any, Any]) -> None:
    kinds = _LEARNT.get(method, {})
    if set(learnt) != set(kinds) or not kinds:
        raise ValueError("a SklearnCurve of it has learnt other things than its method does")
    for name, kind in kinds.items():
        if not kind.holds(learnt[name]):
            raise ValueError(f"{name} of a SklearnCurve must be {kind.text}")
    if method == "isotonic":
        x, y = learnt["X_thresholds_"], learnt["y_thresholds_"]
        if x.shape != y.shape or not x.size or (np.diff(x) < 0).any():
            raise ValueError("a SklearnCurve of it has steps that do not rise")

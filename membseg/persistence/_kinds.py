"""What a fitted attribute may be, as a predicate with a name for messages."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Kind:
    """What something must be.

    Attributes
    ----------
    text : str
        In words, for messages.
    holds : callable
        From a value to whether it is that.
    """

    text: str
    holds: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and 0 <= int(value) < 2**53


NUMBER = Kind("a finite number", _is_number)
COUNT = Kind("a whole number that is not negative", _is_count)
POSITIVE = Kind("a positive whole number", lambda value: _is_count(value) and value > 0)
SHARE = Kind("a number in [0, 1]", lambda value: _is_number(value) and 0 <= value <= 1)
FLAG = Kind("true or false", lambda value: isinstance(value, bool | np.bool_))
NOTHING = Kind("null", lambda value: value is None)
TEXT = Kind("a text", lambda value: isinstance(value, str))
TEXTS = Kind(
    "a list of texts",
    lambda value: isinstance(value, list) and all(isinstance(text, str) for text in value),
)
ROWS = Kind(
    "a list of rows of numbers",
    lambda value: (
        isinstance(value, list)
        and all(
            isinstance(row, dict)
            and all(isinstance(k, str) and isinstance(v, Real) for k, v in row.items())
            for row in value
        )
    ),
)
CONFIG = Kind(
    "a table of names and values",
    lambda value: isinstance(value, dict) and all(isinstance(name, str) for name in value),
)
ARRAYS = Kind(
    "a list of arrays of finite numbers",
    lambda value: isinstance(value, list) and all(_is_array(array, None) for array in value),
)


def _is_array(value: Any, ndim: int | None) -> bool:
    return (
        isinstance(value, np.ndarray)
        and value.dtype.kind in "biuf"
        and (ndim is None or value.ndim == ndim)
        and bool(np.isfinite(value).all())
    )


def array(ndim: int, size: int | None = None) -> Kind:
    """Give the kind of arrays of finite numbers with so many axes (and values)."""
    return Kind(
        f"an array of finite numbers with {ndim} axes",
        lambda value: _is_array(value, ndim) and size in (None, value.size),
    )


def optional(kind: Kind) -> Kind:
    """Give a kind, or nothing."""
    return Kind(f"{kind.text} or null", lambda value: value is None or kind.holds(value))


def instance(name: str) -> Kind:
    """Give the kind of objects of a class, by the class's own name."""
    return Kind(f"a {name}", lambda value: type(value).__name__ == name)


def one_of(*names: str) -> Kind:
    """Give the kind of objects of one of some classes."""
    return Kind(f"one of {', '.join(names)}", lambda value: type(value).__name__ in names)


def is_fitted_segmenter(value: Any) -> bool:
    """Whether something can predict masks."""
    from sklearn.frozen import FrozenEstimator
    from sklearn.pipeline import Pipeline

    from membseg.base import SegmenterMixin

    # Pipelines and frozen estimators are made of what the file holds, down to a segmenter.
    for _ in range(100):
        if isinstance(value, Pipeline):
            steps = value.steps
            if not all(hasattr(step, "n_channels_in_") for _, step in steps[:-1]):
                return False
            value = steps[-1][1]
        elif isinstance(value, FrozenEstimator):
            value = value.estimator
        else:
            break
    return isinstance(value, SegmenterMixin) and hasattr(value, "classes_")


FITTED = Kind("a fitted segmenter", is_fitted_segmenter)
ALL_FITTED = Kind(
    "a list of fitted segmenters",
    lambda value: (
        isinstance(value, list) and bool(value) and all(is_fitted_segmenter(one) for one in value)
    ),
)

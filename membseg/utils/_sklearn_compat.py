"""The one place that touches scikit-learn's private helpers, so that an upgrade breaks one file."""

from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
    generate_invalid_param_val,
    make_constraint,
)
from sklearn.utils.metaestimators import _BaseComposition as BaseComposition

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:
    # scikit-learn 1.8 has no callbacks.
    class CallbackSupportMixin:  # type: ignore[no-redef]  # stands in for the imported one
        """Nothing: this scikit-learn has no callbacks."""

    def with_callbacks(method: Any) -> Any:
        """Give the method back as it is."""
        return method


__all__ = [
    "BaseComposition",
    "CallbackSupportMixin",
    "HasMethods",
    "Integral",
    "Interval",
    "Options",
    "Real",
    "StrOptions",
    "generate_invalid_param_val",
    "make_constraint",
    "with_callbacks",
]

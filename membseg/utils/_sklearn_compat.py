"""The one place that touches scikit-learn's private helpers, so that an upgrade breaks one file."""

from numbers import Integral, Real

from sklearn.utils._param_validation import Interval, Options, StrOptions

__all__ = ["Integral", "Interval", "Options", "Real", "StrOptions"]

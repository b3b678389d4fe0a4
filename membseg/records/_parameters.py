"""What an estimator was told, in plain values."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from membseg.exceptions import InvalidTypeError, MembsegError


def describe_parameters(estimator: Any) -> dict[str, Any]:
    """Give all parameters by name, those of nested estimators too.

    Parameters
    ----------
    estimator : estimator
        Of scikit-learn's kind.

    Returns
    -------
    dict of str to object
        None, bool, int, float and str as they are; of anything else a text that says what it is.
    """
    return {name: _plain(v) for name, v in sorted(estimator.get_params(deep=True).items())}


def find_seeds(parameters: dict[str, Any]) -> dict[str, Any]:
    """Pick the random states out of parameters."""
    return {k: v for k, v in parameters.items() if k.rpartition("__")[2] == "random_state"}


def rebuildable(estimator: Any) -> dict[str, Any] | None:
    """Describe an estimator so that it can be built again; None where plain values cannot."""
    from membseg.persistence._describe import describe_estimator

    try:
        return describe_estimator(estimator)
    except MembsegError:
        # A network of the caller's own, a fitted segmenter to start from, a class of others.
        return None


def check_estimator(estimator: Any, name: str) -> None:
    """Refuse what is no estimator."""
    if isinstance(estimator, type) or not (
        hasattr(estimator, "fit") and hasattr(estimator, "get_params")
    ):
        kind = estimator.__name__ if isinstance(estimator, type) else type(estimator).__name__
        raise InvalidTypeError(
            f"{name} must be a segmenter, an instance such as UNetSegmenter(); got {kind}."
        )


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray):
        return f"array of shape {value.shape}"
    if isinstance(value, BaseEstimator):
        return type(value).__name__
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return getattr(value, "__qualname__", type(value).__name__)

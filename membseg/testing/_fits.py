"""The slices that checks fit on, and the one fit that most of them share."""

import random
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from numbers import Integral
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone

from membseg.datasets import make_membranes

__all__ = ["METHODS", "FirstFit", "call_all", "copy_of", "first_fit", "forget", "make_slices"]

#: What predicts; a wrapper of scikit-learn has not got all of them.
METHODS = ("decision_function", "predict_proba", "predict_membrane", "predict")


def make_slices() -> tuple[np.ndarray, np.ndarray]:
    """Make four small slices and their masks, 0 = cell and 1 = membrane; the same each time."""
    X, y = _slices()
    return X.copy(), y.copy()


@cache
def _slices() -> tuple[np.ndarray, np.ndarray]:
    # Not square, so that confusing height and width shows.
    return make_membranes(4, 32, 40, random_state=0)


def copy_of(estimator: Any) -> Any:
    """Clone an estimator, with seeds that repeat and without memory of earlier fits."""
    twin = clone(estimator)
    fixed: dict[str, Any] = {}
    for key, value in twin.get_params().items():
        name = key.split("__")[-1]
        if name == "random_state" and not isinstance(value, Integral):
            fixed[key] = 0
        if name == "warm_start":
            fixed[key] = False
    return twin.set_params(**fixed)


def call_all(fitted: Any, X: Any) -> dict[str, Any]:
    """Predict with every method that the estimator has; logits come as probabilities."""
    results = {m: getattr(fitted, m)(X) for m in METHODS if hasattr(fitted, m)}
    if "decision_function" in results:
        logits = results["decision_function"]
        results["decision_function"] = (
            [logistic(z) for z in logits] if isinstance(logits, list) else logistic(logits)
        )
    return results


def logistic(logits: Any) -> np.ndarray:
    """Turn logits into probabilities, in float64."""
    return 1 / (1 + np.exp(-np.clip(np.asarray(logits, dtype=np.float64), -700, 700)))


@contextmanager
def watch_random_states() -> Iterator[list[str]]:
    """Watch the random states that all of a process shares, and put them back.

    Yields
    ------
    list of str
        Filled at the end with the names of those that changed.
    """
    numpy_state = np.random.get_state()  # noqa: NPY002  # the legacy state is what is watched
    python_state = random.getstate()
    changed: list[str] = []
    # One step on, so that a seed that somebody has set before shows when it is set again.
    np.random.random()  # noqa: NPY002  # of the legacy state
    random.random()
    before = _hash_random_states()
    try:
        yield changed
    finally:
        after = _hash_random_states()
        changed += [name for name in before if before[name] != after[name]]
        np.random.set_state(numpy_state)  # noqa: NPY002  # the legacy state, put back
        random.setstate(python_state)


def _hash_random_states() -> dict[str, str]:
    legacy = np.random.get_state()  # noqa: NPY002  # the legacy state is what is watched
    states = {"numpy.random": legacy, "random": random.getstate()}
    return {name: joblib.hash(state) for name, state in states.items()}


class FirstFit:
    """A fitted clone, and everything that was there before and after its fit.

    Parameters
    ----------
    estimator : estimator
        What is checked; it is cloned and stays as it is.

    Attributes
    ----------
    params : dict
        Parameters of `estimator`, to tell whether it has been changed since.
    fitted : estimator
        The clone.
    error : Exception or None
        What fit raised.
    returned : object
        What fit returned.
    X, y : ndarray
        The arrays that fit was given.
    params_before, params_after : dict of str
        A hash of every parameter of the clone.
    names_before : set of str
        Attributes of the clone before fit.
    random_states_changed : list of str
        Global random states that fit has changed.
    """

    def __init__(self, estimator: Any) -> None:
        self.params = estimator.get_params()
        self.fitted = copy_of(estimator)
        self.X, self.y = make_slices()
        self.error: Exception | None = None
        self.returned: Any = None
        self.params_before = hash_params(self.fitted)
        self.names_before = set(vars(self.fitted))
        with watch_random_states() as self.random_states_changed:
            try:
                self.returned = self.fitted.fit(self.X, self.y)
            except Exception as error:
                self.error = error
        self.params_after = hash_params(self.fitted)

    def is_of(self, estimator: Any) -> bool:
        """Whether the estimator still has the parameters that this fit had."""
        params = estimator.get_params()
        return params.keys() == self.params.keys() and all(
            value is self.params[key] for key, value in params.items()
        )


def hash_params(estimator: Any) -> dict[str, str]:
    """Hash every parameter, nested ones too."""
    return {key: joblib.hash(value) for key, value in estimator.get_params().items()}


#: By the estimator's id: estimators need not be hashable. An entry goes when its estimator does.
_FIRST_FITS: dict[int, FirstFit] = {}


def first_fit(estimator: Any) -> FirstFit:
    """Give the fit that checks share; it is made when it is first needed."""
    known = _FIRST_FITS.get(id(estimator))
    if known is None or not known.is_of(estimator):
        if known is None:
            weakref.finalize(estimator, _FIRST_FITS.pop, id(estimator), None)
        known = _FIRST_FITS[id(estimator)] = FirstFit(estimator)
    if known.error is not None:
        raise AssertionError(
            "fit on four slices of 32 x 40 pixels and their masks must not raise; got "
            f"{type(known.error).__name__}: {known.error}"
        ) from known.error
    return known


def forget(estimator: Any) -> None:
    """Let go of the fit that checks shared."""
    _FIRST_FITS.pop(id(estimator), None)

"""Checks of state: before fit, after copying, and at predict."""

import copy
import io
import pickle
from functools import partial
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from membseg.testing._expect import expect, expect_close, expect_refused
from membseg.testing._fits import (
    METHODS,
    call_all,
    copy_of,
    first_fit,
    make_slices,
    watch_random_states,
)


def check_unfitted(name: str, estimator: Any) -> None:
    """Every method that predicts raises NotFittedError before fit."""
    _expect_unfitted(name, copy_of(estimator), "before fit")


def check_clone(name: str, estimator: Any) -> None:
    """A clone of a fitted estimator has its parameters and nothing that it has learnt."""
    fitted = first_fit(estimator).fitted
    twin = clone(fitted)
    ours, theirs = fitted.get_params(), twin.get_params()
    # A pipeline has fitted the very steps that are its parameters: they look the same then.
    changed = [
        key
        for key in ours
        if joblib.hash(ours[key]) != joblib.hash(theirs.get(key))
        and repr(ours[key]) != repr(theirs.get(key))
    ]
    expect(
        not changed and ours.keys() == theirs.keys(),
        f"A clone of {name} must have the same parameters; others are {', '.join(changed)}.",
    )
    _expect_unfitted(name, twin, "of a clone")


def check_pickle(name: str, estimator: Any) -> None:
    """A fitted estimator that was pickled predicts the same."""
    fitted = first_fit(estimator).fitted
    _expect_twin(name, fitted, pickle.loads(pickle.dumps(fitted)), "pickle")


def check_deepcopy(name: str, estimator: Any) -> None:
    """A deep copy of a fitted estimator predicts the same."""
    fitted = first_fit(estimator).fitted
    _expect_twin(name, fitted, copy.deepcopy(fitted), "copy.deepcopy")


def check_joblib(name: str, estimator: Any) -> None:
    """A fitted estimator that was saved with joblib predicts the same."""
    fitted = first_fit(estimator).fitted
    file = io.BytesIO()
    joblib.dump(fitted, file)
    file.seek(0)
    _expect_twin(name, fitted, joblib.load(file), "joblib")


def check_predict_leaves_state(name: str, estimator: Any) -> None:
    """Predictions and score change no attribute."""
    X, y = make_slices()
    fitted = first_fit(estimator).fitted
    before = dict(vars(fitted))
    arrays = {key: value.copy() for key, value in before.items() if isinstance(value, np.ndarray)}
    for method in (*METHODS, "score"):
        if not hasattr(fitted, method):
            continue
        getattr(fitted, method)(*((X, y) if method == "score" else (X,)))
        after = vars(fitted)
        changed = [
            key
            for key in before.keys() | after.keys()
            if before.get(key, before) is not after.get(key, before)
            or (key in arrays and not np.array_equal(arrays[key], after[key], equal_nan=True))
        ]
        expect(
            not changed,
            f"{name}.{method} must leave the estimator as it is; it changed "
            f"{', '.join(sorted(changed))}.",
        )


def check_predict_leaves_input(name: str, estimator: Any) -> None:
    """Predictions and score change no pixel of X and y."""
    original, masks = make_slices()
    fitted = first_fit(estimator).fitted
    for dtype in (np.uint8, np.float32):
        X, y = original.astype(dtype), masks.copy()
        call_all(fitted, X)
        fitted.score(X, y)
        expect(
            np.array_equal(X, original) and np.array_equal(y, masks),
            f"Predictions and score of {name} must leave X ({np.dtype(dtype)}) and y as they are; "
            "they changed pixels.",
        )


def check_predict_leaves_global_random_state(name: str, estimator: Any) -> None:
    """Predictions neither draw from nor seed the random states of numpy and of Python."""
    X, _ = make_slices()
    fitted = first_fit(estimator).fitted
    with watch_random_states() as changed:
        call_all(fitted, X)
    expect(
        not changed,
        f"Predictions of {name} must leave global random states alone; they changed that of "
        f"{' and '.join(changed)}.",
    )


def _expect_unfitted(name: str, twin: Any, when: str) -> None:
    X, y = make_slices()
    for method in (*METHODS, "score"):
        if hasattr(twin, method):
            call = partial(getattr(twin, method), *((X, y) if method == "score" else (X,)))
            expect_refused(call, f"{name}.{method} {when}", errors=(NotFittedError,))


def _expect_twin(name: str, fitted: Any, twin: Any, way: str) -> None:
    X, _ = make_slices()
    wanted = call_all(fitted, X)
    for method, got in call_all(twin, X).items():
        expect_close(got, wanted[method], f"{name}.{method} after {way}")

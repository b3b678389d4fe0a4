"""Checks of what fit does, and of what it leaves alone."""

from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from membseg.testing._expect import expect, expect_close, skip
from membseg.testing._fits import (
    call_all,
    copy_of,
    first_fit,
    make_slices,
    watch_random_states,
)


def check_fit_returns_self(name: str, estimator: Any) -> None:
    """fit returns the estimator itself."""
    fit = first_fit(estimator)
    expect(fit.returned is fit.fitted, f"{name}.fit must return self; got {fit.returned!r}.")


def check_fit_leaves_parameters(name: str, estimator: Any) -> None:
    """fit changes no parameter, and nothing inside one."""
    fit = first_fit(estimator)
    before, after = fit.params_before, fit.params_after
    changed = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    expect(
        not changed,
        f"{name}.fit must leave the parameters as they are; it changed {', '.join(changed)}. Keep "
        "what fit resolves in attributes that end with an underscore.",
    )


def check_fit_leaves_input(name: str, estimator: Any) -> None:
    """fit changes no pixel of X and y."""
    fit = first_fit(estimator)
    for which, array, original in zip("Xy", (fit.X, fit.y), make_slices(), strict=True):
        expect(
            np.array_equal(array, original),
            f"{name}.fit must leave {which} as it is; {np.sum(array != original)} pixels changed.",
        )


def check_fit_leaves_global_random_state(name: str, estimator: Any) -> None:
    """fit neither draws from nor seeds the random states of numpy and of Python."""
    changed = first_fit(estimator).random_states_changed
    if changed:
        # Importing TensorFlow draws from numpy's, once a process; that is not fit's doing.
        with watch_random_states() as changed:
            copy_of(estimator).fit(*make_slices())
    expect(
        not changed,
        f"{name}.fit must leave global random states alone; it changed that of "
        f"{' and '.join(changed)}.",
    )


def check_fitted_attributes(name: str, estimator: Any) -> None:
    """What fit adds begins or ends with an underscore."""
    fit = first_fit(estimator)
    added = set(vars(fit.fitted)) - fit.names_before
    public = sorted(key for key in added if not key.startswith("_") and not key.endswith("_"))
    expect(
        not public,
        f"Attributes that {name}.fit adds must begin or end with an underscore; got "
        f"{', '.join(public)}.",
    )


def check_is_fitted_tells(name: str, estimator: Any) -> None:
    """scikit-learn's check_is_fitted tells a fitted estimator from one that is not."""
    fit = first_fit(estimator)
    try:
        check_is_fitted(copy_of(estimator))
    except NotFittedError:
        pass
    else:
        raise AssertionError(f"check_is_fitted({name}) must raise before fit; it did not.")
    check_is_fitted(fit.fitted)


def check_n_iter(name: str, estimator: Any) -> None:
    """After fit, an estimator with a parameter max_iter tells its iterations, n_iter_ >= 1."""
    if "max_iter" not in estimator.get_params(deep=False):
        skip(f"{name} has no parameter max_iter")
    n_iter = getattr(first_fit(estimator).fitted, "n_iter_", None)
    expect(
        n_iter is not None and np.all(np.asarray(n_iter) >= 1),
        f"{name} has a parameter max_iter, so that fit must set n_iter_ to 1 or more; got "
        f"{n_iter!r}.",
    )


def check_fit_repeats(name: str, estimator: Any) -> None:
    """The same random_state gives the same predictions."""
    _skip_if_random(name, estimator)
    fit = first_fit(estimator)
    twin = copy_of(estimator)
    twin.fit(*make_slices())
    _expect_alike(twin, fit, f"{name} fitted by another clone with the same random_state")


def check_fit_twice_equals_once(name: str, estimator: Any) -> None:
    """fit forgets what an earlier fit has learnt."""
    _skip_if_random(name, estimator)
    fit = first_fit(estimator)
    X, y = make_slices()
    twin = copy_of(estimator)
    # Of another contrast and other values, so that whatever is kept shows.
    twin.fit(255 - X[:3], y[:3] * np.uint8(255))
    twin.fit(X, y)
    _expect_alike(twin, fit, f"{name} fitted on other slices first")


def check_mask_values(name: str, estimator: Any) -> None:
    """Masks as bool, as 0/1 and as 0/255 give the same maps, and predict gives their values."""
    _skip_if_random(name, estimator)
    fit = first_fit(estimator)
    for dtype, largest in ((bool, 1), (np.uint8, 255)):
        X, y = make_slices()
        other = y.astype(dtype) * dtype(largest)
        twin = copy_of(estimator)
        twin.fit(X, other)
        X, _ = make_slices()
        cell, membrane = other.min(), other.max()
        expect(
            list(twin.classes_) == [cell, membrane],
            f"classes_ of {name} must be [{cell}, {membrane}] after fit on such masks; got "
            f"{list(twin.classes_)}.",
        )
        what = f"{name} fitted on masks of {cell} and {membrane} instead of 0 and 1"
        got, wanted = call_all(twin, X), call_all(fit.fitted, X)
        mask, plain = got.pop("predict"), wanted.pop("predict")
        for method in wanted:
            expect_close(got[method], wanted[method], f"{what}, {method}")
        expect(
            mask.dtype == other.dtype and set(np.unique(mask)) <= {cell, membrane},
            f"{what}: predict must give {other.dtype} of {cell} and {membrane}; got {mask.dtype} "
            f"of {np.unique(mask)[:5]}.",
        )
        expect_close(mask == membrane, plain == 1, f"{what}, predict")


def _skip_if_random(name: str, estimator: Any) -> None:
    if get_tags(estimator).non_deterministic:
        skip(f"{name} is tagged non_deterministic")


def _expect_alike(twin: Any, fit: Any, what: str) -> None:
    X, _ = make_slices()
    got, wanted = call_all(twin, X), call_all(fit.fitted, X)
    for method in wanted:
        expect_close(got[method], wanted[method], f"{what}, {method}")

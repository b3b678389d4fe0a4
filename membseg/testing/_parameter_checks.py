"""Checks of parameters, tags and signatures. None of them trains."""

import inspect
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_clusterer, is_outlier_detector, is_regressor
from sklearn.utils import get_tags

from membseg.testing._expect import expect, expect_refused, skip
from membseg.testing._fits import METHODS, copy_of, make_slices
from membseg.utils._sklearn_compat import generate_invalid_param_val, make_constraint


def check_methods(name: str, estimator: Any) -> None:
    """There are fit, decision_function, predict_proba, predict_membrane, predict and score."""
    wanted = ("fit", *METHODS, "score")
    missing = [method for method in wanted if not callable(getattr(estimator, method, None))]
    expect(
        not missing,
        f"{name} must have the methods {', '.join(wanted)}; {', '.join(missing)} are missing. "
        "membseg.base.SegmenterMixin adds all but fit and decision_function.",
    )


def check_signatures(name: str, estimator: Any) -> None:
    """fit and score take X and y, in this order and by these names."""
    for method in ("fit", "score"):
        parameters = list(inspect.signature(getattr(estimator, method)).parameters)
        expect(
            parameters[:2] == ["X", "y"],
            f"{name}.{method} must take X and y first; got {parameters}.",
        )


def check_tags(name: str, estimator: Any) -> None:
    """The tags say: stacks of images, y required, and no classifier or other kind of estimator."""
    for is_kind in (is_classifier, is_regressor, is_clusterer, is_outlier_detector):
        expect(
            not is_kind(estimator),
            f"{is_kind.__name__}({name}) must be False, since scikit-learn would index its results "
            "as a table; got True.",
        )
    tags = get_tags(estimator)
    for tag, got, wanted in (
        ("target_tags.required", tags.target_tags.required, True),
        ("input_tags.three_d_array", tags.input_tags.three_d_array, True),
        ("input_tags.two_d_array", tags.input_tags.two_d_array, False),
    ):
        expect(got == wanted, f"The tag {tag} of {name} must be {wanted}; got {got}.")


def check_tunables_are_scalars(name: str, estimator: Any) -> None:
    """Parameters and their defaults are numbers, strings, flags, None or estimators."""
    signature = inspect.signature(type(estimator))
    values = [
        (f"The default of {p.name}", p.default)
        for p in signature.parameters.values()
        if p.default is not p.empty
    ]
    values += list(estimator.get_params(deep=False).items())
    for what, value in values:
        expect(
            _is_tunable(value),
            f"{what} of {name} must be an int, float, str, bool, None or an estimator (or a list "
            f"of named estimators), since searches cannot set others; got {value!r}.",
        )


def _is_tunable(value: Any) -> bool:
    # Seeds are no tunables.
    scalars = (int, float, str, bool, np.number, np.bool_, type(None))
    if isinstance(value, (*scalars, np.random.Generator, np.random.RandomState)):
        return True
    if isinstance(value, list) and value:
        # As scikit-learn's ensembles and pipelines have them: estimators, or (name, estimator).
        return all(_is_estimator(v[1] if isinstance(v, tuple) else v) for v in value)
    return _is_estimator(value)


def _is_estimator(value: Any) -> bool:
    if isinstance(value, str):
        return value in ("passthrough", "drop")
    return hasattr(value, "fit") and hasattr(value, "get_params") and not isinstance(value, type)


def check_param_validation(name: str, estimator: Any) -> None:
    """fit refuses values of a wrong kind or outside of each constraint, naming the parameter."""
    constraints = getattr(estimator, "_parameter_constraints", None)
    if constraints is None:
        skip(f"{name} has no _parameter_constraints")
    names = set(estimator.get_params(deep=False))
    expect(
        set(constraints) == names,
        f"_parameter_constraints of {name} must name its parameters; they differ in "
        f"{sorted(set(constraints) ^ names)}.",
    )
    X, y = make_slices()
    for parameter in sorted(names):
        for value in _bad_values(constraints[parameter]):
            twin = copy_of(estimator).set_params(**{parameter: value})
            what = f"{name}({parameter}={value!r})"
            expect_refused(partial(twin.fit, X, y), what, text=parameter)


def _bad_values(constraints: Any) -> Iterator[Any]:
    """Give values that no constraint of a parameter allows."""
    if constraints == "no_validation":
        return
    yield type("BadType", (), {})()
    made = [make_constraint(constraint) for constraint in constraints]
    for constraint in made:
        try:
            value = generate_invalid_param_val(constraint)
        except NotImplementedError:
            continue
        if not any(other.is_satisfied_by(value) for other in made):
            yield value

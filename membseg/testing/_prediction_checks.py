"""Checks of what predictions are, and of what follows from what."""

import copy
from numbers import Real
from typing import Any

import numpy as np

from membseg.testing._expect import expect, expect_close
from membseg.testing._fits import call_all, first_fit, logistic, make_slices


def check_classes(name: str, estimator: Any) -> None:
    """classes_ holds the values of cell and membrane, in this order."""
    classes: Any = getattr(first_fit(estimator).fitted, "classes_", None)
    expect(
        np.array_equal(classes, [0, 1]),
        f"classes_ of {name} must be [cell value, membrane value], [0, 1] after fit on masks "
        f"where 1 is membrane; got {classes}.",
    )


def check_proba_layout(name: str, estimator: Any) -> None:
    """predict_proba gives (n_images, 2, height, width), float32."""
    X, _ = make_slices()
    proba = np.asarray(first_fit(estimator).fitted.predict_proba(X))
    wanted = (len(X), 2, *X.shape[1:])
    expect(
        proba.shape == wanted and proba.dtype == np.float32,
        f"{name}.predict_proba must give float32 of shape (n_images, 2, height, width), {wanted}; "
        f"got {proba.dtype} of shape {proba.shape}.",
    )


def check_proba_is_distribution(name: str, estimator: Any) -> None:
    """Probabilities are finite, in [0, 1], and sum to one over the axis of classes_."""
    fit = first_fit(estimator)
    proba = np.asarray(fit.fitted.predict_proba(fit.X), dtype=np.float64)
    expect(np.isfinite(proba).all(), f"{name}.predict_proba must be finite; got NaN or infinity.")
    expect(
        proba.min() >= 0 and proba.max() <= 1,
        f"{name}.predict_proba must be in [0, 1]; got {proba.min():g} to {proba.max():g}.",
    )
    # Whichever axis it is: that is for check_proba_layout to say.
    axis = 1 if proba.shape[1] == 2 else proba.ndim - 1
    error = np.abs(proba.sum(axis=axis) - 1).max()
    expect(
        error < 1e-5,
        f"{name}.predict_proba must sum to one over both classes; got sums off by up to {error:g}.",
    )


def check_membrane_map(name: str, estimator: Any) -> None:
    """predict_membrane is the second of predict_proba's maps, (n_images, height, width)."""
    X, _ = make_slices()
    fitted = first_fit(estimator).fitted
    membrane = fitted.predict_membrane(X)
    expect(
        membrane.shape == X.shape and membrane.dtype == np.float32,
        f"{name}.predict_membrane must give float32 of shape (n_images, height, width), {X.shape}; "
        f"got {membrane.dtype} of shape {membrane.shape}.",
    )
    _expect_equal(membrane, fitted.predict_proba(X)[:, 1], f"{name}.predict_membrane(X)")


def check_decision_function(name: str, estimator: Any) -> None:
    """decision_function is the finite logit of the membrane probability, float32."""
    X, _ = make_slices()
    fitted = first_fit(estimator).fitted
    logits = fitted.decision_function(X)
    expect(
        logits.shape == X.shape and logits.dtype == np.float32,
        f"{name}.decision_function must give float32 of shape (n_images, height, width), "
        f"{X.shape}; got {logits.dtype} of shape {logits.shape}.",
    )
    expect(np.isfinite(logits).all(), f"{name}.decision_function must be finite.")
    error = np.abs(logistic(logits) - fitted.predict_proba(X)[:, 1]).max()
    expect(
        error < 1e-5,
        f"{name}.decision_function must be the logit of predict_proba(X)[:, 1]; its logistic "
        f"function differs from that by up to {error:.3g}.",
    )


def check_predict_follows_threshold(name: str, estimator: Any) -> None:
    """predict says membrane exactly where its probability is at least threshold_."""
    X, y = make_slices()
    fitted = first_fit(estimator).fitted
    threshold: Any = getattr(fitted, "threshold_", None)
    expect(
        isinstance(threshold, Real) and 0 <= float(threshold) <= 1,
        f"threshold_ of {name} must be a number in [0, 1] after fit; got {threshold!r}.",
    )
    _expect_cut(name, fitted, X, y)
    # A threshold that some pixel meets exactly tells "at least" from "more than".
    twin = copy.deepcopy(fitted)
    probabilities = np.sort(twin.predict_proba(X)[:, 1], axis=None)
    twin.threshold_ = float(probabilities[len(probabilities) // 2])
    _expect_cut(name, twin, X, y)


def _expect_cut(name: str, fitted: Any, X: np.ndarray, y: np.ndarray) -> None:
    mask, wanted = fitted.predict(X), fitted.predict_proba(X)[:, 1] >= fitted.threshold_
    expect(
        mask.dtype == y.dtype and set(np.unique(mask)) <= {0, 1},
        f"{name}.predict must give the dtype and the values of y, {y.dtype} of 0 and 1; got "
        f"{mask.dtype} of {np.unique(mask)[:5]}.",
    )
    _expect_equal(
        mask == 1, wanted, f"Membrane in {name}.predict(X) at threshold_={fitted.threshold_!r}"
    )


def check_out(name: str, estimator: Any) -> None:
    """predict_membrane and predict write into the array that is given as out, and return it."""
    X, _ = make_slices()
    fitted = first_fit(estimator).fitted
    for method in ("predict_membrane", "predict"):
        wanted = getattr(fitted, method)(X)
        out = np.zeros_like(wanted)
        returned = getattr(fitted, method)(X, out=out)
        expect(
            returned is out,
            f"{name}.{method}(X, out=out) must return out; got {type(returned).__name__}.",
        )
        expect_close(out, wanted, f"{name}.{method}(X, out=out)")


def check_score(name: str, estimator: Any) -> None:
    """score is the membrane IoU of predict over all pixels, and finite without any membrane."""
    X, y = make_slices()
    fitted = first_fit(estimator).fitted
    predicted, truth = fitted.predict(X) == 1, y == 1
    wanted = np.sum(predicted & truth) / np.sum(predicted | truth)
    got = fitted.score(X, y)
    expect(
        isinstance(got, Real) and abs(got - wanted) < 1e-6,
        f"{name}.score(X, y) must be the membrane IoU of predict(X), {wanted:.6f}; got {got!r}.",
    )
    empty = fitted.score(X, np.zeros_like(y))
    expect(
        np.isfinite(empty),
        f"{name}.score must be finite on masks without membrane; got {empty!r}.",
    )


def check_one_image_equals_stack(name: str, estimator: Any) -> None:
    """An image predicted alone gives what it gives in a stack."""
    X, _ = make_slices()
    fitted = first_fit(estimator).fitted
    stack = call_all(fitted, X)
    alone = [call_all(fitted, X[i : i + 1]) for i in range(len(X))]
    for method, wanted in stack.items():
        got = np.concatenate([results[method] for results in alone])
        expect_close(got, wanted, f"{name}.{method} of one image at a time, beside the stack's")


def check_order_of_images(name: str, estimator: Any) -> None:
    """The order of images in a stack does not matter."""
    X, _ = make_slices()
    fitted = first_fit(estimator).fitted
    order = np.array([2, 0, 3, 1])
    stack, shuffled = call_all(fitted, X), call_all(fitted, X[order])
    for method, wanted in stack.items():
        expect_close(shuffled[method], wanted[order], f"{name}.{method} of images in other order")


def check_any_size(name: str, estimator: Any) -> None:
    """Images of another height and width than those of fit can be predicted."""
    X, _ = make_slices()
    fitted = first_fit(estimator).fitted
    for height, width in ((17, 23), (32, 29)):
        images = X[:2, :height, :width]
        for method, result in call_all(fitted, images).items():
            shape = (2, 2, height, width) if method == "predict_proba" else (2, height, width)
            expect(
                np.shape(result) == shape,
                f"{name}.{method} of images of {height} x {width} pixels must have shape {shape}; "
                f"got {np.shape(result)}.",
            )


def check_lists(name: str, estimator: Any) -> None:
    """A list of images of different sizes gives a list, of what each image gives in a stack."""
    X, _ = make_slices()
    fitted = first_fit(estimator).fitted
    images = [X[0], X[1, :17, :23], X[2, :, :24]]
    wanted = [call_all(fitted, image[np.newaxis]) for image in images]
    for method, got in call_all(fitted, images).items():
        expect(
            isinstance(got, list),
            f"{name}.{method} of a list of images must give a list; got {type(got).__name__}.",
        )
        expect_close(got, [results[method][0] for results in wanted], f"{name}.{method} of a list")


def _expect_equal(got: np.ndarray, wanted: np.ndarray, what: str) -> None:
    n_other = int(np.sum(got != wanted)) if got.shape == wanted.shape else got.size
    expect(
        n_other == 0,
        f"{what} must follow predict_proba(X)[:, 1] in every pixel; {n_other} differ.",
    )

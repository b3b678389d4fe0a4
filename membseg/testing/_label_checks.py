"""Checks of weights and of pixels without a label, where fit has them."""

from functools import partial
from typing import Any

import numpy as np
from sklearn.utils.validation import has_fit_parameter

from membseg.testing._expect import expect, expect_close, expect_refused, skip
from membseg.testing._fits import call_all, copy_of, first_fit, make_slices


def check_sample_weight_of_ones(name: str, estimator: Any) -> None:
    """Weights of one, given as a list, equal no weights."""
    _skip_without_weights(name, estimator)
    X, y = make_slices()
    twin = copy_of(estimator)
    twin.fit(X, y, sample_weight=[1] * len(X))
    got, wanted = call_all(twin, X), call_all(first_fit(estimator).fitted, X)
    for method in wanted:
        expect_close(got[method], wanted[method], f"{name}.{method} after fit with weights of one")


def check_sample_weight_of_pixels(name: str, estimator: Any) -> None:
    """A weight for each image equals that weight for each of its pixels; neither is changed."""
    _skip_without_weights(name, estimator)
    X, y = make_slices()
    of_images = np.array([2.0, 0.5, 1.0, 3.0])
    of_pixels = np.broadcast_to(of_images[:, np.newaxis, np.newaxis], y.shape).copy()
    results = []
    for weight in (of_images, of_pixels):
        before = weight.copy()
        twin = copy_of(estimator)
        twin.fit(*make_slices(), sample_weight=weight)
        expect(np.array_equal(weight, before), f"{name}.fit must leave sample_weight as it is.")
        results.append(call_all(twin, X))
    for method, wanted in results[0].items():
        what = f"{name}.{method} after fit with the images' weights given for each pixel"
        expect_close(results[1][method], wanted, what)


def check_sample_weight_refused(name: str, estimator: Any) -> None:
    """Weights of a wrong length or size, negative, not finite or all zero are refused."""
    _skip_without_weights(name, estimator)
    X, y = make_slices()
    for bad, what in (
        (np.ones(3), "of 3 images for 4"),
        (np.ones((4, 32, 39)), "of pixels of another width"),
        (np.array([1.0, 1.0, -1.0, 1.0]), "with a negative one"),
        (np.array([1.0, np.nan, 1.0, 1.0]), "with NaN"),
        (np.zeros(4), "of zero"),
    ):
        fit = partial(copy_of(estimator).fit, X, y, sample_weight=bad)
        expect_refused(fit, f"Weights {what} in {name}.fit", errors=(ValueError,))


def check_ignored_pixels(name: str, estimator: Any) -> None:
    """Pixels with ignore_label count neither in fit nor in score, whatever that value is."""
    if "ignore_label" not in estimator.get_params(deep=False):
        skip(f"{name} has no parameter ignore_label")
    results = []
    for value in (7, 200):
        X, masks = make_slices()
        masks[:, :, 24:] = value
        twin = copy_of(estimator).set_params(ignore_label=value)
        twin.fit(X.copy(), masks)
        results.append(call_all(twin, X))
        expect(
            np.array_equal(twin.classes_, [0, 1]),
            f"classes_ of {name} must not hold ignore_label={value}; got {twin.classes_}.",
        )
        mask = results[-1]["predict"]
        predicted, truth = mask[:, :, :24] == 1, masks[:, :, :24] == 1
        union = np.sum(predicted | truth)
        wanted, got = np.sum(predicted & truth) / union, twin.score(X, masks)
        expect(
            abs(got - wanted) < 1e-6,
            f"{name}.score must be the IoU over labelled pixels, {wanted:.6f}; got {got:.6f}.",
        )
    for method, wanted in results[0].items():
        what = f"{name}.{method} after fit with another ignore_label at the same pixels"
        expect_close(results[1][method], wanted, what)


def _skip_without_weights(name: str, estimator: Any) -> None:
    if not has_fit_parameter(estimator, "sample_weight"):
        skip(f"fit of {name} has no argument sample_weight")

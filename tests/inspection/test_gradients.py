"""Gradients against known kernels and finite differences, of every layout and region."""

import copy
import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from membseg import (
    EnsembleSegmenter,
    RidgeSegmenter,
    TunedThresholdSegmenter,
    UNetSegmenter,
    input_gradients,
    make_membranes,
    smooth_grad,
)
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.inspection._gradients import differentiate
from membseg.inspection._regions import check_region
from membseg.inspection._subject import open_subject
from membseg.preprocessing import CLAHE
from membseg.utils import Intensity


def test_the_gradient_of_a_convolution_is_its_kernel(linear, stack, kernel_of):
    X, _ = stack
    found = input_gradients(linear, X, region=(20, 11))
    expected = np.zeros_like(found)
    expected[:, 19:22, 10:13] = kernel_of(linear)[..., 0]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert (found.dtype, found.shape) == (np.float32, X.shape)


def test_reflected_pixels_count_as_often_as_they_are_seen(linear, stack, kernel_of):
    X, _ = stack
    kernel = kernel_of(linear)[..., 0]
    found = input_gradients(linear, X[:1], region=(0, 0))[0]
    # The image is continued by reflection that repeats the edge.
    rows = np.stack([kernel[0] + kernel[1], kernel[2]])
    corner = np.stack([rows[:, 0] + rows[:, 1], rows[:, 2]], axis=1)
    np.testing.assert_allclose(found[:2, :2], corner, atol=1e-6)
    assert np.count_nonzero(found) == 4


def test_channels_have_gradients_of_their_own(linear_of_two, stack, kernel_of):
    X = np.stack([stack[0], stack[0]], axis=-1)
    found = input_gradients(linear_of_two, X[:1], region=(20, 11))[0]
    np.testing.assert_allclose(found[19:22, 10:13], kernel_of(linear_of_two), atol=1e-6)


@pytest.fixture(scope="module")
def subject(net, stack):
    """The small U-Net and the first slice."""
    return open_subject(net, stack[0][:1], (0, 0))


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**16), place=st.tuples(st.integers(0, 47), st.integers(0, 39)))
def test_they_are_the_slopes_of_the_logits(net, stack, subject, seed, place):
    weights = check_region(place, [(48, 40)], list, None)
    subject = dataclasses.replace(subject, weights=weights)
    pixels = subject.frames[0].pixels
    rng = np.random.default_rng(seed)
    value, gradient = subject.differentiate(0, pixels)
    expected = net.decision_function(stack[0][:1])[0]
    assert value == pytest.approx(float(expected[place]), abs=1e-4)
    # Along the gradient itself a small step pays most, so that rounding matters least; where all
    # units are silent the gradient is zero, and so must be the slope in any direction.
    along = gradient / max(np.linalg.norm(gradient), 1e-6)
    way = along + 1e-3 * rng.standard_normal(pixels.shape)
    step = np.float32(1e-3) * way.astype(np.float32)
    (up, above), (down, below) = (subject.differentiate(0, pixels + s * step) for s in (1, -1))
    # The network is made of linear pieces; where a unit wakes within the step are two slopes.
    assume(all(np.allclose(one, gradient, rtol=1e-3, atol=1e-6) for one in (above, below)))
    assert (up - down) / 2 == pytest.approx(float((gradient * step).sum()), rel=0.05, abs=1e-5)


@pytest.mark.parametrize("norm", ["percentile", "stack", "none"])
def test_images_are_normalised_as_predict_does(linear, stack, norm):
    X = stack[0] + 7
    segmenter = copy.copy(linear)
    segmenter._intensity_norm = norm
    segmenter.intensity_ = Intensity(np.array([120.0]), np.array([0.02]))
    subject = open_subject(segmenter, X, np.ones(X.shape[1:], bool))
    found = [subject.differentiate(i, f.pixels)[0] for i, f in enumerate(subject.frames)]
    expected = segmenter.decision_function(X).mean(axis=(1, 2))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_region_is_the_mean_of_its_pixels(net, stack):
    X, _ = stack
    mask = np.zeros(X.shape[1:], bool)
    mask[10, 12] = mask[30, 20] = True
    both = input_gradients(net, X, region=mask)
    single = [input_gradients(net, X, region=place) for place in ((10, 12), (30, 20))]
    np.testing.assert_allclose(both, np.mean(single, axis=0), atol=1e-6)
    np.testing.assert_array_equal(both, input_gradients(net, X, region=np.stack([mask] * 3)))
    np.testing.assert_array_equal(both, input_gradients(net, X, region=[mask] * 3))
    predicted = [m == net.classes_[1] for m in net.predict(X)]
    whole = [m if m.any() else ~m for m in predicted]
    np.testing.assert_array_equal(input_gradients(net, X), input_gradients(net, X, region=whole))


def test_lists_give_lists(net, stack):
    X, _ = stack
    images = [X[0], X[1][:37, :33, np.newaxis]]
    found = input_gradients(net, images, region=(4, 4))
    assert [one.shape for one in found] == [(48, 40), (37, 33, 1)]
    np.testing.assert_array_equal(found[0], input_gradients(net, X[:1], region=(4, 4))[0])


def test_it_looks_through_what_stands_around_a_network(net, stack):
    X, _ = stack
    expected = input_gradients(net, X, region=(9, 9))
    frozen = FrozenEstimator(net)
    tuned = TunedThresholdSegmenter(frozen).fit(*make_membranes(3, 48, 40, random_state=1))
    for outer in (frozen, tuned, make_pipeline(net)):
        np.testing.assert_array_equal(input_gradients(outer, X, region=(9, 9)), expected)
    pipeline = make_pipeline(CLAHE().fit(X), net)
    seen = pipeline[:-1].transform(X)
    np.testing.assert_array_equal(
        input_gradients(pipeline, X, region=(9, 9)), input_gradients(net, seen, region=(9, 9))
    )


def test_the_segmenter_is_left_as_it_is(net, stack):
    before = [w.copy() for w in net._weights]
    state = np.random.get_state()[1].copy()
    input_gradients(net, stack[0], region=(9, 9))
    for a, b in zip(net._weights, before, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_a_network_trained_in_half_precision_is_explained_in_float32(net, stack):
    segmenter = copy.copy(net)
    segmenter._config = net._config | {"dtype": "mixed_bfloat16"}
    subject = open_subject(segmenter, stack[0][:1], (9, 9))
    assert {layer.compute_dtype for layer in subject.network.layers} == {"float32"}


# ------------------------------------------------------------------ SmoothGrad


def test_without_noise_it_is_the_gradient(net, stack):
    X, _ = stack
    found = smooth_grad(net, X, region=(9, 9), noise=0, n_samples=2)
    np.testing.assert_allclose(found, input_gradients(net, X, region=(9, 9)), atol=1e-6)


def test_noise_is_repeatable_and_does_something(net, stack):
    X, _ = stack
    first, again, other = (
        smooth_grad(net, X[:1], region=(9, 9), n_samples=2, random_state=seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_bad_noise(net, stack):
    with pytest.raises(InvalidInputError, match="noise must be a finite number of at least 0"):
        smooth_grad(net, stack[0], noise=-1)
    with pytest.raises(InvalidInputError, match="n_samples must be an int of 1 or more; got 0"):
        smooth_grad(net, stack[0], n_samples=0)


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ((48, 0), r"a pixel inside of every image; got \(48, 0\) for an image of 48 x 40"),
        ((-1, 0), "Rows and columns count from 0"),
        ("corner", "region must be None, a pixel"),
        ((1.5, 2), "region must be None, a pixel.*"),
        (np.ones((48, 40)), "image 0 has 48 x 40 pixels, and its region is of dtype float64"),
        (np.ones((40, 48), bool), r"shape \(40, 48\)"),
        (np.ones((2, 48, 40), bool), r"got 2 for 3 image\(s\)"),
        (np.zeros((48, 40), bool), "that of image 0 holds none"),
    ],
)
def test_regions_that_do_not_fit(net, stack, region, message):
    with pytest.raises(InvalidInputError, match=message):
        input_gradients(net, stack[0], region=region)


def test_segmenters_without_a_network(net, stack):
    X, y = stack
    with pytest.raises(InvalidTypeError, match=r"got RidgeSegmenter. occlusion_map and property"):
        input_gradients(RidgeSegmenter(scale=2.0).fit(X, y), X)
    ensemble = EnsembleSegmenter([("a", RidgeSegmenter(scale=2.0))]).fit(X, y)
    with pytest.raises(InvalidTypeError, match=r"Explain its members one by one, estimators_\[0\]"):
        input_gradients(ensemble, X)
    with pytest.raises(InvalidTypeError, match=r"got str\. Give a fitted one"):
        input_gradients("net", X)


def test_before_fit(stack):
    with pytest.raises(NotFittedError):
        input_gradients(UNetSegmenter(), stack[0])
    with pytest.raises(NotFittedError):
        input_gradients(GridSearchCV(UNetSegmenter(), {"depth": [1]}), stack[0])


def test_a_fit_that_failed_has_nothing_to_explain(net, stack):
    failed = copy.copy(net)
    failed._weights = None
    with pytest.raises(InvalidInputError, match="its fit failed and gave the prior"):
        input_gradients(failed, stack[0])


def test_other_images_than_in_fit(net, stack):
    with pytest.raises(InvalidInputError, match=r"X must have 1 channel\(s\), as in fit"):
        input_gradients(net, np.stack([stack[0]] * 2, axis=-1))


def test_a_backend_without_gradients(monkeypatch):
    import keras

    monkeypatch.setattr(keras.backend, "backend", lambda: "numpy")
    with pytest.raises(InvalidInputError, match=r"this process runs 'numpy'\. Save the segmenter"):
        differentiate(None, [], np.ones(1))

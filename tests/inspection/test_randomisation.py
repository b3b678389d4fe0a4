"""Explanations that show the image fail the check; those of the network pass it."""

import copy

import numpy as np
import pytest
from scipy.ndimage import gaussian_gradient_magnitude
from scipy.stats import spearmanr

from membseg import input_gradients, randomisation_check
from membseg.exceptions import InvalidInputError
from membseg.inspection._randomisation import _draw, _randomise


def edges(segmenter, X):
    """Shows edges of the image, whatever the segmenter."""
    return gaussian_gradient_magnitude(X.astype(float), (0, 1, 1))


def test_edges_of_the_image_are_no_explanation(net, stack):
    found = randomisation_check(net, stack[0], edges, n_stages=2, random_state=0)
    np.testing.assert_allclose(found.spearman, 1)
    np.testing.assert_allclose(found.ssim, 1)
    assert not found.passed
    assert found.verdict.startswith("With all weights random, edges agrees with that of the")
    assert "Do not rely on it" in str(found)


def test_what_says_the_weights_passes(net, stack):
    def weights_as_a_map(segmenter, X):
        values = np.concatenate([w.ravel() for w in segmenter._weights])
        return [np.resize(values, image.shape) for image in X]

    found = randomisation_check(net, stack[0], weights_as_a_map, random_state=0)
    assert found.passed
    assert found.verdict.endswith("it depends on what the network learnt.")
    # The more layers are random the less is left.
    assert found.spearman[0] > found.spearman[-1]
    assert abs(found.spearman_signed[-1]) < 0.2


def test_maps_that_become_empty_are_told(net, stack):
    def weights_or_nothing(segmenter, X):
        known = segmenter._weights is net._weights
        return [known * gaussian_gradient_magnitude(X[0].astype(float), 1) for _ in X]

    found = randomisation_check(net, stack[0], weights_or_nothing, n_stages=1)
    assert (found.n_empty, found.spearman.tolist(), found.passed) == (3, [0.0], True)
    assert "by 0.00 (Spearman), 3 map(s) of one value among it: it depends" in found.verdict
    assert randomisation_check(net, stack[0], edges, n_stages=1).n_empty == 0


def test_gradients_stay_about_the_region_of_the_trained_network(net, stack):
    X, _ = stack
    found = randomisation_check(net, X[:1], n_stages=3, random_state=0)
    assert found.explain == "input_gradients"
    assert found.spearman.shape == found.ssim.shape == (3,)
    region = net.predict(X[:1]) == net.classes_[1]
    region = region if region.any() else ~region
    again = randomisation_check(net, X[:1], region=region, n_stages=3, random_state=0)
    np.testing.assert_array_equal(found.spearman, again.spearman)


def test_similarity_by_hand(net, stack):
    X = stack[0][:1]
    region = np.ones((48, 40), bool)
    found = randomisation_check(net, X, region=region, n_stages=1, random_state=5)
    rng = np.random.default_rng(5)
    rng.integers(2**31)
    ((_, weights),) = _randomise(net, 1, rng)
    other = copy.copy(net)
    other._weights, other._network = weights, None
    maps = [input_gradients(one, X, region=region)[0] for one in (net, other)]
    expected = spearmanr(*(np.abs(m).ravel() for m in maps)).statistic
    assert found.spearman[0] == pytest.approx(expected)
    assert found.spearman_signed[0] == pytest.approx(
        spearmanr(*(m.ravel() for m in maps)).statistic
    )


def test_layers_become_random_from_the_top_and_stay_so(net):
    stages = list(_randomise(net, 99, np.random.default_rng(0)))
    names = [name for layers, _ in stages for name in layers]
    network = net.network_
    assert names == [layer.name for layer in reversed(network.layers) if layer.weights]
    for k, (_, weights) in enumerate(stages):
        same = [a is b for a, b in zip(weights, net._weights, strict=True)]
        assert sum(same) == len(same) - 2 * (k + 1)
    assert len(list(_randomise(net, 3, np.random.default_rng(0)))) == 3


def test_random_weights_keep_their_size():
    rng = np.random.default_rng(0)
    kernel = (0.3 + rng.standard_normal((3, 3, 8, 8))).astype(np.float32)
    drawn = _draw(kernel, rng)
    assert (drawn.dtype, drawn.shape) == (np.float32, kernel.shape)
    assert np.mean(drawn**2) == pytest.approx(np.mean(kernel**2), rel=0.2)
    bias = rng.random(20).astype(np.float32)
    assert sorted(_draw(bias, rng)) == sorted(bias)
    state = np.arange(2, dtype=np.uint32)
    assert _draw(state, rng) is state


@pytest.mark.parametrize("explain", ["smooth_grad", "integrated_gradients", "grad_cam"])
def test_explainers_by_name(ring, stack, explain):
    X = stack[0][:1]
    found = randomisation_check(ring, X, explain, region=(20, 20), n_stages=1, random_state=0)
    assert np.isfinite(found.spearman).all()
    assert found.explain == explain


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"explain": "shap"}, "explain must be one of input_gradients, .*; got 'shap'"),
        ({"explain": edges, "region": (1, 1)}, "region must be None where explain is a function"),
        ({"explain": lambda s, X: [3.0]}, r"explain must return one map an image.*\[\(\)\]"),
        ({"n_stages": 0}, "n_stages must be an int of 1 or more"),
        ({"limit": 1.0}, "limit must be a rank correlation, above 0 and below 1; got 1.0"),
    ],
)
def test_bad_parameters(net, stack, options, message):
    with pytest.raises(InvalidInputError, match=message):
        randomisation_check(net, stack[0], **options)

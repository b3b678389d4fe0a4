"""A recurrent convolution is one kernel, used again and again."""

import keras
import numpy as np
import pytest

from membseg.networks import network_reach
from membseg.networks._recurrent import RecurrentConv2D


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_it_is_the_unrolled_convolution(steps):
    image = np.random.default_rng(0).normal(size=(2, 6, 5, 3)).astype(np.float32)
    ours = RecurrentConv2D(3, 3, steps=steps, activation="relu", bias_initializer="ones")
    got = np.asarray(ours(image))
    conv = keras.layers.Conv2D(3, 3, padding="same", activation="relu")
    conv.build(image.shape)
    conv.set_weights(ours.get_weights())
    expected = np.asarray(conv(image))
    for _ in range(steps):
        expected = np.asarray(conv(image + expected))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
    assert ours.count_params() == 3 * 3 * 3 * 3 + 3
    assert ours.compute_output_shape((2, None, 5, 3)) == (2, None, 5, 3)


@pytest.mark.parametrize(("kernel_size", "steps"), [(3, 0), (3, 2), (5, 1), ((1, 3), 3)])
def test_each_step_looks_further(extent, kernel_size, steps):
    image = keras.Input((None, None, 1))
    network = keras.Model(image, RecurrentConv2D(1, kernel_size, steps=steps)(image))
    reach = network_reach(network)
    size = kernel_size if isinstance(kernel_size, int) else max(kernel_size)
    assert (reach.radius, reach.factor, reach.is_exact) == (size // 2 * (steps + 1), 1, True)
    if isinstance(kernel_size, int):
        assert extent(network, 1, 32, 8) == reach.radius


def test_it_is_made_again_from_its_configuration():
    options = {"activation": "relu", "use_bias": False, "name": "again", "dtype": "mixed_bfloat16"}
    first = RecurrentConv2D(4, 5, steps=3, **options)
    twin = RecurrentConv2D.from_config(first.get_config())
    assert (twin.filters, twin.kernel_size, twin.steps) == (4, (5, 5), 3)
    assert (twin.padding, twin.use_bias, twin.name) == ("same", False, "again")
    assert twin.activation is keras.activations.relu
    assert twin.dtype_policy.name == "mixed_bfloat16"

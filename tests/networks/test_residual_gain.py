"""The factor of a branch is zero at first, and learns."""

import keras
import numpy as np

from membseg.networks._residual_gain import ResidualGain


def test_nothing_passes_at_first_and_then_everything_alike():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    layer = ResidualGain()
    np.testing.assert_array_equal(np.asarray(layer(x)), np.zeros_like(x))
    layer.gain.assign(0.5)
    np.testing.assert_allclose(np.asarray(layer(x)), x / 2)
    assert layer.count_params() == 1
    assert layer.compute_output_shape((None, None, 4, 5)) == (None, None, 4, 5)


def test_it_is_made_again_from_its_configuration():
    layer = ResidualGain(0.25, name="again")
    twin = ResidualGain.from_config(layer.get_config())
    assert (twin.start, twin.name) == (0.25, "again")
    np.testing.assert_allclose(np.asarray(twin(np.ones((1, 2), np.float32))), 0.25)


def test_it_keeps_the_precision_and_leaves_zero():
    image = keras.Input((2, 2, 1))
    network = keras.Model(image, ResidualGain(dtype="mixed_bfloat16")(image))
    assert network.output.dtype == "bfloat16"
    assert network.layers[-1].gain.dtype == "float32"
    network.compile(keras.optimizers.SGD(0.1), "mse")
    ones = np.ones((1, 2, 2, 1), np.float32)
    network.train_on_batch(ones, ones)
    assert float(network.layers[-1].gain.numpy()) > 0.1

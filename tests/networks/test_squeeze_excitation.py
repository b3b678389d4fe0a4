"""Squeeze and excitation, written out with numpy."""

from itertools import count

import keras
import numpy as np
import pytest

from membseg.networks import build_unet, network_reach
from membseg.networks._layers import ConvStyle
from membseg.networks._squeeze_excitation import squeeze_excitation


def make_network(filters):
    style = ConvStyle(norm_layer="none", l1=0.0, l2=0.0, dtype="float32", seeds=count(3))
    x = keras.Input((None, None, filters))
    return keras.Model(x, squeeze_excitation(style, x, "se"))


@pytest.mark.parametrize(("filters", "hidden"), [(4, 1), (32, 2)])
def test_equations_two_to_four(filters, hidden):
    network = make_network(filters)
    rng = np.random.default_rng(0)
    for weight in network.weights:
        weight.assign(rng.normal(size=weight.shape))
    x = rng.normal(size=(2, 5, 7, filters))
    weights = {w.path: w.numpy() for w in network.weights}
    squeeze, excite = (weights[f"se_{step}/kernel"][0, 0] for step in ("squeeze", "excite"))
    assert squeeze.shape == (filters, hidden)
    z = x.mean(axis=(1, 2))
    s = np.maximum(z @ squeeze + weights["se_squeeze/bias"], 0) @ excite
    s = 1 / (1 + np.exp(-(s + weights["se_excite/bias"])))
    got = network.predict_on_batch(x)
    np.testing.assert_allclose(got, 2 * x * s[:, np.newaxis, np.newaxis], rtol=1e-4, atol=1e-5)


def test_it_changes_nothing_as_long_as_nothing_is_excited():
    network = make_network(3)
    network.get_layer("se_excite").kernel.assign(np.zeros((1, 1, 1, 3)))
    x = np.random.default_rng(0).normal(size=(1, 4, 4, 3)).astype(np.float32)
    np.testing.assert_allclose(network.predict_on_batch(x), x, rtol=1e-6)


def test_every_block_has_one_and_tiles_are_not_exact():
    network = build_unet(depth=1, base_filters=2, squeeze_excitation=True)
    names = [layer.name for layer in network.layers if layer.name.endswith("_excitation")]
    assert names == ["down0_excitation", "bottleneck_excitation", "up0_excitation"]
    plain = network_reach(build_unet(depth=1, base_filters=2))
    reach = network_reach(network)
    assert (reach.radius, reach.factor, reach.is_exact) == (plain.radius, plain.factor, False)


def test_in_residual_blocks_it_weighs_the_branch_alone():
    network = build_unet(depth=1, base_filters=2, block="residual", squeeze_excitation=True)
    branch = network.get_layer("up0_gain").input._keras_history.operation
    assert branch.name == "up0_excitation"

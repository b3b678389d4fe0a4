"""The transformer at the bottleneck: identity at first, windows of open images, heads."""

from itertools import count

import keras
import numpy as np
import pytest

from membseg.networks import build_unet, network_reach
from membseg.networks._layers import ConvStyle
from membseg.networks._transformer import transformer
from membseg.networks._window_attention import WindowAttention


def make_network(filters=4):
    style = ConvStyle(norm_layer="none", l1=0.0, l2=0.0, dtype="float32", seeds=count(3))
    x = keras.Input((None, None, filters))
    return keras.Model(x, transformer(style, x, "t"))


def open_up(network):
    for weight in network.weights:
        if weight.path.endswith("gain"):
            weight.assign(1.0)


def test_it_is_the_identity_before_it_learns():
    x = np.random.default_rng(0).normal(size=(2, 5, 14, 4)).astype(np.float32)
    network = make_network()
    np.testing.assert_array_equal(network.predict_on_batch(x), x)
    open_up(network)
    assert np.abs(network.predict_on_batch(x) - x).max() > 0.1


def test_pixels_of_one_window_see_each_other():
    network = make_network()
    open_up(network)
    x = np.random.default_rng(0).normal(size=(1, 30, 14, 4)).astype(np.float32)
    changed = x.copy()
    changed[0, 17, 3, 0] += 1
    differs = (network.predict_on_batch(x) != network.predict_on_batch(changed)).any(axis=(0, 3))
    expected = np.zeros((30, 14), bool)
    expected[12:24, :12] = True
    np.testing.assert_array_equal(differs, expected)


def test_what_was_predicted_before_does_not_matter():
    x = np.random.default_rng(0).normal(size=(1, 30, 17, 4)).astype(np.float32)
    fresh, used = make_network(), make_network()
    for network in (fresh, used):
        rng = np.random.default_rng(1)
        network.set_weights([rng.normal(size=w.shape) for w in network.get_weights()])
    for size in ((5, 7), (12, 8), (24, 36)):
        used.predict_on_batch(np.zeros((1, *size, 4), np.float32))
    np.testing.assert_array_equal(used.predict_on_batch(x), fresh.predict_on_batch(x))


@pytest.mark.parametrize(("filters", "n_heads"), [(2, 1), (32, 1), (128, 4), (72, 2), (74, 2)])
def test_heads_have_about_32_channels(filters, n_heads):
    (layer,) = (w for w in make_network(filters).layers if isinstance(w, WindowAttention))
    assert (layer.n_heads, layer.window) == (n_heads, 12)


def test_parameters_are_those_of_the_definition():
    c, positions = 32, 23**2
    block = 2 * 2 * c + (3 * c * c + 3 * c) + (c * c + c) + (4 * c * c + 4 * c) + (4 * c * c + c)
    assert make_network(c).count_params() == block + positions + 2


def test_the_network_starts_as_the_plain_one_and_is_not_tile_exact():
    sizes = {"depth": 1, "base_filters": 2}
    plain, attending = build_unet(**sizes), build_unet(**sizes, bottleneck="transformer")
    for layer in plain.layers:
        attending.get_layer(layer.name).set_weights(layer.get_weights())
    image = np.random.default_rng(0).normal(size=(1, 40, 30, 1)).astype(np.float32)
    np.testing.assert_array_equal(attending.predict_on_batch(image), plain.predict_on_batch(image))
    reach, of_plain = network_reach(attending), network_reach(plain)
    assert (reach.radius, reach.factor) == (of_plain.radius, of_plain.factor)
    assert not reach.is_exact

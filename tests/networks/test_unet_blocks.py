"""Blocks of a U-Net: shortcuts, and skipping them at random."""

from itertools import count

import keras
import numpy as np
import pytest

from membseg.networks import build_unet
from membseg.networks._layers import ConvStyle
from membseg.networks._unet_blocks import UNetBlocks


def make_network(n_in, filters, norm_layer="none", **options):
    given = {"block": "plain", "squeeze_excitation": False, "stochastic_depth": 0.0, "length": 1}
    style = ConvStyle(norm_layer=norm_layer, l1=0.0, l2=0.0, dtype="float32", seeds=count(3))
    x = keras.Input((None, None, n_in))
    blocks = UNetBlocks(style, **(given | options))
    return keras.Model(x, blocks.make(x, filters, "b", number=1))


def set_gain(network, gain=1.0):
    for weight in network.weights:
        if weight.path.endswith("gain"):
            weight.assign(gain)


def apply(layer, x):
    return np.asarray(layer(x))


IMAGE = np.random.default_rng(0).normal(size=(1, 6, 7, 3)).astype(np.float32)


@pytest.mark.parametrize("block", ["residual", "recurrent"])
def test_a_block_without_gain_is_its_shortcut(block):
    same, wider = (make_network(3, filters, block=block) for filters in (3, 5))
    for network in (same, wider):
        set_gain(network, 0.0)
    np.testing.assert_array_equal(same.predict_on_batch(IMAGE), np.maximum(IMAGE, 0))
    expected = np.maximum(apply(wider.get_layer("b_shortcut"), IMAGE), 0)
    np.testing.assert_allclose(wider.predict_on_batch(IMAGE), expected, atol=1e-5)


def test_gains_start_small():
    for length in (1, 4, 9):
        residual, recurrent = (
            make_network(3, 3, block=block, length=length).get_layer("b_gain").gain
            for block in ("residual", "recurrent")
        )
        assert float(residual.numpy()) == pytest.approx(length**-0.5)
        assert float(recurrent.numpy()) == 0


@pytest.mark.parametrize("block", ["plain", "residual", "recurrent"])
def test_logits_of_a_network_start_at_the_size_of_the_image(block):
    image = np.random.default_rng(0).normal(size=(2, 64, 64, 1)).astype(np.float32)
    sizes = [
        np.asarray(build_unet(depth=3, stem_stride=2, block=block, seed=1000 * k)(image)).std()
        for k in range(3)
    ]
    assert 0.1 < np.median(sizes) < 4


@pytest.mark.parametrize("filters", [3, 5])
def test_a_residual_block_adds_two_convolutions(filters):
    network = make_network(3, filters, block="residual")
    set_gain(network)
    inner = IMAGE
    for k in range(2):
        inner = apply(network.get_layer(f"b_conv{k}"), inner)
    shortcut = IMAGE if filters == 3 else apply(network.get_layer("b_shortcut"), IMAGE)
    expected = np.maximum(shortcut + inner, 0)
    assert (inner < 0).any()
    np.testing.assert_allclose(network.predict_on_batch(IMAGE), expected, atol=1e-4)


def test_a_recurrent_block_adds_two_unrolled_convolutions():
    network = make_network(3, 5, block="recurrent")
    set_gain(network)
    shortcut = apply(network.get_layer("b_shortcut"), IMAGE)
    inner = shortcut
    for k in range(2):
        conv = keras.layers.Conv2D(5, 3, padding="same", activation="relu")
        conv.build(shortcut.shape)
        conv.set_weights(network.get_layer(f"b_conv{k}").get_weights())
        first = apply(conv, inner)
        second = apply(conv, inner + first)
        inner = apply(conv, inner + second)
    expected = np.maximum(shortcut + inner, 0)
    np.testing.assert_allclose(network.predict_on_batch(IMAGE), expected, rtol=1e-4, atol=1e-3)
    # As many weights as two convolutions, the shortcut and the gain.
    assert network.count_params() == 2 * (9 * 5 * 5 + 5) + (3 * 5 + 5) + 1


@pytest.mark.parametrize("block", ["residual", "recurrent"])
@pytest.mark.parametrize("norm_layer", ["batch", "group"])
def test_normalisation_follows_each_convolution(block, norm_layer):
    network = make_network(3, 4, norm_layer, block=block)
    norms = [layer.name for layer in network.layers if "Normalization" in type(layer).__name__]
    assert sorted(norms) == ["b_conv0_norm", "b_conv1_norm", "b_shortcut_norm"]


def test_skipped_blocks_are_shortcuts_image_by_image_and_in_training_only():
    network = make_network(3, 3, block="residual", stochastic_depth=0.75)
    set_gain(network)
    images = np.repeat(IMAGE, 64, axis=0)
    quiet = np.asarray(network(images, training=False))
    inner = apply(network.get_layer("b_conv1"), apply(network.get_layer("b_conv0"), IMAGE))
    np.testing.assert_allclose(quiet[0], np.maximum(IMAGE + inner, 0)[0], atol=1e-4)
    noisy = np.asarray(network(images, training=True))
    skipped = [np.allclose(image, np.maximum(IMAGE, 0)[0]) for image in noisy]
    kept = [np.allclose(i, np.maximum(IMAGE + 4 * inner, 0)[0], atol=1e-3) for i in noisy]
    assert all(a != b for a, b in zip(skipped, kept, strict=True))
    assert np.mean(skipped) == pytest.approx(0.75, abs=0.2)


@pytest.mark.parametrize(
    ("skips", "numbers"),
    [
        ("plain", {"down0": 1, "down1": 2, "bottleneck": 3, "up1": 4, "up0": 5}),
        (
            "nested",
            {"down0": 1, "down1": 2, "bottleneck": 3, "node0_1": 3, "node1_1": 4, "node0_2": 5},
        ),
    ],
)
def test_rates_rise_linearly_along_the_longest_way(skips, numbers):
    network = build_unet(
        depth=2, base_filters=2, block="residual", skips=skips, stochastic_depth=0.5
    )
    rates = {
        layer.name.removesuffix("_drop"): layer.rate
        for layer in network.layers
        if type(layer) is keras.layers.Dropout
    }
    assert rates == pytest.approx({name: 0.5 * number / 5 for name, number in numbers.items()})

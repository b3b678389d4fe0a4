"""The mean of heads predicts; in training each one is there."""

import numpy as np
import pytest

from membseg.networks import build_unet
from membseg.networks._heads import MeanOfHeads


def test_mean_and_channels():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    layer = MeanOfHeads()
    np.testing.assert_array_equal(np.asarray(layer(x, training=True)), x)
    expected = x.mean(axis=-1, keepdims=True)
    for options in ({}, {"training": False}, {"training": None}):
        np.testing.assert_allclose(np.asarray(layer(x, **options)), expected, atol=1e-6)
    assert layer.compute_output_shape((2, None, None, 5)) == (2, None, None, 1)


@pytest.mark.parametrize(("stem_stride", "zoom"), [(1, 1), (2, 1), (2, 2), (1, 2)])
def test_a_network_gives_its_heads_in_training(stem_stride, zoom):
    sizes = {"depth": 3, "base_filters": 2, "stem_stride": stem_stride, "zoom": zoom}
    network = build_unet(**sizes, skips="nested", deep_supervision=True)
    assert network.output_shape == (None, None, None, 1)
    image = np.random.default_rng(0).normal(size=(2, 16, 32, 1)).astype(np.float32)
    heads = np.asarray(network(image, training=True))
    assert heads.shape == (2, 16, 32, 3)
    assert len({float(heads[..., k].std()) for k in range(3)}) == 3
    logits = network.predict_on_batch(image)
    np.testing.assert_allclose(logits, heads.mean(axis=-1, keepdims=True), atol=1e-5)


def test_the_last_head_is_that_of_the_network_without_supervision():
    sizes = {"depth": 2, "base_filters": 2, "stem_stride": 2, "skips": "nested"}
    one, all_of_them = build_unet(**sizes), build_unet(**sizes, deep_supervision=True)
    for layer in one.layers:
        name = "head1_logits" if layer.name == "logits" else layer.name
        all_of_them.get_layer(name).set_weights(layer.get_weights())
    image = np.random.default_rng(0).normal(size=(1, 16, 16, 1)).astype(np.float32)
    heads = np.asarray(all_of_them(image, training=True))
    np.testing.assert_allclose(heads[..., 1:], one.predict_on_batch(image), atol=1e-5)


def test_a_single_head_is_the_ordinary_one():
    names = [
        layer.name
        for layer in build_unet(
            depth=1, base_filters=2, skips="nested", deep_supervision=True
        ).layers
    ]
    assert names[-1] == "logits"
    assert "heads" not in names

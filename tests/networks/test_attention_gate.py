"""An attention gate, written out with numpy."""

from itertools import count

import keras
import numpy as np
from scipy import ndimage

from membseg.networks import build_unet
from membseg.networks._attention_gate import attention_gate
from membseg.networks._layers import ConvStyle


def make_gate():
    style = ConvStyle(norm_layer="none", l1=0.0, l2=0.0, dtype="float32", seeds=count(3))
    x, gating = keras.Input((None, None, 3)), keras.Input((None, None, 5))
    network = keras.Model([x, gating], attention_gate(style, x, gating, "gate"))
    rng = np.random.default_rng(1)
    for weight in network.weights:
        weight.assign(rng.normal(size=weight.shape))
    return network


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_equations_one_and_two():
    network = make_gate()
    rng = np.random.default_rng(0)
    x, gating = rng.normal(size=(6, 8, 3)), rng.normal(size=(3, 4, 5))
    weights = {w.path: w.numpy() for w in network.weights}
    windows = x.reshape(3, 2, 4, 2, 3)
    q = np.einsum("iajbc,abcf->ijf", windows, weights["gate_features/kernel"])
    q += gating @ weights["gate_signal/kernel"][0, 0] + weights["gate_signal/bias"]
    q = np.maximum(q, 0) @ weights["gate_attention/kernel"][0, 0] + weights["gate_attention/bias"]
    alpha = ndimage.zoom(sigmoid(q[..., 0]), 2, order=1, mode="nearest", grid_mode=True)
    got = network.predict_on_batch([x[np.newaxis], gating[np.newaxis]])[0]
    np.testing.assert_allclose(got, x * alpha[..., np.newaxis], rtol=1e-4, atol=1e-5)


def test_weights_lie_between_zero_and_one():
    network = make_gate()
    rng = np.random.default_rng(0)
    x, gating = rng.random((2, 8, 4, 3)) + 1, 10 * rng.normal(size=(2, 4, 2, 5))
    alpha = network.predict_on_batch([x, gating]) / x
    assert ((alpha >= 0) & (alpha <= 1)).all()
    # All channels of a pixel alike, and pixels not.
    np.testing.assert_allclose(alpha, alpha[..., :1].repeat(3, axis=-1), rtol=1e-4)
    assert alpha.std() > 0.05


def test_each_bridge_has_a_gate_whose_signal_is_the_level_below():
    network = build_unet(depth=2, base_filters=2, skips="attention")
    for level, below in ((1, "bottleneck_conv1"), (0, "up1_conv1")):
        signal = network.get_layer(f"up{level}_gate_signal").input._keras_history.operation
        features = network.get_layer(f"up{level}_gate_features").input._keras_history.operation
        assert (signal.name, features.name) == (below, f"down{level}_conv1")
        bridge = network.get_layer(f"up{level}_bridge").input[0]._keras_history.operation
        assert bridge.name == f"up{level}_gate"

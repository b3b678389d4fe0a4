"""The weights that come with the package fit the default network, and no other."""

import numpy as np
import pytest

from membseg.networks import build_unet, load_synthetic_weights, save_synthetic_weights

CONFIG = {
    "n_channels": 1,
    "depth": 3,
    "base_filters": 16,
    "stem_stride": 2,
    "norm_layer": "none",
    "dropout": 0.1,
    "l1": 0.0,
    "l2": 1e-5,
    "dtype": "float32",
    "seed": 4,
}


def test_they_fit_the_default_network():
    network = build_unet(**CONFIG)
    weights = load_synthetic_weights(CONFIG)
    assert [w.shape for w in weights] == [tuple(v.shape) for v in network.weights]
    assert all(w.dtype == np.float32 and np.isfinite(w).all() for w in weights)
    network.set_weights(weights)


@pytest.mark.parametrize(
    ("name", "value"),
    [("n_channels", 3), ("depth", 4), ("base_filters", 8), ("stem_stride", 1),
     ("norm_layer", "batch"), ("block", "residual"), ("skips", "attention"), ("skips", "nested"),
     ("squeeze_excitation", True), ("bottleneck", "transformer")],
)  # fmt: skip
def test_other_networks_get_none(name, value):
    assert load_synthetic_weights({**CONFIG, name: value}) is None


def test_what_makes_no_variant_does_not_matter():
    neutral = {"block": "plain", "skips": "plain", "deep_supervision": False}
    neutral |= {"squeeze_excitation": False, "bottleneck": "conv", "stochastic_depth": 0.0}
    expected = load_synthetic_weights(CONFIG)
    got = load_synthetic_weights(CONFIG | neutral)
    for a, b in zip(expected, got, strict=True):
        np.testing.assert_array_equal(a, b)


def test_round_trip_is_half_precision(tmp_path):
    weights = [np.linspace(-1, 1, 7), np.array([[1e-3, 0.5]])]
    save_synthetic_weights(CONFIG, weights, tmp_path / "w.npz")
    loaded = load_synthetic_weights(CONFIG, tmp_path / "w.npz")
    for a, b in zip(weights, loaded, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3)
        assert b.dtype == np.float32

"""The U-Net's variants: sizes, counts, reach, seeds, precision, copies, and what is refused."""

import re

import keras
import numpy as np
import pytest

from membseg.exceptions import InvalidInputError
from membseg.networks import Reach, build_unet, network_reach, unet_reach
from membseg.networks._dropout_masks import with_dropout_masks
from membseg.networks._unet_variants import NEUTRAL, without_neutral

VARIANTS = {
    "residual": {"block": "residual"},
    "recurrent": {"block": "recurrent"},
    "attention": {"skips": "attention"},
    "nested": {"skips": "nested"},
    "supervised": {"skips": "nested", "deep_supervision": True},
    "squeezed": {"squeeze_excitation": True},
    "transformer": {"bottleneck": "transformer"},
    "at random": {"block": "residual", "stochastic_depth": 0.3},
    "everything": {
        "block": "recurrent",
        "skips": "nested",
        "deep_supervision": True,
        "squeeze_excitation": True,
        "bottleneck": "transformer",
        "stochastic_depth": 0.3,
    },
    "everything else": {
        "block": "residual",
        "skips": "attention",
        "squeeze_excitation": True,
        "bottleneck": "transformer",
    },
}
TINY = {"depth": 2, "base_filters": 2}
IMAGE = np.random.default_rng(0).normal(size=(2, 16, 32, 1)).astype(np.float32)


@pytest.fixture(params=VARIANTS)
def variant(request):
    """The parameters of one variant after the other."""
    return VARIANTS[request.param]


def shaken(network):
    """Move all weights a little from where they start, so that no branch is silent."""
    rng = np.random.default_rng(5)
    network.set_weights([w + 0.1 * rng.normal(size=w.shape) for w in network.get_weights()])
    return network


def test_neutral_values_make_the_plain_network():
    plain, same = build_unet(**TINY, dropout=0.1), build_unet(**TINY, dropout=0.1, **NEUTRAL)
    assert [layer.name for layer in plain.layers] == [layer.name for layer in same.layers]
    for a, b in zip(plain.weights, same.weights, strict=True):
        assert a.path == b.path
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert without_neutral(TINY | NEUTRAL) == TINY
    assert without_neutral({"block": "residual", "skips": "plain"}) == {"block": "residual"}


@pytest.mark.parametrize(("stem_stride", "zoom"), [(1, 1), (2, 2)])
def test_logits_have_the_size_of_the_image(variant, stem_stride, zoom):
    network = build_unet(3, **TINY, stem_stride=stem_stride, zoom=zoom, **variant)
    logits = shaken(network).predict_on_batch(np.ones((2, 8, 24, 3), np.float32))
    assert logits.shape == (2, 8, 24, 1)
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()
    assert network.output_shape == (None, None, None, 1)


def conv(size, n_in, n):
    return size**2 * n_in * n + n


def test_parameter_counts_are_those_of_the_definitions():
    # What one level of two filters has more than the plain network of the same size.
    def more(**params):
        sizes = {"depth": 1, "base_filters": 2}
        return build_unet(**sizes, **params).count_params() - build_unet(**sizes).count_params()

    shortcuts = conv(1, 1, 2) + conv(1, 2, 4) + conv(1, 4, 2)
    assert more(block="residual") == shortcuts + 3
    fewer = conv(3, 1, 2) + conv(3, 2, 4) + conv(3, 4, 2)
    assert more(block="recurrent") == shortcuts + 3 - fewer + 2 * conv(3, 2, 2) + conv(3, 4, 4)
    gate = 2 * 2 * 2 * 2 + conv(1, 4, 2) + conv(1, 2, 1)
    assert more(skips="attention") == gate
    squeezes = 2 * (conv(1, 2, 1) + conv(1, 1, 2)) + conv(1, 4, 1) + conv(1, 1, 4)
    assert more(squeeze_excitation=True) == squeezes
    assert more(skips="nested") == more(skips="nested", deep_supervision=True) == 0


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("name", ["residual", "nested", "supervised"])
def test_some_variants_look_as_far_as_the_plain_network(name, depth):
    network = build_unet(depth=depth, base_filters=1, stem_stride=2, **VARIANTS[name])
    assert network_reach(network) == Reach(unet_reach(depth, 2), 2 * 2**depth, True)


def test_recurrent_blocks_look_three_times_as_far():
    network = build_unet(depth=2, base_filters=1, block="recurrent")
    # Twelve pixels and one of the pooling or enlargement at levels of 1 and 2 px, six at 4 px.
    assert network_reach(network).radius == 64
    assert 13 * 1 + 13 * 2 + 6 * 4 == 63


@pytest.mark.parametrize("name", ["residual", "recurrent", "nested", "supervised", "at random"])
@pytest.mark.parametrize(
    ("depth", "stem_stride", "zoom"), [(1, 1, 1), (2, 1, 1), (1, 2, 1), (2, 2, 2)]
)
def test_no_pixel_beyond_the_reach_changes_a_logit(extent, name, depth, stem_stride, zoom):
    sizes = {"depth": depth, "base_filters": 2, "stem_stride": stem_stride, "zoom": zoom}
    network = build_unet(**sizes, **VARIANTS[name])
    for weight in network.weights:
        if weight.path.endswith("gain"):
            weight.assign(1.0)
    reach = network_reach(network)
    size = 2 * reach.radius + 6 * reach.factor
    measured = extent(network, reach.factor, size, 4 * reach.factor)
    assert reach.radius - reach.factor < measured <= reach.radius


@pytest.mark.parametrize(
    ("depth", "stem_stride", "zoom"), [(1, 1, 1), (2, 1, 1), (1, 2, 1), (2, 2, 2)]
)
def test_no_row_beyond_the_reach_changes_a_gated_logit(depth, stem_stride, zoom):
    sizes = {"depth": depth, "base_filters": 1, "stem_stride": stem_stride, "zoom": zoom}
    network = build_unet(**sizes, skips="attention")
    # Means and positive biases: a gate multiplies what is there, and is not saturated.
    for weight in network.weights:
        shape = weight.shape
        is_kernel = "kernel" in weight.path
        weight.assign(np.full(shape, 1 / np.prod(shape[:3]) if is_kernel else 0.1))
    reach = network_reach(network)
    size = 2 * reach.radius + 4 * reach.factor
    plain = np.zeros((1, size, 2 * reach.factor, 1), np.float32)
    before = network.predict_on_batch(plain)
    farthest = 0
    for offset in range(reach.factor):
        image = plain.copy()
        image[0, size // 2 + offset] = 1e4
        differs = (network.predict_on_batch(image) != before).any(axis=(0, 2, 3))
        farthest = max(farthest, np.abs(np.flatnonzero(differs) - size // 2 - offset).max())
    assert reach.radius - reach.factor < farthest <= reach.radius
    assert reach.is_exact


def test_same_seed_same_weights_and_global_states_are_left_alone(variant):
    keras.utils.set_random_seed(5)
    expected = np.random.random(3)
    keras.utils.set_random_seed(5)
    first = build_unet(**TINY, dropout=0.3, seed=7, **variant)
    np.testing.assert_array_equal(np.random.random(3), expected)
    second = build_unet(**TINY, dropout=0.3, seed=7, **variant)
    other = build_unet(**TINY, dropout=0.3, seed=8, **variant)
    for a, b, c in zip(first.weights, second.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
        if "kernel" in a.path:
            assert not np.array_equal(a.numpy(), c.numpy())
    noisy = [np.asarray(network(IMAGE, training=True)) for network in (first, second)]
    np.testing.assert_array_equal(*noisy)


def test_bfloat16_keeps_float32_weights_and_logits(variant):
    network = shaken(build_unet(**TINY, dtype="mixed_bfloat16", **variant))
    assert all(weight.dtype == "float32" for weight in network.weights)
    assert network.get_layer("logits").compute_dtype == "float32"
    body = {layer.compute_dtype for layer in network.layers if "conv" in layer.name}
    assert body == {"bfloat16"}
    for training in (False, True):
        logits = network(IMAGE, training=training)
        assert keras.backend.standardize_dtype(logits.dtype) == "float32"
        assert np.isfinite(np.asarray(logits)).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["at random", "everything", "everything else"])
def test_networks_can_be_copied(name):
    network = shaken(build_unet(**TINY, dropout=0.3, **VARIANTS[name]))
    expected = network.predict_on_batch(IMAGE)
    copies = keras.models.clone_model(network), keras.Model.from_config(network.get_config())
    for copied in copies:
        copied.set_weights(network.get_weights())
        np.testing.assert_array_equal(copied.predict_on_batch(IMAGE), expected)
    masked, masks = with_dropout_masks(network)
    assert len(masks) == 2
    np.testing.assert_allclose(masked.predict_on_batch(IMAGE), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["attention", "squeezed", "transformer"])
def test_any_size_in_one_network(name):
    # TensorFlow takes a side for fixed that does not change from call to call.
    network = shaken(build_unet(**TINY, **VARIANTS[name]))
    for height in (16, 64, 8):
        image = np.random.default_rng(0).normal(size=(1, height, 12, 1)).astype(np.float32)
        logits = network.predict_on_batch(image)
        np.testing.assert_allclose(logits, np.asarray(network(image)), atol=1e-4)


def test_penalties_reach_every_kernel(variant):
    network = build_unet(**TINY, l2=0.5, **variant)
    kernels = [weight.numpy() for weight in network.weights if "kernel" in weight.path]
    expected = sum(0.5 * (k**2).sum() for k in kernels)
    assert float(sum(network.losses)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"block": "dense"}, "block must be one of plain, residual, recurrent; got 'dense'."),
        ({"skips": "none"}, "skips must be one of plain, attention, nested; got 'none'."),
        ({"bottleneck": "lstm"}, "bottleneck must be one of conv, transformer; got 'lstm'."),
        (
            {"deep_supervision": True, "skips": "attention"},
            "deep_supervision=True needs skips='nested', whose nodes at full resolution it trains "
            "one by one; got skips='attention'. Use skips='nested' or deep_supervision=False.",
        ),
        (
            {"stochastic_depth": 0.2},
            "got stochastic_depth=0.2 with block='plain'. Use block='residual' or 'recurrent', or "
            "stochastic_depth=0.",
        ),
        (
            {"stochastic_depth": 1.0, "block": "residual"},
            "stochastic_depth must be in [0, 1); got 1.0.",
        ),
    ],
)
def test_what_cannot_be_is_refused(params, message):
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        build_unet(**params)

"""The U-Net: shapes, names, reach, seeds, precision, and what its parameters change."""

import re
from itertools import pairwise

import keras
import numpy as np
import pytest
from scipy import ndimage

from membseg.exceptions import InvalidInputError
from membseg.networks import build_unet, unet_reach

SMALL = {"depth": 2, "base_filters": 4}


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("stem_stride", [1, 2])
@pytest.mark.parametrize("zoom", [1, 2])
@pytest.mark.parametrize("depth", [1, 3])
def test_logits_have_the_size_of_the_image(n_channels, stem_stride, zoom, depth):
    sizes = {"depth": depth, "base_filters": 2, "stem_stride": stem_stride, "zoom": zoom}
    network = build_unet(n_channels, **sizes)
    factor = stem_stride * 2**depth // zoom
    shape = (2, 2 * factor, factor)
    logits = network.predict_on_batch(np.zeros((*shape, n_channels), dtype=np.float32))
    assert logits.shape == (*shape, 1)
    assert logits.dtype == np.float32


@pytest.mark.parametrize(
    ("depth", "stem_stride", "zoom"),
    [(1, 1, 1), (2, 1, 1), (3, 1, 1), (1, 2, 1), (2, 2, 1), (1, 1, 2), (2, 1, 2), (2, 2, 2)],
)
def test_no_pixel_beyond_the_reach_changes_a_logit(depth, stem_stride, zoom):
    network = build_unet(depth=depth, stem_stride=stem_stride, zoom=zoom, base_filters=2)
    # Positive kernels: no signal can cancel out on its way.
    for weight in network.weights:
        if "kernel" in weight.path:
            weight.assign(np.abs(weight.numpy()) + 0.01)
    factor = stem_stride * 2**depth // zoom
    reach = unet_reach(depth, stem_stride, zoom)
    size = 2 * (reach + factor) + 2 * factor
    size += -size % factor
    silent = network.predict_on_batch(np.zeros((1, size, size, 1), dtype=np.float32))
    farthest = 0
    for offset in range(factor):
        image = np.zeros((1, size, size, 1), dtype=np.float32)
        center = size // 2 + offset
        image[0, center, center] = 1.0
        changed = np.argwhere(network.predict_on_batch(image)[0, ..., 0] != silent[0, ..., 0])
        farthest = max(farthest, int(np.abs(changed - center).max()))
    assert reach - factor < farthest <= reach


def test_zoom_sees_the_enlarged_image_and_averages_its_logits():
    sizes = {"depth": 1, "base_filters": 2, "seed": 3}
    plain, zoomed = build_unet(**sizes), build_unet(**sizes, zoom=2)
    image = np.random.default_rng(0).normal(size=(20, 12)).astype(np.float32)
    enlarged = ndimage.uniform_filter(image.repeat(2, axis=0).repeat(2, axis=1), 3, mode="nearest")
    logits = plain.predict_on_batch(enlarged[None, ..., None])[0, ..., 0]
    expected = logits.reshape(20, 2, 12, 2).mean(axis=(1, 3))
    got = zoomed.predict_on_batch(image[None, ..., None])[0, ..., 0]
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_same_seed_same_weights_and_global_states_are_left_alone():
    keras.utils.set_random_seed(5)
    expected = np.random.random(3)
    keras.utils.set_random_seed(5)
    first = build_unet(**SMALL, dropout=0.3, seed=7)
    np.testing.assert_array_equal(np.random.random(3), expected)
    second = build_unet(**SMALL, dropout=0.3, seed=7)
    other = build_unet(**SMALL, dropout=0.3, seed=8)
    for a, b, c in zip(first.weights, second.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
        if "kernel" in a.path:
            assert not np.array_equal(a.numpy(), c.numpy())


def test_layers_differ_in_their_initial_weights():
    network = build_unet(depth=1, base_filters=4)
    first = network.get_layer("down0_conv1").kernel.numpy()
    second = network.get_layer("up0_conv1").kernel.numpy()
    assert first.shape == second.shape
    assert not np.array_equal(first, second)


def test_layer_names_are_stable():
    names = [layer.name for layer in build_unet(depth=1, base_filters=2, stem_stride=2).layers]
    assert names == [
        "image",
        "stem",
        "down0_conv0",
        "down0_conv1",
        "down0_pool",
        "bottleneck_conv0",
        "bottleneck_conv1",
        "up0_upsample",
        "up0_bridge",
        "up0_conv0",
        "up0_conv1",
        "head_upsample",
        "logits",
    ]


def test_parameter_count_is_that_of_the_definition():
    # 3x3 convolutions with bias: down 1->2, 2->2; bottleneck 2->4, 4->4; up 2x2 4->2;
    # up 4->2, 2->2; head 1x1 2->1.
    expected = (9 * 2 + 2) + (9 * 4 + 2) + (9 * 8 + 4) + (9 * 16 + 4)
    expected += (4 * 8 + 2) + (9 * 8 + 2) + (9 * 4 + 2) + (2 + 1)
    assert build_unet(depth=1, base_filters=2).count_params() == expected


def count_by_hand(n_channels, depth, base):
    """Weights of the layers of the paper's figure 1, and of one logit instead of two."""
    filters = [base * 2**level for level in range(depth + 1)]
    convs = [(3, n_channels, base), (3, base, base)]
    for n_in, n in pairwise(filters):
        convs += [(3, n_in, n), (3, n, n)]
    for n in reversed(filters[:-1]):
        convs += [(2, 2 * n, n), (3, 2 * n, n), (3, n, n)]
    convs.append((1, base, 1))
    return sum(size**2 * n_in * n + n for size, n_in, n in convs)


def test_parameter_count_of_the_papers_size():
    assert build_unet(2, depth=4, base_filters=4).count_params() == count_by_hand(2, 4, 4)
    assert count_by_hand(1, 4, 64) == 31_030_593


@pytest.mark.parametrize(
    ("norm_layer", "kind"), [("batch", "BatchNormalization"), ("group", "GroupNormalization")]
)
def test_norm_layer_follows_each_convolution(norm_layer, kind):
    network = build_unet(depth=1, base_filters=2, norm_layer=norm_layer)
    assert sum(type(layer).__name__ == kind for layer in network.layers) == 6


def test_dropout_is_active_in_training_only():
    network = build_unet(**SMALL, dropout=0.5)
    x = np.random.default_rng(0).normal(size=(1, 16, 16, 1)).astype(np.float32)
    quiet = np.asarray(network(x, training=False))
    np.testing.assert_array_equal(quiet, np.asarray(network(x, training=False)))
    assert not np.array_equal(quiet, np.asarray(network(x, training=True)))


@pytest.mark.parametrize("kind", ["spatial", "elementwise"])
def test_dropout_drops_whole_channels_or_single_values(kind):
    network = build_unet(**SMALL, dropout=0.5, dropout_kind=kind)
    ones = np.ones((4, 16, 16, 8), np.float32)
    kept = np.asarray(network.get_layer("bottleneck_dropout")(ones, training=True))
    # What stays is scaled up, so that the mean stays too.
    assert set(np.unique(kept)) == {0.0, 2.0}
    assert (len(np.unique(kept.mean(axis=(1, 2)))) == 2) == (kind == "spatial")


def test_penalties_add_losses():
    network = build_unet(**SMALL, l1=0.1, l2=0.2)
    kernels = [weight.numpy() for weight in network.weights if "kernel" in weight.path]
    expected = sum(0.1 * np.abs(k).sum() + 0.2 * (k**2).sum() for k in kernels)
    assert float(sum(network.losses)) == pytest.approx(expected, rel=1e-4)
    assert build_unet(**SMALL).losses == []


def test_bfloat16_keeps_float32_weights_and_logits():
    network = build_unet(**SMALL, dtype="mixed_bfloat16")
    assert network.get_layer("down0_conv0").compute_dtype == "bfloat16"
    assert network.get_layer("down0_conv0").kernel.dtype == "float32"
    assert network.get_layer("logits").compute_dtype == "float32"


def test_stem_stride_is_one_or_two():
    with pytest.raises(InvalidInputError, match=re.escape("stem_stride must be 1 or 2; got 3.")):
        build_unet(stem_stride=3)


def test_zoom_is_one_or_two():
    with pytest.raises(InvalidInputError, match=re.escape("zoom must be 1 or 2; got 4.")):
        build_unet(zoom=4)


def test_norm_layer_is_known():
    message = "norm_layer must be one of none, batch, group; got 'layer'."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        build_unet(norm_layer="layer")

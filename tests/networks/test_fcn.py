"""The fully convolutional network: counts, names, reach, how its heads start."""

import re
from itertools import pairwise

import keras
import numpy as np
import pytest

from membseg.exceptions import InvalidInputError
from membseg.networks import build_fcn, network_reach
from membseg.networks._bilinear import BilinearUpsampling
from membseg.networks._fcn import FCN_VARIANTS


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("stem_stride", [1, 2])
@pytest.mark.parametrize("variant", FCN_VARIANTS)
def test_logits_have_the_size_of_the_image(n_channels, stem_stride, variant):
    network = build_fcn(n_channels, variant=variant, base_filters=1, stem_stride=stem_stride)
    shape = (2, 64 * stem_stride, 32 * stem_stride)
    logits = network.predict_on_batch(np.zeros((*shape, n_channels), dtype=np.float32))
    assert logits.shape == (*shape, 1)
    assert logits.dtype == np.float32


def conv_count(kernel_size, n_in, n_out):
    return kernel_size**2 * n_in * n_out + n_out


def count_by_hand(n_channels, base):
    # VGG16's convolutions, in units of the first level's filters.
    filters = [n_channels, *(base * n for n in (1, 1, 2, 2, 4, 4, 4, *[8] * 6))]
    backbone = sum(conv_count(3, *pair) for pair in pairwise(filters))
    heads = conv_count(7, 8 * base, 64 * base) + conv_count(1, 64 * base, 64 * base)
    scores = sum(conv_count(1, n * base, 1) for n in (64, 8, 4))
    enlargements = 4**2 + 4**2 + 16**2
    return backbone, backbone + heads + scores + enlargements


def test_parameter_count_is_that_of_the_definition():
    for size in ((3, 4), (1, 16)):
        assert build_fcn(size[0], base_filters=size[1]).count_params() == count_by_hand(*size)[1]
    # VGG16 without its head: 14.7 M. The paper's table 1, with 21 classes: 134 M.
    assert count_by_hand(3, 64) == (14_714_688, 134_265_699)


@pytest.mark.parametrize("variant", FCN_VARIANTS)
def test_no_pixel_beyond_the_reach_changes_a_logit(extent, variant):
    network = build_fcn(variant=variant, base_filters=1)
    reach = network_reach(network)
    assert (reach.factor, reach.is_exact) == (32, True)
    for name in ("score", "up3_score", "up2_score"):
        if name in [layer.name for layer in network.layers]:
            network.get_layer(name).kernel.assign(network.get_layer(name).kernel + 1)
    # VGG16's convolutions and poolings, the 7 x 7 layer (404 px in all), and a last step of
    # interpolation between places that are 32, 16 or 8 px apart.
    assert reach.radius == 256
    measured = extent(network, 32, 2 * reach.radius + 128, 32)
    assert reach.radius - 32 < measured <= reach.radius


def test_layer_names_are_stable():
    names = [layer.name for layer in build_fcn(base_filters=1, variant="16s").layers]
    assert names[0] == "image"
    assert {"down0_conv0", "down4_conv2", "down4_pool", "head_conv0", "head_conv1_dropout"} < set(
        names
    )
    assert set(names) >= {"score", "up3_upsample", "up3_score", "up3_sum"}
    assert names[-1] == "logits"


def test_heads_start_from_zero_and_enlarge_linearly():
    network = build_fcn(base_filters=1)
    for name in ("score", "up3_score", "up2_score"):
        assert not network.get_layer(name).kernel.numpy().any()
    assert network.get_layer("up3_upsample").trainable
    last = network.get_layer("logits")
    assert not last.trainable
    assert last.trainable_weights == []
    coarse = np.random.default_rng(0).normal(size=(1, 6, 5, 1)).astype(np.float32)
    linear = np.asarray(BilinearUpsampling(8)(coarse))[:, 8:-8, 8:-8]
    np.testing.assert_allclose(np.asarray(last(coarse))[:, 8:-8, 8:-8], linear, atol=1e-5)


@pytest.mark.parametrize("factor", [2, 4])
def test_linear_enlargement_is_that_of_keras_at_fixed_sizes(factor):
    image = np.random.default_rng(0).normal(size=(2, 5, 7, 3)).astype(np.float32)
    expected = keras.ops.image.resize(image, (5 * factor, 7 * factor), data_format="channels_last")
    layer = BilinearUpsampling(factor)
    np.testing.assert_allclose(np.asarray(layer(image)), np.asarray(expected), atol=1e-5)
    assert layer.compute_output_shape((2, 5, None, 3)) == (2, 5 * factor, None, 3)


def test_same_seed_same_weights_and_global_states_are_left_alone():
    keras.utils.set_random_seed(5)
    expected = np.random.random(3)
    keras.utils.set_random_seed(5)
    first = build_fcn(base_filters=1, seed=7)
    np.testing.assert_array_equal(np.random.random(3), expected)
    for a, b in zip(first.weights, build_fcn(base_filters=1, seed=7).weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_dropout_is_active_in_training_only():
    network = build_fcn(base_filters=1)
    score = network.get_layer("score")
    score.kernel.assign(score.kernel + 1)
    x = np.random.default_rng(0).normal(size=(1, 64, 64, 1)).astype(np.float32)
    quiet = np.asarray(network(x, training=False))
    np.testing.assert_array_equal(quiet, np.asarray(network(x, training=False)))
    assert not np.array_equal(quiet, np.asarray(network(x, training=True)))


def test_penalties_precision_and_configuration():
    network = build_fcn(base_filters=1, l1=0.1, l2=0.2, dtype="mixed_bfloat16")
    # 13 + 2 convolutions and 3 layers that give logits.
    assert len(network.losses) == 18
    assert network.get_layer("down0_conv0").compute_dtype == "bfloat16"
    assert network.get_layer("logits").compute_dtype == "float32"
    twin = keras.Model.from_config(network.get_config())
    assert twin.count_params() == network.count_params()


def test_variants_and_stems_are_known():
    with pytest.raises(InvalidInputError, match=re.escape("variant must be one of 32s, 16s, 8s;")):
        build_fcn(variant="4s")
    with pytest.raises(InvalidInputError, match=re.escape("stem_stride must be 1 or 2; got 4.")):
        build_fcn(stem_stride=4)

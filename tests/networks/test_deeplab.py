"""DeepLabV3+: rates, strides, counts, names, reach."""

import re

import keras
import numpy as np
import pytest

from membseg.exceptions import InvalidInputError
from membseg.networks import build_deeplab, network_reach
from membseg.networks._atrous import AtrousConv2D

TINY = {"base_filters": 1}


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("output_stride", [8, 16])
def test_logits_have_the_size_of_the_image(n_channels, output_stride):
    network = build_deeplab(n_channels, output_stride=output_stride, **TINY)
    shape = (2, 3 * output_stride, output_stride)
    logits = network.predict_on_batch(np.zeros((*shape, n_channels), dtype=np.float32))
    assert logits.shape == (*shape, 1)
    assert logits.dtype == np.float32


def rates_of(network, name):
    return [
        getattr(layer, "rate", 1)
        for layer in network.layers
        if isinstance(layer, keras.layers.Conv2D) and re.fullmatch(name, layer.name)
    ]


def test_rates_at_either_output_stride():
    coarse, fine = (build_deeplab(output_stride=stride, **TINY) for stride in (16, 8))
    assert rates_of(coarse, r"pyramid_atrous\d") == [6, 12, 18]
    assert rates_of(fine, r"pyramid_atrous\d") == [12, 24, 36]
    assert rates_of(coarse, r"stage2_block\d_conv\d") == [1, 1, 1, 1]
    # The block that halves the resolution begins with a strided convolution, of rate 1.
    assert rates_of(coarse, r"stage3_block\d_conv\d") == [2, 2, 4, 4]
    assert rates_of(fine, r"stage2_block\d_conv\d") == [2, 2, 2, 2]
    assert rates_of(fine, r"stage3_block\d_conv\d") == [4, 4, 8, 8]
    assert coarse.count_params() == fine.count_params()


@pytest.mark.parametrize("rate", [2, 3, 5])
def test_an_atrous_convolution_is_a_dilated_one(rate):
    image = np.random.default_rng(0).normal(size=(2, 7, 9, 3)).astype(np.float32)
    ours = AtrousConv2D(4, 3, rate=rate, activation="relu", bias_initializer="ones")
    keras_own = keras.layers.Conv2D(4, 3, padding="same", dilation_rate=rate, activation="relu")
    got = np.asarray(ours(image))
    keras_own(image)
    keras_own.set_weights(ours.get_weights())
    np.testing.assert_allclose(got, np.asarray(keras_own(image)), atol=1e-5)
    assert ours.compute_output_shape((2, None, 9, 3)) == (2, None, 9, 4)


def test_sizes_that_change_in_one_direction_only():
    # TensorFlow then takes the other one for fixed, and padded dilated convolutions wrongly.
    network = build_deeplab(atrous_rate=1, norm_layer="none", seed=1, **TINY)
    for height in (96, 80, 112):
        image = np.random.default_rng(0).normal(size=(1, height, 96, 1)).astype(np.float32)
        logits = network.predict_on_batch(image)
        np.testing.assert_allclose(logits, np.asarray(network(image)), atol=1e-4)


def test_rates_of_the_papers_last_stage():
    network = build_deeplab(backbone="resnet101", **TINY)
    assert rates_of(network, r"stage3_block\d_conv1") == [2, 4, 8]


def conv(kernel_size, n_in, n_out):
    """Weights of a convolution with batch normalisation: no bias, four numbers a channel."""
    return kernel_size**2 * n_in * n_out + 4 * n_out


def count_by_hand(n_channels, base):
    backbone, n_in = conv(7, n_channels, base), base
    for stage, n_blocks in enumerate((3, 4, 23, 3)):
        n = base * 2**stage
        for block in range(n_blocks):
            backbone += conv(1, n_in, n) + conv(3, n, n) + conv(1, n, 4 * n)
            backbone += conv(1, n_in, 4 * n) if block == 0 else 0
            n_in = 4 * n
    wide, fine = 4 * base, 3 * base // 4
    rest = 2 * conv(1, n_in, wide) + 3 * conv(3, n_in, wide) + conv(1, 5 * wide, wide)
    rest += conv(1, 4 * base, fine) + conv(3, wide + fine, wide) + conv(3, wide, wide) + wide + 1
    return backbone, backbone + rest


def test_parameter_count_of_the_papers_backbone():
    network = build_deeplab(3, backbone="resnet101", base_filters=4)
    assert network.count_params() == count_by_hand(3, 4)[1]
    # ResNet-101 without its classifier is 42.5 M, and 0.1 M means and variances.
    assert count_by_hand(3, 64) == (42_605_504, 59_448_705)


def test_parameter_count_of_the_compact_backbone():
    expected, n_in = conv(7, 1, 16), 16
    for stage in range(4):
        n = 16 * 2**stage
        expected += conv(3, n_in, n) + 3 * conv(3, n, n) + (conv(1, n_in, n) if stage else 0)
        n_in = n
    expected += 2 * conv(1, 128, 64) + 3 * conv(3, 128, 64) + conv(1, 5 * 64, 64)
    expected += conv(1, 16, 12) + conv(3, 64 + 12, 64) + conv(3, 64, 64) + 64 + 1
    assert build_deeplab().count_params() == expected


@pytest.mark.parametrize(("output_stride", "atrous_rate"), [(16, 2), (8, 1)])
def test_no_pixel_beyond_the_reach_changes_a_logit(extent, output_stride, atrous_rate):
    network = build_deeplab(output_stride=output_stride, atrous_rate=atrous_rate, **TINY)
    reach = network_reach(network)
    assert (reach.factor, reach.is_exact) == (output_stride, False)
    # Without what the mean over the whole image says.
    network.get_layer("pyramid").kernel.assign(network.get_layer("pyramid").kernel * 0 + 1)
    silence(network)
    size = 2 * reach.radius + 8 * output_stride
    measured = extent(network, output_stride, size, output_stride)
    assert reach.radius - output_stride < measured <= reach.radius


def silence(network):
    """Let the branch of the whole image give zeros, whatever its convolution's kernel."""
    network.get_layer("pyramid_image_norm").gamma.assign([0.0] * 4)


def test_the_mean_is_over_the_whole_image():
    network = build_deeplab(**TINY, norm_layer="none", atrous_rate=1, seed=3)
    for weight in network.weights:
        if "kernel" in weight.path:
            weight.assign(np.abs(weight.numpy()))
    radius = network_reach(network).radius
    image = np.ones((1, 2 * radius, 16, 1), dtype=np.float32)
    changed = image.copy()
    changed[0, -1] = 100.0
    first, second = network.predict_on_batch(image), network.predict_on_batch(changed)
    assert (first[0, 0] != second[0, 0]).all()


def test_layer_names_are_stable():
    names = [layer.name for layer in build_deeplab(norm_layer="none", **TINY).layers]
    assert names[:3] == ["image", "stem", "stem_pool"]
    assert {"stage0_block0", "stage3_block1_conv1", "stage1_block0_shortcut"} < set(names)
    assert {"pyramid_near", "pyramid_atrous2", "pyramid_spread", "fine", "score"} < set(names)
    assert names[-1] == "logits"


def test_same_seed_same_weights_and_configuration():
    first, second = (build_deeplab(seed=7, dropout=0.1, **TINY) for _ in range(2))
    for a, b in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    twin = keras.Model.from_config(first.get_config())
    twin.set_weights(first.get_weights())
    image = np.random.default_rng(0).normal(size=(1, 32, 16, 1)).astype(np.float32)
    np.testing.assert_array_equal(twin.predict_on_batch(image), first.predict_on_batch(image))


def test_strides_and_backbones_are_known():
    message = "output_stride must be 8 or 16; got 32."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        build_deeplab(output_stride=32)
    message = "backbone must be one of compact, resnet101; got 'xception'."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        build_deeplab(backbone="xception")

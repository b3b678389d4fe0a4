"""The walk through a network finds what changing one pixel shows."""

import re
from functools import partial

import keras
import numpy as np
import pytest

from membseg.exceptions import InvalidInputError
from membseg.networks import Reach, build_unet, network_reach, unet_reach
from membseg.networks._reach import _axis_reach

LAYERS = keras.layers


def network_of(*layers, n_channels=1):
    image = keras.Input((None, None, n_channels))
    x = image
    for layer in layers:
        x = layer(x)
    return keras.Model(image, x)


def conv(kernel_size, **options):
    return LAYERS.Conv2D(1, kernel_size, padding="same", **options)


def enlarge(kernel_size, stride, padding="same"):
    return LAYERS.Conv2DTranspose(1, kernel_size, strides=stride, padding=padding)


CHAINS = {
    "one convolution": [lambda: conv(5)],
    "an even kernel": [lambda: conv(4)],
    "a rate": [lambda: conv(3, dilation_rate=5), lambda: conv(3)],
    "rates": [partial(conv, 3, dilation_rate=rate) for rate in (2, 6, 1)],
    "stride and back, 2": [lambda: conv(3, strides=2), lambda: enlarge(2, 2)],
    "stride and back, 3 wide": [lambda: conv(3, strides=2), lambda: enlarge(3, 2)],
    "stride and back, 4 wide": [lambda: conv(4, strides=2), lambda: enlarge(4, 2)],
    "stride and back, 5 wide": [lambda: conv(7, strides=2), lambda: enlarge(5, 2)],
    "by three": [lambda: conv(3, strides=3), lambda: conv(3), lambda: enlarge(3, 3)],
    "by four at once": [lambda: LAYERS.MaxPooling2D(4), lambda: enlarge(8, 4)],
    "overlapping pooling": [
        lambda: LAYERS.MaxPooling2D(3, 2, "same"),
        lambda: LAYERS.UpSampling2D(2),
    ],
    "means": [lambda: LAYERS.AveragePooling2D(3, 1, "same"), lambda: conv(3)],
    "depthwise": [lambda: LAYERS.DepthwiseConv2D(3, padding="same"), lambda: conv(1)],
    "separable": [lambda: LAYERS.SeparableConv2D(1, 5, padding="same")],
    "padding by hand": [
        lambda: LAYERS.ZeroPadding2D(((3, 1), (0, 4))),
        lambda: LAYERS.Conv2D(1, 5, padding="valid"),
    ],
    "cropping": [
        lambda: LAYERS.Conv2D(1, 3, strides=2, padding="same"),
        lambda: LAYERS.Conv2DTranspose(1, 4, strides=2, padding="valid"),
        lambda: LAYERS.Cropping2D(1),
    ],
    "pointwise layers": [
        lambda: LAYERS.BatchNormalization(),
        lambda: LAYERS.ReLU(),
        lambda: LAYERS.SpatialDropout2D(0.5),
        lambda: conv(3),
    ],
}


@pytest.mark.parametrize("chain", CHAINS)
def test_the_walk_equals_what_one_pixel_changes(extent, chain):
    network = network_of(*(make() for make in CHAINS[chain]))
    reach = network_reach(network)
    assert reach.is_exact
    found = _axis_reach(network, 0).radius
    assert -(-max(found, _axis_reach(network, 1).radius) // reach.factor) == (
        reach.radius // reach.factor
    )
    size = 16 * reach.factor + 32 + -32 % reach.factor
    assert extent(network, reach.factor, size, 4 * reach.factor + 8 * reach.factor) == found


@pytest.mark.parametrize("depth", [1, 3, 5])
@pytest.mark.parametrize("stem_stride", [1, 2])
@pytest.mark.parametrize("zoom", [1, 2])
def test_the_walk_equals_the_formula_of_the_unet(depth, stem_stride, zoom):
    network = build_unet(depth=depth, base_filters=1, stem_stride=stem_stride, zoom=zoom)
    factor = stem_stride * 2**depth // zoom
    assert network_reach(network) == Reach(unet_reach(depth, stem_stride, zoom), factor, True)


@pytest.mark.parametrize("rate", [2, 6, 7, 40])
def test_rates_that_look_beyond_a_short_line(rate):
    assert network_reach(network_of(conv(3, dilation_rate=rate), conv(3))).radius == rate + 1


def test_the_longer_axis_counts():
    assert network_reach(network_of(conv((3, 9)))).radius == 4
    both = network_of(
        LAYERS.MaxPooling2D((2, 3), padding="same"), LAYERS.UpSampling2D((2, 3)), conv(1)
    )
    assert network_reach(both) == Reach(6, 6, True)


def test_branches_of_different_lengths():
    image = keras.Input((None, None, 2))
    near = conv(3)(image)
    far = conv(3, dilation_rate=4)(image)
    both = LAYERS.Concatenate()([near, far, image])
    assert network_reach(keras.Model(image, conv(3)(both))).radius == 5
    # The + of tensors is no layer, and is followed as well.
    assert network_reach(keras.Model(image, conv(1)(near + far))) == Reach(4, 1, True)


def test_a_network_inside_a_network():
    inner = network_of(conv(5), LAYERS.MaxPooling2D(2), enlarge(2, 2))
    flat = network_of(conv(3), conv(5), LAYERS.MaxPooling2D(2), enlarge(2, 2))
    assert network_reach(network_of(conv(3), inner)) == network_reach(flat) == Reach(4, 2, True)


@pytest.mark.parametrize(
    "layer",
    [
        lambda: LAYERS.GroupNormalization(1),
        lambda: LAYERS.Lambda(lambda x: x - keras.ops.mean(x), output_shape=lambda shape: shape),
    ],
    ids=["group norm", "unknown"],
)
def test_layers_that_see_the_whole_field_are_told_and_left_out(layer):
    assert network_reach(network_of(conv(3), layer(), conv(3))) == Reach(2, 1, False)


def test_layer_norm_of_channels_is_pointwise():
    assert network_reach(network_of(conv(3), LAYERS.LayerNormalization())).is_exact
    image = keras.Input((8, 8, 1))
    over_pixels = LAYERS.LayerNormalization(axis=(1, 2, 3))(image)
    assert not network_reach(keras.Model(image, over_pixels)).is_exact


def test_global_pooling_beside_a_branch():
    image = keras.Input((None, None, 4))
    weights = LAYERS.GlobalAveragePooling2D(keepdims=True)(image)
    weights = LAYERS.Conv2D(4, 1, activation="sigmoid")(weights)
    logits = conv(3)(LAYERS.Multiply()([image, weights]))
    assert network_reach(keras.Model(image, logits)) == Reach(1, 1, False)


@keras.saving.register_keras_serializable(package="tests")
class Halve(keras.layers.Layer):
    """A pooling that nobody knows."""

    def call(self, inputs):
        return inputs[:, ::2, ::2]

    def compute_output_shape(self, input_shape):
        n, *sizes, channels = input_shape
        return n, *(None if size is None else size // 2 for size in sizes), channels


def test_the_downsampling_of_an_unknown_layer_is_asked_for():
    reach = network_reach(network_of(Halve(), enlarge(2, 2)))
    assert (reach.factor, reach.is_exact) == (2, False)


def refused(network, message):
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        network_reach(network)


def test_what_cannot_be_walked_is_refused():
    refused(
        keras.Sequential(), "network must be a functional Keras model, keras.Model(inputs, outputs)"
    )
    refused(network_of(LAYERS.Conv2D(1, 3)), "must return logits of the height and width")
    refused(network_of(LAYERS.MaxPooling2D(2)), "Pad convolutions with padding='same'")
    shared = conv(3)
    refused(network_of(shared, shared), "network must call each layer once")
    image = keras.Input((None, None, 1))
    refused(keras.Model(image, [image, image]), "one input and one output; got 1 and 2.")


def test_nothing_of_the_network_changes():
    network = network_of(conv(3), conv(3))
    before = [w.numpy() for w in network.weights]
    n_nodes = len(network.operations)
    network_reach(network)
    assert len(network.operations) == n_nodes
    for old, new in zip(before, network.weights, strict=True):
        np.testing.assert_array_equal(old, new.numpy())

"""Which layers the first levels of a network are."""

import keras
import pytest

from membseg.exceptions import InvalidInputError
from membseg.networks import build_deeplab, build_segnet, build_unet, freeze_levels


def frozen_names(network):
    return [layer.name for layer in network.layers if layer.weights and not layer.trainable]


def test_levels_of_a_unet_are_those_of_its_way_down():
    network = build_unet(depth=2, base_filters=2, stem_stride=2)
    freeze_levels(network, 2)
    assert frozen_names(network) == [
        "stem", "down0_conv0", "down0_conv1", "down1_conv0", "down1_conv1"
    ]  # fmt: skip


def test_enlarging_the_image_changes_no_level():
    network = build_unet(depth=2, base_filters=2, stem_stride=2, zoom=2)
    freeze_levels(network, 1)
    assert frozen_names(network) == ["stem", "down0_conv0", "down0_conv1"]


def test_normalisation_is_frozen_with_its_level():
    network = build_segnet(depth=2, base_filters=2, stem_stride=1, norm_layer="batch")
    freeze_levels(network, 1)
    assert {name.split("_")[0] for name in frozen_names(network)} == {"down0"}
    assert any(name.endswith("norm") for name in frozen_names(network))


def test_one_number_for_the_whole_image_is_no_level():
    image = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(2, 3, padding="same", name="fine")(image)
    share = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    share = keras.layers.Dense(2, activation="sigmoid", name="gate")(share)
    x = keras.layers.Multiply()([x, share])
    x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Conv2DTranspose(1, 2, 2, name="coarse")(x)
    network = keras.Model(image, x)
    freeze_levels(network, 1)
    assert frozen_names(network) == ["fine", "gate"]


def test_every_network_has_something_left_to_learn():
    network = build_deeplab(base_filters=2)
    freeze_levels(network, 2)
    assert 0 < len(frozen_names(network)) < sum(bool(layer.weights) for layer in network.layers)


def test_no_level_leaves_the_network_as_it_is():
    network = build_unet(depth=1, base_filters=2)
    network.get_layer("bottleneck_conv0").trainable = False
    freeze_levels(network, 0)
    assert frozen_names(network) == ["bottleneck_conv0"]


@pytest.mark.parametrize("n_levels", [3, 9])
def test_something_must_be_left_to_learn(n_levels):
    message = rf"freeze_depth must be from 0 to 2 for this network of 3 levels.*got {n_levels}\."
    with pytest.raises(InvalidInputError, match=message):
        freeze_levels(build_unet(depth=2, base_filters=2), n_levels)

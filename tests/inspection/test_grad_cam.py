"""Grad-CAM of layers, named and not."""

import numpy as np
import pytest

from membseg import grad_cam
from membseg.exceptions import InvalidInputError
from membseg.inspection._grad_cam import list_layers
from membseg.inspection._subject import build_network


def test_by_hand(ring, stack):
    import keras

    X, _ = stack
    found = grad_cam(ring, X[:1], "conv1", region=(20, 11))[0]
    network = build_network(ring)
    normal = (X[0] - X[0].mean()) / X[0].std()
    # One pixel of margin, reflected, as predict has it for a network without poolings.
    seen = np.pad(normal, 1, mode="symmetric")[np.newaxis, ..., np.newaxis].astype(np.float32)
    active = keras.Model(network.inputs, network.get_layer("conv1").output)([seen])
    active = np.asarray(keras.ops.convert_to_numpy(active))[0]
    # The logit's derivative by the channels is the last kernel; its sum is what a channel is worth.
    worth = network.get_layer("conv2").get_weights()[0][..., 0].sum(axis=(0, 1))
    expected = np.maximum(active @ worth, 0)[1:-1, 1:-1]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_maps_are_of_the_images_size(net, stack):
    X, _ = stack
    maps = grad_cam(net, X)
    assert (maps.shape, maps.dtype) == (X.shape, np.float32)
    assert maps.min() >= 0
    first, second = grad_cam(net, [X[0], X[1][:33, :35]])
    assert (first.shape, second.shape) == ((48, 40), (33, 35))


def test_the_default_is_the_last_of_the_coarsest(net, stack):
    layers = list_layers(build_network(net))
    coarsest = [name for name, n in layers.items() if n == min(layers.values())]
    np.testing.assert_array_equal(
        grad_cam(net, stack[0], region=(9, 9)),
        grad_cam(net, stack[0], coarsest[-1], region=(9, 9)),
    )
    assert "bottleneck" in coarsest[-1]


@pytest.mark.parametrize("layer", ["stem", "up0_bridge", "logits"])
def test_layers_before_and_behind_bridges(net, stack, layer):
    assert np.isfinite(grad_cam(net, stack[0][:1], layer, region=(9, 9))).all()


def test_a_layer_that_does_not_exist(ring, stack):
    with pytest.raises(InvalidInputError, match=r"got 'conv9'\. It has conv0, conv1, conv2"):
        grad_cam(ring, stack[0], "conv9")

"""The nested way up: which node sees which."""

import numpy as np

from membseg.networks import build_unet


def test_each_node_takes_those_before_it_and_the_one_below():
    network = build_unet(depth=3, base_filters=2, skips="nested")
    taken = {
        layer.name.removesuffix("_bridge"): [t._keras_history.operation.name for t in layer.input]
        for layer in network.layers
        if layer.name.endswith("_bridge")
    }
    assert taken == {
        "node0_1": ["down0_conv1", "node0_1_upsample"],
        "node1_1": ["down1_conv1", "node1_1_upsample"],
        "node2_1": ["down2_conv1", "node2_1_upsample"],
        "node0_2": ["down0_conv1", "node0_1_conv1", "node0_2_upsample"],
        "node1_2": ["down1_conv1", "node1_1_conv1", "node1_2_upsample"],
        "node0_3": ["down0_conv1", "node0_1_conv1", "node0_2_conv1", "node0_3_upsample"],
    }
    below = {
        name: network.get_layer(f"{name}_upsample").input._keras_history.operation.name
        for name in taken
    }
    assert below == {
        "node0_1": "down1_conv1",
        "node1_1": "down2_conv1",
        "node2_1": "bottleneck_conv1",
        "node0_2": "node1_1_conv1",
        "node1_2": "node2_1_conv1",
        "node0_3": "node1_2_conv1",
    }


def test_channels_of_nodes_are_those_of_their_level():
    network = build_unet(depth=3, base_filters=2, skips="nested")
    for i, j in ((0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (0, 3)):
        assert network.get_layer(f"node{i}_{j}_upsample").filters == 2 * 2**i
        assert network.get_layer(f"node{i}_{j}_bridge").output.shape[-1] == (j + 1) * 2 * 2**i
        assert network.get_layer(f"node{i}_{j}_conv1").filters == 2 * 2**i


def test_of_one_level_it_is_the_plain_network():
    plain, nested = (build_unet(depth=1, base_filters=4, skips=s) for s in ("plain", "nested"))
    image = np.random.default_rng(0).normal(size=(1, 8, 6, 1)).astype(np.float32)
    np.testing.assert_array_equal(nested.predict_on_batch(image), plain.predict_on_batch(image))

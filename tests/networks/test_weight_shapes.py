"""A network without the memory of its weights has the shapes of one with it."""

import keras
import numpy as np
import pytest

from membseg.networks import (
    _weight_shapes,
    build_deeplab,
    build_fcn,
    build_multipath,
    build_segnet,
    build_unet,
    network_reach,
)
from membseg.networks._weight_shapes import dry_network


def notes():
    return list(_weight_shapes.global_state.get_global_attribute(_weight_shapes._NOTES, []))


def build_rich():
    return build_unet(
        1,
        depth=1,
        base_filters=2,
        block="residual",
        skips="attention",
        squeeze_excitation=True,
        bottleneck="transformer",
        dropout=0.1,
    )


@pytest.mark.parametrize(
    "build",
    [
        lambda: build_unet(1, depth=1, base_filters=4),
        build_rich,
        lambda: build_segnet(1, depth=2, base_filters=2),
        lambda: build_fcn(1, base_filters=1),
        lambda: build_deeplab(1, base_filters=2),
        lambda: build_multipath(1, base_filters=2),
        lambda: build_multipath(1, mode="two_path", base_filters=2),
    ],
    ids=["unet", "rich", "segnet", "fcn", "deeplab", "hrnet", "two_path"],
)
def test_shapes_are_those_of_the_network(build):
    before = notes()
    with dry_network(build) as network:
        shapes = [tuple(weight.shape) for weight in network.weights]
        reach = network_reach(network)
    assert notes() == before
    wet = build()
    assert shapes == [tuple(weight.shape) for weight in wet.weights]
    assert reach == network_reach(wet)


def test_networks_that_are_built_later_have_values():
    with dry_network(lambda: build_unet(1, depth=1, base_filters=4)):
        pass
    network = build_unet(1, depth=1, base_filters=4)
    logits = keras.ops.convert_to_numpy(network(np.zeros((1, 8, 8, 1), np.float32)))
    assert np.isfinite(logits).all()


def test_an_error_in_building_leaves_nothing_behind():
    def build():
        build_unet(1, depth=1, base_filters=4)
        raise KeyError("gone")

    before = notes()
    with pytest.raises(KeyError, match="gone"), dry_network(build):
        pass
    assert notes() == before


def test_another_keras(monkeypatch):
    monkeypatch.setattr(_weight_shapes, "global_state", None)
    with dry_network(lambda: build_unet(1, depth=1, base_filters=4)) as network:
        assert network.count_params() > 0

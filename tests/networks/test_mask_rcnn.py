"""Mask R-CNN: shapes, sizes, seeds, and that its parts do what they say."""

import keras
import numpy as np
import pytest
from keras import ops

from membseg.exceptions import InvalidInputError
from membseg.networks import build_mask_rcnn, make_anchors
from membseg.networks._mask_rcnn import list_sizes
from membseg.training import PARTS

TINY = {"base_filters": 2, "pyramid_filters": 4, "head_units": 8, "mask_filters": 2}


@pytest.fixture(scope="module")
def network():
    return build_mask_rcnn(height=32, width=64, min_score=1e-3, **TINY)


def test_outputs(network):
    X = np.random.default_rng(0).normal(size=(2, 32, 64, 1)).astype(np.float32)
    found = {k: ops.convert_to_numpy(v) for k, v in network.predict_on_batch(X).items()}
    n = list_sizes(32, 64, len(make_anchors(32, 64)))[2]
    assert {k: v.shape for k, v in found.items()} == {
        "boxes": (2, n, 4),
        "scores": (2, n),
        "masks": (2, n, 28, 28),
    }
    assert (np.diff(found["scores"], axis=1) <= 0).all()
    real = found["boxes"][found["scores"] > 0]
    assert (real[:, 2:] > real[:, :2]).all()
    assert real.min() >= 0
    assert (real <= [32, 64, 32, 64]).all()


def test_weights_do_not_depend_on_the_size_and_stand_in_the_order_of_the_parts(network):
    other = build_mask_rcnn(height=64, width=32, **TINY)
    other.set_weights(network.get_weights())
    wanted = [w for name in PARTS for w in network.get_layer(name).get_weights()]
    for got, weight in zip(other.get_weights(), wanted, strict=True):
        np.testing.assert_array_equal(got, weight)


def test_seeds(network):
    same = build_mask_rcnn(height=32, width=64, **TINY)
    other = build_mask_rcnn(height=32, width=64, seed=1, **TINY)
    kernels = [w for w in network.get_weights() if w.std() > 0]
    for twin, equal in ((same, True), (other, False)):
        twins = [w for w in twin.get_weights() if w.std() > 0]
        assert len(kernels) == len(twins)
        assert all(np.array_equal(a, b) == equal for a, b in zip(kernels, twins, strict=True))


def test_pyramid_has_the_papers_strides(network):
    levels = network.get_layer("pyramid")(np.zeros((1, 64, 96, 1), dtype=np.float32))
    wanted = [(1, 64 // s, 96 // s, 4) for s in (4, 8, 16, 32)]
    assert [tuple(level.shape) for level in levels] == wanted


@pytest.mark.parametrize("norm_layer", ["batch", "group"])
def test_norm_layers(norm_layer):
    network = build_mask_rcnn(height=32, width=32, norm_layer=norm_layer, **TINY)
    kinds = {type(layer).__name__ for layer in network.get_layer("pyramid").layers}
    assert {"batch": "BatchNormalization", "group": "GroupNormalization"}[norm_layer] in kinds


def test_numbers_to_read_are_float32_whatever_the_policy():
    network = build_mask_rcnn(height=32, width=32, dtype="mixed_bfloat16", **TINY)
    found = network.predict_on_batch(np.zeros((1, 32, 32, 1), dtype=np.float32))
    for value in found.values():
        assert keras.backend.standardize_dtype(value.dtype) == "float32"


@pytest.mark.parametrize(("name", "side"), [("height", 40), ("width", 0), ("height", 16)])
def test_sizes_are_multiples_of_32(name, side):
    with pytest.raises(InvalidInputError, match=f"{name} must be a positive multiple of 32; got"):
        build_mask_rcnn(**{name: side}, **TINY)


def test_numbers_of_boxes_grow_with_the_image():
    for side in (32, 64, 192, 512):
        candidates, proposals, detections = list_sizes(side, side, len(make_anchors(side, side)))
        assert candidates >= proposals >= detections >= 8
    assert (candidates, proposals, detections) == (4096, 1024, 512)

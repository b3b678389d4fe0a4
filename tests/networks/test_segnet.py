"""SegNet: values go back to where they came from; counts, names, reach."""

import re
from itertools import pairwise

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from membseg.exceptions import InvalidInputError
from membseg.networks import build_segnet, network_reach
from membseg.networks._reach import _axis_reach
from membseg.networks._unpooling import MaxPlaces, MaxUnpooling

SIZES = st.tuples(
    st.integers(1, 2), st.integers(1, 3), st.integers(1, 4), st.sampled_from([1, 3, 5])
)
#: Few values, so that many are equal.
IMAGES = SIZES.flatmap(
    lambda size: arrays.arrays(
        np.float32, (size[0], 2 * size[1], 2 * size[2], size[3]), elements=st.integers(-2, 2)
    )
)


def windows_of(images):
    """The four pixels of each window in reading order: (n, height, width, channels, 4)."""
    n, height, width, channels = images.shape
    windows = images.reshape(n, height // 2, 2, width // 2, 2, channels)
    return windows.transpose(0, 1, 3, 5, 2, 4).reshape(n, height // 2, width // 2, channels, 4)


@settings(deadline=None, max_examples=50)
@given(IMAGES, st.integers(0, 2**32 - 1))
def test_each_value_goes_back_to_where_the_maximum_was(images, seed):
    windows = windows_of(images)
    places = np.asarray(MaxPlaces()(images))
    # argmax takes the first of several, in reading order.
    np.testing.assert_array_equal(places, windows.argmax(axis=-1))
    values = np.random.default_rng(seed).normal(size=places.shape).astype(np.float32)
    back = windows_of(np.asarray(MaxUnpooling()([values, places])))
    np.testing.assert_array_equal(
        back, np.where(np.arange(4) == places[..., np.newaxis], values[..., np.newaxis], 0)
    )


@settings(deadline=None, max_examples=20)
@given(IMAGES)
def test_unpooling_what_was_pooled_keeps_the_maxima(images):
    pooled = keras.layers.MaxPooling2D(data_format="channels_last")(images)
    back = np.asarray(MaxUnpooling()([pooled, MaxPlaces()(images)]))
    kept = back != 0
    np.testing.assert_array_equal(back[kept], images[kept])
    np.testing.assert_array_equal(windows_of(back).sum(axis=-1), np.asarray(pooled))


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("stem_stride", [1, 2])
@pytest.mark.parametrize("depth", [1, 3])
def test_logits_have_the_size_of_the_image(n_channels, stem_stride, depth):
    network = build_segnet(n_channels, depth=depth, base_filters=1, stem_stride=stem_stride)
    factor = stem_stride * 2**depth
    shape = (2, 3 * factor, factor)
    logits = network.predict_on_batch(np.zeros((*shape, n_channels), dtype=np.float32))
    assert logits.shape == (*shape, 1)
    assert logits.dtype == np.float32


def test_parameter_count_at_the_papers_size():
    encoder = [3, 64, 64, 128, 128, 256, 256, 256, *[512] * 6]
    # The mirror image: each block's last convolution leads to the level above.
    decoder = [*[512] * 6, 256, 256, 256, 128, 128, 64, 64]
    expected = 9 * 64 + 1  # the logits
    for filters in (encoder, decoder):
        # Batch normalisation: scale, shift (which is the bias), mean and variance.
        expected += sum(9 * n_in * n_out + 4 * n_out for n_in, n_out in pairwise(filters))
    network = build_segnet(3, base_filters=64)
    assert network.count_params() == expected
    # The paper's count, with SegNet's own layers and 11 classes: 29.45 M.
    assert round(expected / 1e6, 2) == 29.45


@pytest.mark.parametrize(("depth", "stem_stride"), [(1, 1), (3, 1), (2, 2)])
def test_no_pixel_beyond_the_reach_changes_a_logit(extent, depth, stem_stride):
    network = build_segnet(depth=depth, base_filters=1, stem_stride=stem_stride)
    reach = network_reach(network)
    assert (reach.factor, reach.is_exact) == (stem_stride * 2**depth, True)
    measured = extent(network, reach.factor, 2 * reach.radius + 6 * reach.factor, reach.factor)
    # An empty image has no maximum that moves, so that the window of a pooling counts for less.
    assert reach.radius - 2 * reach.factor < measured <= reach.radius


def test_a_maximum_that_moves_is_seen_as_far_as_the_walk_says():
    network = build_segnet(depth=1, base_filters=4, norm_layer="none")
    # Two convolutions, a window, and two convolutions again.
    assert _axis_reach(network, 0).radius == 5
    rng = np.random.default_rng(0)
    image = rng.normal(size=(1, 32, 32, 1)).astype(np.float32)
    before = network.predict_on_batch(image)
    farthest = 0
    for row in range(14, 18):
        changed = image.copy()
        changed[0, row, 4:28] += 3 * rng.normal(size=(24, 1))
        rows = np.flatnonzero((network.predict_on_batch(changed) != before).any(axis=(0, 2, 3)))
        farthest = max(farthest, int(np.abs(rows - row).max()))
    assert farthest == 5


def test_the_reach_at_the_papers_size():
    # Convolutions of 1 px on each side of their level: 2, 2, 3, 3, 3 on the way down and again on
    # the way up, and a window of each pooling: 2 * (2 + 4 + 12 + 24 + 48) + (1 + 2 + 4 + 8 + 16).
    assert network_reach(build_segnet(base_filters=1)).radius == 224 == -(-211 // 32) * 32


def test_layer_names_are_stable():
    names = [layer.name for layer in build_segnet(depth=1, base_filters=1).layers]
    assert [name for name in names if not name.endswith(("_norm", "_relu"))] == [
        "image",
        "down0_conv0",
        "down0_conv1",
        "down0_pool",
        "down0_places",
        "up0_unpool",
        "up0_conv0",
        "logits",
    ]


def test_gradients_reach_the_first_layer():
    network = build_segnet(depth=2, base_filters=2)
    network.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
    before = network.get_layer("down0_conv0").kernel.numpy()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 8, 8, 1)).astype(np.float32)
    network.train_on_batch(x, (x > 0).astype(np.float32))
    assert not np.array_equal(before, network.get_layer("down0_conv0").kernel.numpy())


def test_same_seed_same_weights():
    first, second = (build_segnet(depth=1, base_filters=2, seed=7) for _ in range(2))
    for a, b in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_precision_and_configuration():
    network = build_segnet(depth=2, base_filters=2, dtype="mixed_bfloat16", l2=0.1)
    assert network.get_layer("up1_unpool").compute_dtype == "bfloat16"
    image = np.random.default_rng(0).normal(size=(1, 8, 8, 1)).astype(np.float32)
    twin = keras.Model.from_config(network.get_config())
    twin.set_weights(network.get_weights())
    logits = network.predict_on_batch(image)
    assert logits.dtype == np.float32
    np.testing.assert_array_equal(twin.predict_on_batch(image), logits)


@pytest.mark.parametrize("depth", [0, 6])
def test_depth_is_that_of_vgg(depth):
    message = f"depth must be 1 to 5, the number of VGG16's blocks; got {depth}."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        build_segnet(depth=depth)

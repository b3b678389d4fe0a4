"""Predictions with dropout: by other networks each time, and by one for the whole image."""

import keras
import numpy as np
import pytest

from membseg import UNetSegmenter, make_membranes
from membseg.exceptions import InvalidInputError
from membseg.networks import build_unet
from membseg.networks._dropout_masks import with_dropout_masks

TINY = {
    "depth": 1,
    "base_filters": 4,
    "max_steps": 1,
    "threshold": 0.5,
    "precision": "float32",
    "random_state": 0,
}


@pytest.fixture(scope="module")
def slices():
    return make_membranes(2, 96, 64, random_state=0)


@pytest.fixture(scope="module")
def segmenter(slices):
    return UNetSegmenter(dropout=0.3, **TINY).fit(*slices)


def test_masks_stand_where_dropout_is_and_change_nothing_before_they_are_drawn():
    network = build_unet(1, depth=2, base_filters=4, dropout=0.5, seed=0)
    copied, masks = with_dropout_masks(network)
    dropped = [x.name for x in network.layers if isinstance(x, keras.layers.SpatialDropout2D)]
    assert [mask.name for mask in masks] == dropped
    x = np.random.default_rng(0).normal(size=(1, 16, 16, 1)).astype(np.float32)
    plain = network.predict_on_batch(x)
    np.testing.assert_allclose(copied.predict_on_batch(x), plain, atol=1e-6)
    for mask in masks:
        mask.draw(np.random.default_rng(1))
    assert np.abs(copied.predict_on_batch(x) - plain).max() > 1e-3
    np.testing.assert_array_equal(network.predict_on_batch(x), plain)


def test_masks_drop_at_their_rate_and_keep_the_mean():
    x = keras.Input((None, None, 5000))
    network = keras.Model(x, keras.layers.SpatialDropout2D(0.25)(x))
    copied, (mask,) = with_dropout_masks(network)
    mask.draw(np.random.default_rng(0))
    values = copied.predict_on_batch(np.ones((1, 2, 2, 5000), np.float32))
    assert {0.0, np.float32(4 / 3)} == set(values.ravel().tolist())
    assert (values[0, 0, 0] == 0).mean() == pytest.approx(0.25, abs=0.03)
    assert (values == values[:, :1, :1]).all()
    assert mask.__class__.from_config(mask.get_config()).rate == 0.25


def test_samples_repeat_by_their_seed_and_leave_the_segmenter_alone(slices, segmenter):
    X, _ = slices
    before = segmenter.predict_membrane(X)
    first = list(segmenter.predict_dropout_samples(X, n_samples=3, random_state=7))
    again = list(segmenter.predict_dropout_samples(X, n_samples=3, random_state=7))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[0], first[1])
    other = next(segmenter.predict_dropout_samples(X, n_samples=1, random_state=8))
    assert not np.array_equal(other, first[0])
    np.testing.assert_array_equal(segmenter.predict_membrane(X), before)
    assert segmenter.tta == UNetSegmenter().tta


def test_one_thinned_network_sees_all_tiles(slices, segmenter):
    X, y = slices
    tiled = UNetSegmenter(dropout=0.3, tile_size=48, **TINY).fit(X, y)
    whole = next(segmenter.predict_dropout_samples(X, n_samples=1, random_state=3))
    pieces = next(tiled.predict_dropout_samples(X, n_samples=1, random_state=3))
    np.testing.assert_allclose(pieces, whole, atol=1e-5)


def test_lists_of_images(slices, segmenter):
    X, _ = slices
    maps = next(segmenter.predict_dropout_samples([X[0], X[1, :40]], random_state=0))
    assert [m.shape for m in maps] == [(96, 64), (40, 64)]


def test_bad_samples(slices, segmenter):
    X, y = slices
    for bad in (0, 1.5):
        with pytest.raises(InvalidInputError, match="n_samples must be a whole number of at leas"):
            segmenter.predict_dropout_samples(X, n_samples=bad)
    with pytest.raises(InvalidInputError, match="The network has no spatial dropout, so that"):
        UNetSegmenter(**TINY).fit(X, y).predict_dropout_samples(X)

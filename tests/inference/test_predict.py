"""Tiled prediction of a filter with a known reach equals the filter on the whole image."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from membseg.inference import (
    TilePredictor,
    TileRecipe,
    list_views,
    predict_logits,
    predict_tiles,
)
from membseg.utils import fit_intensity

KERNEL = np.add.outer([1.0, 2, 4], [3.0, 5, 8])


def filter_batch(batch):
    """A stand-in for a network: a 3x3 filter that is zero-padded, reach 1."""
    return np.stack([ndimage.correlate(x[..., 0], KERNEL, mode="constant") for x in batch])


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([8, 12, 20]),
    st.sampled_from([0, 4]),
    st.integers(0, 2**20),
)
def test_tiled_equals_whole(height, width, tile_size, margin, seed):
    image = np.random.default_rng(seed).normal(size=(height, width, 1)).astype(np.float32)
    options = {"views": list_views("none"), "halo": 1, "factor": 4, "margin": margin}
    tiled = predict_logits(image, filter_batch, tile_size=tile_size, **options)
    whole = predict_logits(image, filter_batch, tile_size=64, **options)
    assert tiled.shape == (height, width)
    assert tiled.dtype == np.float32
    np.testing.assert_allclose(tiled, whole, rtol=1e-5, atol=1e-4)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 2**20))
def test_inside_the_margin_it_is_the_plain_filter(height, width, seed):
    image = np.random.default_rng(seed).normal(size=(height, width, 1)).astype(np.float32)
    result = predict_logits(
        image, filter_batch, views=list_views("none"), tile_size=64, halo=1, factor=4, margin=4
    )
    expected = ndimage.correlate(image[..., 0].astype(float), KERNEL, mode="reflect")
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-3)


def test_views_average_probabilities_not_logits():
    image = np.zeros((4, 4, 1), dtype=np.float32)
    image[:2] = 3.0
    image[2:] = -1.0

    def rows(batch):
        """Logits that depend on the position in the view: 3 above, -1 below."""
        return np.broadcast_to(image[..., 0], (len(batch), 4, 4))

    result = predict_logits(
        image, rows, views=list_views("d4"), tile_size=64, halo=0, factor=4, margin=0
    )
    mean = (1 / (1 + np.exp(-3.0)) + 1 / (1 + np.exp(1.0))) / 2
    np.testing.assert_allclose(result, np.log(mean / (1 - mean)), rtol=1e-5)


def test_sure_views_stay_finite():
    image = np.zeros((4, 4, 1), dtype=np.float32)
    for logit in (-500.0, 500.0):
        result = predict_logits(
            image,
            lambda batch, logit=logit: np.full(batch.shape[:3], logit, np.float32),
            views=list_views("flips"),
            tile_size=64,
            halo=0,
            factor=1,
            margin=0,
        )
        assert np.isfinite(result).all()
        assert (np.sign(result) == np.sign(logit)).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(["none", "flips", "d4"]))
def test_tiles_normalised_one_by_one_are_those_of_the_normalised_image(height, width, tta):
    pixels = np.random.default_rng(height).integers(0, 255, (height, width, 1)).astype(np.uint8)
    intensity = fit_intensity([np.append(pixels, pixels + np.uint8(1), 0)], "image")[0]
    recipe = TileRecipe(list_views(tta), tile_size=12, halo=1, factor=4, margin=4)
    predictor = TilePredictor(filter_batch, recipe.views)
    result = np.full((height, width), np.nan, dtype=np.float32)
    for rows, columns, logits in predict_tiles(pixels, predictor, recipe, intensity):
        result[rows, columns] = logits
    expected = predict_logits(
        intensity.apply(pixels), filter_batch, **{f: getattr(recipe, f) for f in vars(recipe)}
    )
    np.testing.assert_array_equal(result, expected)


def test_views_are_averaged_in_the_same_memory():
    predictor = TilePredictor(filter_batch, list_views("d4"))
    rng = np.random.default_rng(0)
    tiles = [rng.normal(size=(9, 7, 1)).astype(np.float32) for _ in range(2)]
    first = predictor.predict(tiles[0])
    kept = first.copy()
    second = predictor.predict(tiles[1])
    assert np.shares_memory(first, second)
    fresh = TilePredictor(filter_batch, list_views("d4"))
    np.testing.assert_array_equal(fresh.predict(tiles[1]), second)
    np.testing.assert_array_equal(fresh.predict(tiles[0]), kept)
    assert predictor.predict(tiles[0][:5]).shape == (5, 7)

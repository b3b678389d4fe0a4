"""Dask arrays in, dask arrays out: nothing is computed early, and the numbers are the same."""

import copy
import re

import numpy as np
import pytest

from membseg import ThresholdSegmenter, make_membranes
from membseg.exceptions import InvalidInputError, InvalidTypeError

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

X, Y = make_membranes(2, 150, 139, random_state=1)


@pytest.fixture(scope="module")
def tiled(slices, quick):
    """A small U-Net with small tiles; not to be changed."""
    return quick(tile_size=96).fit(*slices)


def watched(array, chunks):
    """A dask array and the list of the chunks that were computed of it."""
    seen = []

    def look(block):
        seen.append(block.shape)
        return block

    lazy = da.from_array(array, chunks=chunks)
    return lazy.map_blocks(look, dtype=array.dtype, meta=np.empty((0,) * array.ndim)), seen


@pytest.mark.parametrize("chunks", [(1, 50, 50), (2, 150, 139), (2, 37, 64), (1, 16, 139)])
def test_any_chunks_give_what_the_array_gives(tiled, chunks):
    lazy, seen = watched(X, chunks)
    logits = tiled.decision_function(lazy)
    maps, masks, proba = (
        tiled.predict_membrane(lazy),
        tiled.predict(lazy),
        tiled.predict_proba(lazy),
    )
    assert seen == []
    for result, dtype in ((logits, np.float32), (maps, np.float32), (masks, Y.dtype)):
        assert isinstance(result, da.Array)
        assert (result.shape, result.dtype, result.chunks) == (X.shape, dtype, lazy.chunks)
    logits = logits.compute()
    # Every chunk once, although tiles overlap.
    assert len(seen) == lazy.npartitions
    np.testing.assert_allclose(logits, tiled.decision_function(X), atol=1e-4)
    np.testing.assert_array_equal(masks.compute(), tiled.predict(X))
    expected = tiled.predict_proba(X[:1])
    np.testing.assert_allclose(maps[:1].compute(), expected[:, 1], atol=1e-5)
    np.testing.assert_allclose(proba[:1].compute(), expected, atol=1e-5)


@pytest.mark.parametrize("intensity_norm", ["percentile", "stack"])
def test_every_normalisation(slices, quick, intensity_norm):
    segmenter = quick(tile_size=96, intensity_norm=intensity_norm, tta="flips").fit(*slices)
    logits = segmenter.decision_function(da.from_array(X, chunks=(1, 60, 60))).compute()
    np.testing.assert_allclose(logits, segmenter.decision_function(X), atol=1e-4)


def test_channels_in_chunks_of_their_own(slices, quick):
    colour = [np.stack([x, 255 - x, x // 2], axis=-1) for x in (slices[0], X)]
    segmenter = quick(tile_size=96).fit(colour[0], slices[1])
    lazy = da.from_array(colour[1], chunks=(1, 60, 60, 1))
    logits = segmenter.decision_function(lazy)
    assert logits.chunks == lazy.chunks[:3]
    np.testing.assert_allclose(logits.compute(), segmenter.decision_function(colour[1]), atol=1e-4)


def test_tasks_travel(tiled):
    cloudpickle = pytest.importorskip("cloudpickle")
    lazy = tiled.predict_membrane(da.from_array(X[:1], chunks=(1, 75, 75)))
    there = cloudpickle.loads(cloudpickle.dumps(lazy))
    np.testing.assert_array_equal(there.compute(), lazy.compute())


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_threads_take_turns(tiled, scheduler):
    fresh = copy.deepcopy(tiled)  # its network is not built yet
    lazy = fresh.decision_function(da.from_array(X, chunks=(1, 64, 64)))
    logits = lazy.compute(scheduler=scheduler, num_workers=4)
    np.testing.assert_array_equal(logits, tiled.decision_function(X))


def test_results_are_those_of_the_moment_of_the_call(slices, quick):
    segmenter = ThresholdSegmenter().fit(*slices)
    expected = segmenter.decision_function(X)
    baseline = segmenter.decision_function(da.from_array(X, chunks=(1, 75, 75)))
    segmenter.fit(255 - slices[0], slices[1])
    np.testing.assert_array_equal(baseline.compute(), expected)
    network = quick(tile_size=96, max_steps=1, intensity_norm="none").fit(*slices)
    expected = network.decision_function(X)
    lazy = network.decision_function(da.from_array(X, chunks=(1, 75, 75)))
    network.set_params(random_state=1, base_filters=2).fit(*slices)
    assert not np.array_equal(network.decision_function(X), expected)
    np.testing.assert_array_equal(lazy.compute(), expected)


def test_it_can_be_stored(tiled, tmp_path):
    zarr = pytest.importorskip("zarr")
    maps = tiled.predict_membrane(da.from_array(X, chunks=(1, 64, 64)))
    maps.to_zarr(str(tmp_path / "maps.zarr"))
    stored = zarr.open_array(str(tmp_path / "maps.zarr"), mode="r")
    np.testing.assert_array_equal(stored[:], tiled.predict_membrane(X))


def test_score_and_a_segmenter_of_the_prior(tiled, slices, quick):
    lazy = da.from_array(X, chunks=(1, 64, 64))
    assert tiled.score(lazy, Y) == tiled.score(X, Y)
    with pytest.warns(UserWarning, match="fit failed"):
        prior = quick(on_failure="worst", patch_size=512).fit(*slices)
    np.testing.assert_array_equal(prior.predict_membrane(lazy).compute(), prior.predict_membrane(X))


def test_the_baseline_too(slices):
    segmenter = ThresholdSegmenter().fit(*slices)
    lazy, seen = watched(X, (2, 50, 50))
    masks = segmenter.predict(lazy)
    assert seen == []
    assert masks.chunks == lazy.chunks
    np.testing.assert_array_equal(masks.compute(), segmenter.predict(X))
    colour = segmenter.fit(np.stack([slices[0]] * 2, -1), slices[1])
    maps = colour.predict_membrane(da.from_array(np.stack([X, X], -1), chunks=(1, 50, 50, 1)))
    np.testing.assert_array_equal(maps.compute(), colour.predict_membrane(np.stack([X, X], -1)))


def test_values_that_are_not_finite_are_found_in_the_tasks(tiled):
    bad = X.astype(np.float32)
    bad[1, 140, 3] = np.nan
    lazy = tiled.predict(da.from_array(bad, chunks=(1, 64, 64)))
    message = "X must be finite; a chunk of it holds NaN or infinite values."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        lazy.compute()


def test_what_dask_arrays_cannot_do(tiled, slices, quick):
    lazy = da.from_array(X, chunks=(1, 64, 64))
    for name in ("predict", "predict_membrane"):
        message = (
            "out must be None where X is a dask array, whose prediction is one as well. Store "
            f"that where you like: {name}(X).to_zarr('result.zarr'), or "
            f"dask.array.store({name}(X), out)."
        )
        with pytest.raises(InvalidTypeError, match=re.escape(message)):
            getattr(tiled, name)(lazy, out=np.zeros(X.shape, np.float32))
    message = "Store it, e.g. X.to_zarr('images.zarr'), and give zarr.open_array('images.zarr'"
    with pytest.raises(InvalidTypeError, match=re.escape(message)):
        quick().fit(da.from_array(slices[0]), slices[1])
    with pytest.raises(InvalidInputError, match=re.escape("X must have 1 channel(s), as in fit")):
        tiled.predict(da.zeros((1, 20, 30, 3)))

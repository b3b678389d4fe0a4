"""Images larger than memory: read and written in windows, the same as in memory."""

import copy
import re
import tracemalloc

import numpy as np
import pytest

from membseg import ThresholdSegmenter, make_membranes
from membseg.exceptions import InvalidInputError
from membseg.segmenters import _prediction
from membseg.segmenters._network_pool import POOL
from membseg.utils import _intensity, _lazy
from membseg.utils._lazy import LazyImage


@pytest.fixture(scope="module")
def large():
    """Two synthetic slices that are larger than the tiles used here."""
    return make_membranes(2, 150, 139, random_state=1)


@pytest.fixture(scope="module")
def tiled(slices, quick):
    """A small U-Net with small tiles; not to be changed."""
    return quick(tile_size=96, threshold=0.5).fit(*slices)


def make_out(kind, shape, dtype, folder):
    if kind == "zarr":
        zarr = pytest.importorskip("zarr")
        return zarr.create_array(
            str(folder / "out.zarr"), shape=shape, chunks=(1, 50, 50), dtype=dtype
        )
    if kind == "memmap":
        return np.memmap(folder / "out", dtype=dtype, mode="w+", shape=shape)
    return np.zeros(shape, dtype)


@pytest.mark.parametrize("kind", ["ndarray", "memmap", "zarr"])
def test_out_holds_what_would_have_been_returned(tiled, large, kind, tmp_path):
    X, _ = large
    masks = make_out(kind, X.shape, np.int16, tmp_path)
    assert tiled.predict(X, out=masks) is masks
    np.testing.assert_array_equal(masks[:], tiled.predict(X))
    (tmp_path / "maps").mkdir()
    maps = make_out(kind, X.shape, np.float64, tmp_path / "maps")
    assert tiled.predict_membrane(X, out=maps) is maps
    np.testing.assert_array_equal(maps[:], tiled.predict_membrane(X))


def test_every_segmenter_writes_into_out(slices):
    X, y = slices
    segmenter = ThresholdSegmenter().fit(X, y * 255)
    masks = np.zeros(X.shape, np.uint8)
    segmenter.predict(X, out=masks)
    np.testing.assert_array_equal(masks, segmenter.predict(X))
    assert set(np.unique(masks)) == {0, 255}


def test_masks_need_an_array_that_holds_both_classes(slices):
    X, y = slices
    segmenter = ThresholdSegmenter().fit(X, np.where(y == 1, 255, -1))
    message = "out must be an array that can hold -1 and 255 of the shape of the masks, "
    for out in (
        np.zeros(X.shape, np.uint8),
        np.zeros(X.shape, np.int8),
        np.zeros(X.shape, bool),
        np.zeros(X.shape, object),
        np.zeros(X.shape[1:], np.int16),
        [0],
        None.__class__,
    ):
        with pytest.raises(InvalidInputError, match=re.escape(message)):
            segmenter.predict(X, out=out)
    with pytest.raises(InvalidInputError, match=re.escape("(and X an array, no list); got")):
        segmenter.predict(list(X), out=np.zeros(X.shape, np.int16))
    assert segmenter.predict(X, out=np.zeros(X.shape, np.float32)).min() == -1


def test_out_must_be_writeable_and_another_array(tiled, large):
    X = large[0].astype(np.float32)
    out = np.zeros(X.shape, np.float32)
    out.flags.writeable = False
    with pytest.raises(InvalidInputError, match="out must be writeable; got a read-only array"):
        tiled.predict_membrane(X, out=out)
    for predict in (tiled.predict_membrane, tiled.predict):
        with pytest.raises(InvalidInputError, match="out must not share memory with X"):
            predict(X, out=X)


def test_what_was_written_stays_when_it_is_interrupted(tiled, large, monkeypatch):
    X, _ = large
    expected = tiled.predict_membrane(X)
    function, calls = tiled._tile_function(), []

    def interrupted(batch):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return function(batch)

    monkeypatch.setattr(type(tiled), "_tile_function", lambda self: interrupted)
    out = np.full(X.shape, np.nan, np.float32)
    with pytest.raises(KeyboardInterrupt):
        tiled.predict_membrane(X, out=out)
    written = ~np.isnan(out)
    assert 0 < written.sum() < X[0].size
    np.testing.assert_array_equal(out[written], expected[written])


@pytest.mark.parametrize("intensity_norm", ["percentile", "stack"])
def test_zarr_in_is_array_in(slices, large, quick, intensity_norm, tmp_path):
    zarr = pytest.importorskip("zarr")
    X, y = slices
    stored = zarr.create_array(str(tmp_path / "X.zarr"), data=X, chunks=(1, 20, 30))
    params = {"intensity_norm": intensity_norm, "tile_size": 96}
    segmenter = quick(**params).fit(stored, y)
    same = quick(**params).fit(X, y)
    stack = zarr.create_array(str(tmp_path / "L.zarr"), data=large[0], chunks=(1, 64, 64))
    expected = same.decision_function(large[0])
    np.testing.assert_array_equal(segmenter.decision_function(stack), expected)
    np.testing.assert_array_equal(segmenter.predict(stack), same.predict(large[0]))
    mixed = segmenter.decision_function([LazyImage(stack, 1), X[0]])
    np.testing.assert_array_equal(mixed[0], expected[1])
    assert segmenter.score(stored, y) == same.score(X, y)


def test_patches_are_read_from_stored_stacks_in_windows(large, quick):
    X, y = large

    class Elsewhere:
        shape, dtype, ndim = X.shape, X.dtype, X.ndim
        largest = 0

        def __getitem__(self, key):
            piece = X[key]
            self.largest = max(self.largest, piece.size)
            return piece

    source = Elsewhere()
    quick(intensity_norm="none", patch_size=16).fit(source, y)
    # The largest is a validation block: a third of each side, and a context of 32 on either side.
    largest = (150 // 3 + 2 * 32 + 4) * (139 // 3 + 2 * 32 + 4)
    assert 16**2 < source.largest <= largest < X[0].size


def test_memory_is_that_of_a_few_tiles(slices, quick, tmp_path, monkeypatch):
    # Only numpy's memory is traced, which is where images and results would be.
    monkeypatch.setattr(_lazy, "LARGEST_BLOCK", 2**18)
    monkeypatch.setattr(_lazy, "BLOCK_SIDE", 512)
    segmenter = quick(tile_size=512, base_filters=2).fit(*slices)
    X = np.memmap(tmp_path / "X", dtype=np.uint8, mode="w+", shape=(1, 3000, 3000))
    X[:] = np.arange(3000) % 251
    out = np.memmap(tmp_path / "out", dtype=np.float32, mode="w+", shape=X.shape)
    segmenter.predict_membrane(X[:, :600, :600])  # compiles
    tracemalloc.start()
    segmenter.predict_membrane(X, out=out)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 4 * 512**2 < X.nbytes
    assert out[0, -1, -1] > 0


def test_a_crop_of_the_result_is_the_result_of_the_crop(slices, quick):
    segmenter = quick(tile_size=96, tta="d4", intensity_norm="stack").fit(*slices)
    X, _ = make_membranes(1, 220, 200, random_state=2)
    halo, factor = segmenter._reach(segmenter._config)
    rows, columns = slice(5 * factor, 5 * factor + 120), slice(8 * factor, 8 * factor + 111)
    whole = segmenter.decision_function(X)[:, rows, columns]
    crop = segmenter.decision_function(X[:, rows, columns])
    inside = (slice(None), slice(halo, -halo), slice(halo, -halo))
    np.testing.assert_allclose(crop[inside], whole[inside], atol=1e-4)
    # At the crop's edges context is missing: there they need not agree.
    assert np.abs(crop - whole).max() > 1e-4


def test_many_sizes_are_not_many_traces(slices, quick):
    import keras

    if keras.backend.backend() != "tensorflow":
        # JAX compiles for every shape anew, as the docs say: there is no bound to test.
        pytest.skip("counts TensorFlow's traces")
    POOL.waiting.clear()
    segmenter = quick(tta="d4", tile_size=96).fit(*slices)
    rng = np.random.default_rng(0)

    def trace(sizes):
        for size in sizes:
            segmenter.predict(rng.integers(0, 255, (1, *size)).astype(np.uint8))
        # The network that predicted last.
        return POOL.waiting[-1].network.predict_function.experimental_get_tracing_count()

    few = trace([(64, 64), (40, 50)])
    assert few <= 4
    assert trace([(33 + 17 * k, 150 - 19 * k) for k in range(6)]) == few


def test_progress_is_written_now_and_then(tiled, large, capsys, monkeypatch):
    segmenter = copy.deepcopy(tiled).set_params(verbose=1)
    X, _ = large
    monkeypatch.setattr(_prediction, "_SECONDS_PER_LINE", 1e9)
    segmenter.predict(X)
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(_prediction, "_SECONDS_PER_LINE", 0.0)
    segmenter.predict(X[:, :20, :20])
    segmenter.predict_membrane(X, out=np.zeros(X.shape, np.float32))
    lines = capsys.readouterr().out.splitlines()
    n_tiles = int(re.match(r"predicted 1 of (\d+) tiles  \d+ s left$", lines[1])[1])
    assert lines[0].startswith("predicted 1 of 2 tiles")
    assert len(lines) == 1 + n_tiles - 1
    segmenter.set_params(verbose=0).predict(X)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("filters", "stem_stride", "side"),
    # The largest layer holds 16, 32 and 64 channels at full resolution.
    [(16, 2, 2048), (16, 1, 1448), (32, 1, 1024)],
)
def test_tiles_are_smaller_for_wider_networks(filters, stem_stride, side):
    from membseg.networks import build_unet

    network = build_unet(depth=2, base_filters=filters, stem_stride=stem_stride)
    values = _prediction.count_values(network, 8)
    recipe = _prediction.make_recipe("none", "auto", 32, 8, values)
    assert recipe.tile_size == side
    assert _prediction.make_recipe("none", 200, 32, 8, None).tile_size == 200


def test_statistics_of_large_images_are_looked_at_in_blocks(fitted, large, monkeypatch):
    X, _ = large
    expected = fitted.decision_function(X)
    for module in (_lazy, _intensity):
        monkeypatch.setattr(module, "LARGEST_BLOCK", 1000)
    monkeypatch.setattr(_lazy, "BLOCK_SIDE", 32)
    np.testing.assert_allclose(fitted.decision_function(X), expected, atol=1e-5)

"""Arrays that are read piece by piece: what is read, what they look like, what is refused."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg.exceptions import DataWarning, InvalidInputError, InvalidTypeError
from membseg.utils import _intensity, _lazy, check_images, fit_intensity
from membseg.utils._images import check_dask_images
from membseg.utils._lazy import LazyImage, is_dask, iterate_blocks


class Elsewhere:
    """A stand-in for zarr and h5py that counts how many pixels were read."""

    def __init__(self, array):
        self.array = array
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim
        self.n_read = 0

    def __getitem__(self, key):
        piece = self.array[key]
        self.n_read += piece.size
        return piece


@pytest.fixture
def small_blocks(monkeypatch):
    """Images of more than 100 values count as large."""
    monkeypatch.setattr(_lazy, "LARGEST_BLOCK", 100)
    monkeypatch.setattr(_intensity, "LARGEST_BLOCK", 100)
    monkeypatch.setattr(_lazy, "BLOCK_SIDE", 8)


@pytest.mark.parametrize("shape", [(3, 20, 30), (3, 20, 30, 2)])
def test_stacks_stay_where_they_are(shape):
    array = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    source = Elsewhere(array)
    stack = check_images(source)
    assert source.n_read == 0
    assert not stack.as_list
    for image, expected in zip(stack.images, check_images(array).images, strict=True):
        assert (image.shape, image.dtype) == (expected.shape, expected.dtype)
        assert (image.ndim, image.size) == (expected.ndim, expected.size)
        np.testing.assert_array_equal(image[2:5, 7:], expected[2:5, 7:])
    assert source.n_read == 3 * array[0, 2:5, 7:].size


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 2)])
def test_items_of_lists_stay_where_they_are(shape):
    array = np.random.default_rng(0).normal(size=shape)
    source = Elsewhere(array)
    stack = check_images([source, source], finite=False)
    assert stack.as_list
    assert source.n_read == 0
    np.testing.assert_array_equal(stack.images[1], array.reshape(20, 30, -1))
    # Views can be given back.
    again = check_images(stack.images)
    np.testing.assert_array_equal(again.images[0][:, 3:], array.reshape(20, 30, -1)[:, 3:])


def test_everything_but_windows_reads_the_image():
    array = np.random.default_rng(0).normal(size=(2, 20, 30))
    image, expected = LazyImage(Elsewhere(array), 1), array[1][..., np.newaxis]
    for key in (..., 3, (slice(None), 4), (slice(None, None, 2), slice(3, 9)), (..., 0)):
        np.testing.assert_array_equal(image[key], expected[key])
    np.testing.assert_array_equal(image.mean(axis=2), array[1])
    assert image.mean(dtype=np.float64) == pytest.approx(array[1].mean())
    assert (image.min(), image.max()) == (array[1].min(), array[1].max())


def test_real_files(tmp_path):
    zarr, h5py = pytest.importorskip("zarr"), pytest.importorskip("h5py")
    array = np.random.default_rng(0).integers(0, 255, (2, 20, 30)).astype(np.uint16)
    stored = zarr.create_array(str(tmp_path / "X.zarr"), data=array, chunks=(1, 8, 8))
    with h5py.File(tmp_path / "X.h5", "w") as file:
        for source in (stored, file.create_dataset("X", data=array)):
            image = check_images(source).images[1]
            assert isinstance(image, LazyImage)
            np.testing.assert_array_equal(image[3:9, 4:], array[1, 3:9, 4:, np.newaxis])
            np.testing.assert_array_equal(image, array[1, ..., np.newaxis])


def test_memory_mapped_files_are_views(tmp_path):
    np.save(tmp_path / "X.npy", np.zeros((2, 20, 30), np.uint8))
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert all(np.shares_memory(image, X) for image in check_images(X).images)


def test_wrong_shapes_of_stored_arrays_are_refused_unread():
    source = Elsewhere(np.zeros((64, 64)))
    with pytest.raises(InvalidInputError, match=re.escape("got one 2-D image of shape (64, 64)")):
        check_images(source)
    assert source.n_read == 0


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 30), st.integers(1, 30))
def test_blocks_cover_an_image_once(height, width):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_lazy, "LARGEST_BLOCK", 100)
        patch.setattr(_lazy, "BLOCK_SIDE", 8)
        image = np.arange(height * width).reshape(height, width, 1)
        blocks = list(iterate_blocks(image))
    assert sorted(v for block in blocks for v in block.ravel()) == list(range(height * width))
    assert len(blocks) == 1 or all(block.size <= 64 for block in blocks)


def test_values_that_are_not_finite_are_counted_over_all_blocks(small_blocks):
    X = np.zeros((1, 20, 20))
    X[0, 3, 3] = X[0, 19, 18] = np.nan
    message = "X[0] must be finite; 2 of its 400 values are NaN or infinite."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        check_images(Elsewhere(X))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_mean_and_variance_piece_by_piece(small_blocks, dtype):
    image = np.random.default_rng(0).normal(50, 9, (30, 27, 2)).astype(dtype)
    source = Elsewhere(image)
    for mode in ("image", "stack"):
        found = fit_intensity([LazyImage(source)], mode)[0]
        np.testing.assert_allclose(found.offset, image.mean((0, 1), np.float64), rtol=1e-12)
        np.testing.assert_allclose(1 / found.scale, image.std((0, 1), np.float64), rtol=1e-12)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 999), st.sampled_from([np.uint8, np.int8, np.uint16, np.int16]))
def test_percentiles_of_large_images_of_integers_are_exact(seed, dtype):
    rng = np.random.default_rng(seed)
    image = rng.normal(0, rng.integers(1, 40), (23, 19, 2)).astype(np.int8).astype(dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_intensity, "LARGEST_BLOCK", 100)
        plan = _intensity.StatisticsPlan.of(image.shape, dtype, "percentile")
        parts = [plan.look(image[:9]), plan.look(image[9:])]
    assert plan.kind == "histogram"
    center, spread = plan.combine(parts)
    low, high = np.percentile(image.astype(float), (1, 99), axis=(0, 1))
    np.testing.assert_allclose(center, (low + high) / 2, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(spread, (high - low) / 2, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_extremes_where_nearly_all_pixels_are_alike(small_blocks, dtype):
    image = np.zeros((30, 30, 1), dtype=dtype)
    image[17, 3] = 5
    found = fit_intensity([image], "percentile")[0]
    assert set(np.unique(found.apply(image))) == {-1.0, 1.0}


def test_percentiles_of_large_images_of_floats_are_those_of_a_grid(small_blocks):
    image = np.linspace(0, 1, 10000).reshape(100, 100, 1)
    found = fit_intensity([image], "percentile")[0]
    np.testing.assert_allclose(found.offset, 0.5, atol=0.05)
    np.testing.assert_allclose(1 / found.scale, 0.49, atol=0.05)


def test_large_constant_images_are_named(small_blocks):
    for mode in ("image", "percentile"):
        with pytest.warns(DataWarning, match=r"1 image\(s\) of X hold one constant value"):
            fit_intensity([np.full((20, 20, 1), 7, np.uint8)], mode)


def test_dask_arrays_are_told_and_refused():
    da = pytest.importorskip("dask.array")
    X = da.zeros((2, 20, 30))
    assert is_dask(X)
    assert not is_dask(np.zeros((2, 20, 30)))
    for refused, name in ((X, "X"), ([X[0]], "X[0]")):
        message = f"{name} must not be a dask array here, since it is read again and again"
        with pytest.raises(InvalidTypeError, match=re.escape(message)):
            check_images(refused)


def test_dask_arrays_are_judged_like_others():
    da = pytest.importorskip("dask.array")
    check_dask_images(da.zeros((2, 20, 30, 3)), n_channels=3)
    with pytest.raises(InvalidInputError, match=re.escape("X must have 1 channel(s), as in fit")):
        check_dask_images(da.zeros((2, 20, 30, 3)), n_channels=1)
    with pytest.raises(InvalidTypeError, match=re.escape("X must hold real numbers")):
        check_dask_images(da.zeros((2, 20, 30), dtype=complex), n_channels=1)
    unknown = da.zeros((4, 20, 30))[da.arange(4) > 1]
    message = "X must have a known shape; got (nan, 20, 30). Call X.compute_chunk_sizes() first."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        check_dask_images(unknown, n_channels=1)

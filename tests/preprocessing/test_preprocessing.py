"""Transformers of image stacks, from their definitions."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import Pipeline

from membseg import ThresholdSegmenter, make_membranes
from membseg.preprocessing import CLAHE, BackgroundFlattener, Denoiser
from membseg.preprocessing._denoiser import _noise_deviation

ALL = [
    CLAHE(),
    CLAHE(kernel_size=8, clip_limit=0.05, n_bins=64),
    *(Denoiser(method=method) for method in ("gaussian", "median", "tv", "bilateral", "nlm")),
    BackgroundFlattener(sigma=6),
    BackgroundFlattener(sigma=6, mode="standardize"),
]
every = pytest.mark.parametrize("transformer", ALL, ids=repr)


@pytest.fixture(scope="module")
def slices() -> tuple[np.ndarray, np.ndarray]:
    return make_membranes(4, 48, 40, random_state=0)


@every
def test_layout_and_dtype(transformer, slices):
    X, _ = slices
    before = X.copy()
    result = clone(transformer).fit_transform(X)
    assert result.shape == X.shape
    assert result.dtype == np.float32
    assert np.isfinite(result).all()
    np.testing.assert_array_equal(X, before)


@every
def test_images_do_not_depend_on_each_other(transformer, slices):
    X, _ = slices
    fitted = clone(transformer).fit(X)
    whole = fitted.transform(X)
    listed = fitted.transform([X[2], X[0][:30]])
    assert isinstance(listed, list)
    np.testing.assert_array_equal(listed[0], whole[2])
    np.testing.assert_array_equal(listed[1], fitted.transform(X[:1, :30])[0])


@every
def test_channels_do_not_depend_on_each_other(transformer, slices):
    X, _ = slices
    both = np.stack([X[:1], X[1:2]], axis=-1)
    result = clone(transformer).fit_transform(both)
    fitted = clone(transformer).fit(X)
    np.testing.assert_array_equal(result[..., 0], fitted.transform(X[:1]))
    np.testing.assert_array_equal(result[..., 1], fitted.transform(X[1:2]))
    one_channel = fitted.transform(X[:1, ..., np.newaxis])
    np.testing.assert_array_equal(one_channel[..., 0], result[..., 0])


@every
def test_constant_images_stay_finite(transformer):
    assert np.isfinite(clone(transformer).fit_transform(np.full((1, 16, 16), 7.0))).all()


@every
def test_the_dtype_of_the_pixels_does_not_matter(transformer, slices):
    X = slices[0].astype(np.uint8)
    fitted = clone(transformer).fit(X)
    np.testing.assert_array_equal(fitted.transform(X), fitted.transform(X.astype(np.float64)))


@every
def test_before_fit(transformer, slices):
    with pytest.raises(NotFittedError):
        clone(transformer).transform(slices[0])


@every
def test_other_channels_than_in_fit(transformer, slices):
    fitted = clone(transformer).fit(slices[0])
    with pytest.raises(ValueError, match="channel"):
        fitted.transform(np.zeros((1, 16, 16, 3)))


def test_dask_is_refused_with_the_way_out(slices):
    array = pytest.importorskip("dask.array", reason="needs dask, of the extra 'big'")
    expected = re.escape("X must be numpy arrays here; got a dask array.")
    with pytest.raises(TypeError, match=expected):
        CLAHE().fit(array.from_array(slices[0]))


@pytest.mark.parametrize(
    ("transformer", "name"),
    [
        (CLAHE(clip_limit=0.0), "clip_limit"),
        (CLAHE(kernel_size=0), "kernel_size"),
        (CLAHE(n_bins=1), "n_bins"),
        (Denoiser(method="wavelet"), "method"),
        (Denoiser(strength=0), "strength"),
        (BackgroundFlattener(sigma=0), "sigma"),
        (BackgroundFlattener(mode="divide"), "mode"),
    ],
)
def test_parameters_are_checked_in_fit(transformer, name, slices):
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        transformer.fit(slices[0])


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(0.1, 50), offset=st.floats(-100, 100))
def test_clahe_does_not_see_gain_and_offset(gain, offset):
    X = make_membranes(1, 32, 32, random_state=1)[0].astype(np.float64)
    np.testing.assert_allclose(
        CLAHE().fit_transform(gain * X + offset), CLAHE().fit_transform(X), atol=0.02
    )


def test_clahe_evens_contrast_out(slices):
    X = slices[0].astype(np.float64)
    faded = 100 + (X - X.mean()) * np.linspace(1, 0.1, X.shape[2])

    def evenness(images: np.ndarray) -> float:
        return images[:, :, -10:].std() / images[:, :, :10].std()

    even = CLAHE(kernel_size=16, clip_limit=0.1).fit_transform(faded)
    assert evenness(even) > 1.5 * evenness(faded)


def test_gaussian_denoiser_is_scipys(slices):
    X = slices[0].astype(np.float64)
    expected = np.stack([gaussian_filter(image, 1.5) for image in X])
    np.testing.assert_allclose(Denoiser(strength=1.5).fit_transform(X), expected, rtol=1e-5)


@pytest.mark.parametrize("method", ["gaussian", "median", "tv", "bilateral", "nlm"])
def test_denoisers_bring_a_noisy_image_nearer_to_the_clean_one(method):
    clean = np.zeros((1, 48, 48))
    clean[:, :, 24:] = 1.0
    noisy = clean + np.random.default_rng(0).normal(0, 0.15, clean.shape)
    result = Denoiser(method=method).fit_transform(noisy).astype(np.float64)

    # Some methods scale: compare by the best line through the clean values.
    def distance(images: np.ndarray) -> float:
        return 1 - np.corrcoef(images.ravel(), clean.ravel())[0, 1] ** 2

    assert distance(result) < 0.7 * distance(noisy)


def test_standardize_evens_contrast_out():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1, 96, 96)) * np.linspace(1, 9, 96)
    result = BackgroundFlattener(sigma=8, mode="standardize").fit_transform(X)
    assert result[..., 64:].std() == pytest.approx(result[..., :32].std(), rel=0.15)
    assert X[..., 64:].std() > 3 * X[..., :32].std()


def test_searched_together_with_the_segmenter(slices):
    X, y = slices
    pipeline = Pipeline([("contrast", CLAHE()), ("segment", ThresholdSegmenter())])
    grid = {"contrast__clip_limit": [0.01, 0.05], "segment__sigma": [0.5, 1.0]}
    search = GridSearchCV(pipeline, grid, cv=KFold(2)).fit(X, y)
    assert set(search.best_params_) == set(grid)
    assert search.predict(X).shape == y.shape


@pytest.mark.parametrize("deviation", [0.02, 0.1])
def test_noise_is_estimated_beside_edges_and_ramps(deviation):
    clean = np.linspace(0, 1, 128) + np.zeros((128, 1))
    clean[:, 64:] += 1
    noisy = clean + np.random.default_rng(0).normal(0, deviation, clean.shape)
    assert _noise_deviation(noisy) == pytest.approx(deviation, rel=0.1)

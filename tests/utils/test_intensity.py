"""Intensity normalisation against its definition, and for images with nothing in them."""

import numpy as np
import pytest

from membseg.exceptions import DataWarning, InvalidInputError
from membseg.utils import fit_intensity


def make_images():
    rng = np.random.default_rng(0)
    return [rng.normal(100 + 50 * i, 5 + i, (20 + i, 30, 2)) for i in range(3)]


def test_each_image_by_itself():
    for image, intensity in zip(make_images(), fit_intensity(make_images(), "image"), strict=True):
        result = intensity.apply(image)
        assert result.dtype == np.float32
        np.testing.assert_allclose(result.mean((0, 1)), 0, atol=1e-4)
        np.testing.assert_allclose(result.std((0, 1)), 1, rtol=1e-4)


def test_percentiles_go_to_plus_and_minus_one():
    images = make_images()
    for image, intensity in zip(images, fit_intensity(images, "percentile"), strict=True):
        low, high = np.percentile(intensity.apply(image), (1, 99), axis=(0, 1))
        np.testing.assert_allclose(low, -1, atol=1e-4)
        np.testing.assert_allclose(high, 1, atol=1e-4)


def test_the_stack_as_a_whole():
    images = make_images()
    results = [m.apply(i) for i, m in zip(images, fit_intensity(images, "stack"), strict=True)]
    pixels = np.concatenate([r.reshape(-1, 2) for r in results])
    np.testing.assert_allclose(pixels.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(pixels.std(0), 1, rtol=1e-4)


def test_none_changes_nothing():
    images = make_images()
    np.testing.assert_array_equal(
        fit_intensity(images, "none")[0].apply(images[0]), images[0].astype(np.float32)
    )


@pytest.mark.parametrize("mode", ["image", "percentile"])
def test_constant_images_are_named_and_become_zero(mode):
    images = [make_images()[0], np.full((4, 4, 2), 7.0)]
    with pytest.warns(DataWarning, match=r"1 image\(s\) of X hold one constant value \(number 1\)"):
        maps = fit_intensity(images, mode)
    np.testing.assert_array_equal(maps[1].apply(images[1]), 0)


@pytest.mark.parametrize("dtype", [np.uint32, np.int64, np.float64])
def test_a_large_offset_takes_no_detail(dtype):
    image = make_images()[0].astype(np.uint8)
    far = image.astype(dtype) + dtype(2**31)
    expected = fit_intensity([image], "image")[0].apply(image)
    np.testing.assert_allclose(fit_intensity([far], "image")[0].apply(far), expected, atol=1e-4)


def test_percentiles_of_sparse_and_of_bool_images():
    sparse = np.zeros((30, 30, 1))
    sparse[3, 4] = 5
    for image in (sparse, sparse > 0):
        result = fit_intensity([image], "percentile")[0].apply(image)
        assert set(np.unique(result)) == {-1.0, 1.0}


@pytest.mark.parametrize("mode", ["image", "stack"])
def test_values_too_large_for_a_variance(mode):
    with pytest.raises(InvalidInputError, match="X must hold values whose variance is a finite"):
        fit_intensity([make_images()[0] * 1e200], mode)


def test_a_crop_is_normalised_like_its_image():
    image = make_images()[0].astype(np.uint8)
    intensity = fit_intensity([image], "image")[0]
    np.testing.assert_array_equal(intensity.apply(image)[3:9], intensity.apply(image[3:9]))

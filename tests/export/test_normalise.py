"""The normalisation inside an exported graph is that of the segmenters."""

import numpy as np
import pytest
from keras import ops

from membseg.export._normalise import normalise_images
from membseg.utils import fit_intensity


def in_graph(images, mode, intensity=None):
    tensor = ops.convert_to_tensor(np.asarray(images, np.float32))
    return ops.convert_to_numpy(normalise_images(tensor, mode, intensity))


def expected(images, mode):
    maps = fit_intensity(list(images), mode)
    return np.stack([one.apply(image) for one, image in zip(maps, images, strict=True)])


@pytest.mark.parametrize("mode", ["image", "percentile", "stack", "none"])
@pytest.mark.parametrize("shape", [(2, 31, 47, 1), (1, 9, 8, 3), (1, 10, 10, 2), (1, 101, 1, 1)])
def test_each_mode_is_that_of_the_segmenters(mode, shape):
    images = np.random.default_rng(0).integers(0, 4000, shape).astype(np.uint16)
    intensity = fit_intensity(list(images), "stack")[0]
    np.testing.assert_allclose(
        in_graph(images, mode, intensity), expected(images, mode), rtol=1e-5, atol=1e-5
    )


def test_large_offsets_lose_little():
    images = 60000 + np.random.default_rng(0).integers(0, 100, (1, 200, 200, 1))
    images = images.astype(np.uint16)
    np.testing.assert_allclose(in_graph(images, "image"), expected(images, "image"), atol=1e-4)


@pytest.mark.parametrize("mode", ["image", "percentile"])
def test_a_constant_channel_becomes_zero(mode):
    images = np.full((1, 20, 30, 2), 7.3, np.float32)
    images[..., 1] = np.random.default_rng(0).random((20, 30))
    given = in_graph(images, mode)
    assert not given[..., 0].any()
    np.testing.assert_allclose(given, expected(images, mode), atol=1e-5)


def test_the_extremes_count_where_the_percentiles_are_alike():
    images = np.zeros((1, 30, 30, 1), np.float32)
    images[0, 3, 4] = 5.0
    given = in_graph(images, "percentile")
    assert given.min() == -1
    assert given.max() == 1
    np.testing.assert_array_equal(given, expected(images, "percentile"))


def test_images_of_one_batch_do_not_mix():
    images = np.random.default_rng(0).random((3, 20, 20, 1)).astype(np.float32)
    for mode in ("image", "percentile"):
        alone = np.concatenate([in_graph(images[i : i + 1] * (i + 1), mode) for i in range(3)])
        together = in_graph(images * np.arange(1, 4).reshape(3, 1, 1, 1), mode)
        np.testing.assert_allclose(together, alone, atol=1e-5)

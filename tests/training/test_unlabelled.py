"""Patches without labels: from which images, and what the two views share."""

import re

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from membseg.exceptions import InvalidInputError
from membseg.training import Block, TrainingData, ValidationPlan
from membseg.training._mix import exchange_pairs
from membseg.training._unlabelled import UnlabelledSampler
from membseg.utils import IGNORED, fit_intensity

NOTHING = ValidationPlan([], [])


def make_sampler(images, masks, *, plan=NOTHING, norm="none", **options):
    images = [np.asarray(image)[..., np.newaxis] for image in images]
    data = TrainingData(images, masks, None, fit_intensity(images, norm))
    options = {
        "augmentation": "none",
        "augmentation_strength": 1.0,
        "batch_size": 6,
        "patch_size": 8,
    } | options
    return UnlabelledSampler(data, plan, rng=np.random.default_rng(0), **options)


def no_labels(height, width):
    return np.full((height, width), IGNORED, np.uint8)


def sparse_labels(height, width):
    mask = no_labels(height, width)
    mask[0, 0] = 1
    return mask


def numbered(height, width):
    """Every pixel holds its own number."""
    return np.arange(1, height * width + 1, dtype=np.float32).reshape(height, width)


def test_only_images_without_any_label_are_drawn():
    images = [np.full((12, 12), float(value)) for value in range(4)]
    masks = [no_labels(12, 12), np.ones((12, 12), np.uint8), no_labels(12, 12)]
    sampler = make_sampler(images, [*masks, sparse_labels(12, 12)], batch_size=40)
    batch = sampler.draw()
    assert set(np.unique(batch.weak)) == set(np.unique(batch.strong)) == {0.0, 2.0}


def test_images_of_held_out_specimens_are_not_drawn():
    images = [np.zeros((12, 12)), np.ones((12, 12))]
    plan = ValidationPlan([], [Block(1, slice(None), slice(None))])
    sampler = make_sampler(images, [no_labels(12, 12)] * 2, plan=plan, batch_size=40)
    assert not sampler.draw().weak.any()


@pytest.mark.parametrize("held_out", [[], [1]])
def test_without_such_an_image_the_way_out_is_told(held_out):
    images = [np.zeros((12, 12))] * 3
    masks = [np.ones((12, 12), np.uint8)] * 3
    for number in held_out:
        masks[number] = no_labels(12, 12)
    plan = ValidationPlan([], [Block(i, slice(None), slice(None)) for i in held_out])
    message = (
        "unlabelled must be 'ignore' where no image besides the validation part is without "
        "labels; got 3 images, all of them labelled or held out. Add images to X whose masks in y "
        "hold ignore_label only, or use unlabelled='ignore'."
    )
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        make_sampler(images, masks, plan=plan)


def test_views_share_their_geometry():
    image = numbered(20, 20)
    sampler = make_sampler([image], [no_labels(20, 20)], augmentation="d4+scale+elastic")
    for _ in range(5):
        batch = sampler.draw()
        assert batch.weak.shape == batch.strong.shape == (6, 8, 8, 1)
        assert batch.weight.shape == batch.pasted.shape == (6, 8, 8)
        assert all(array.dtype == np.float32 for array in batch)
        # Once the rectangles are exchanged back, one is the other.
        np.testing.assert_array_equal(exchange_pairs(batch.strong, batch.pasted), batch.weak)
        assert (batch.pasted.max(axis=(1, 2)) == 1).any()


def test_weak_views_are_cuts_of_the_image_and_strong_ones_have_other_grey_values():
    image = numbered(20, 30)
    sampler = make_sampler([image], [no_labels(20, 30)], augmentation="intensity+noise+mixup")
    batch = sampler.draw()
    for patch in batch.weak[..., 0]:
        row, column = divmod(int(patch[0, 0]) - 1, 30)
        np.testing.assert_array_equal(patch, image[row : row + 8, column : column + 8])
    strong = exchange_pairs(batch.strong, batch.pasted)
    pairs = zip(batch.weak, strong, strict=True)
    gains = [np.polyfit(a.ravel(), b.ravel(), 1)[0] for a, b in pairs]
    assert len(np.unique(np.round(gains, 3))) == 6
    assert np.exp(-0.26) < min(gains) < max(gains) < np.exp(0.26)


def test_small_images_are_filled_up_without_weight():
    batch = make_sampler([numbered(5, 12)], [no_labels(5, 12)]).draw()
    assert (batch.weight[:, :5] == 1).all()
    assert (batch.weight[:, 5:] == 0).all()


def test_rare_kinds_are_drawn_as_often_as_common_ones():
    noise = np.random.default_rng(0).normal(size=(9, 64, 64))
    sigmas = [2.0] * 6 + [1.0] * 2 + [1.5]
    images = [gaussian_filter(x, sigma) for x, sigma in zip(noise, sigmas, strict=True)]
    masks = [no_labels(64, 64)] * 8 + [np.ones((64, 64), np.uint8)]
    chances = make_sampler(images, masks, norm="image").sampler.chances
    assert chances[6:8].sum() == pytest.approx(0.5, abs=0.05)
    assert chances[8] == 0


def test_same_generator_same_batches():
    pairs = [
        make_sampler([numbered(32, 32)], [no_labels(32, 32)], augmentation="d4+noise")
        for _ in range(2)
    ]
    for _ in range(3):
        for a, b in zip(*(sampler.draw() for sampler in pairs), strict=True):
            np.testing.assert_array_equal(a, b)

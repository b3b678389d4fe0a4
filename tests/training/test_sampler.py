"""Patches: cut where labels are, weighted, filled up, and never from the validation part."""

import numpy as np
import pytest

from membseg.training import Block, PatchSampler, TrainingData, ValidationPlan
from membseg.training._mix import mix_batch
from membseg.utils import IGNORED, fit_intensity

NOTHING = ValidationPlan([], [])


def make_sampler(images, masks, *, weights=None, plan=NOTHING, patch_size=8, **options):
    images = [np.asarray(image)[..., np.newaxis] for image in images]
    data = TrainingData(images, masks, weights, fit_intensity(images, "none"))
    options = {"augmentation": "none", "augmentation_strength": 1.0, "batch_size": 4} | options
    return PatchSampler(data, plan, patch_size=patch_size, rng=np.random.default_rng(0), **options)


def numbered(height, width):
    """Every pixel holds its own number."""
    return np.arange(height * width, dtype=np.float32).reshape(height, width)


def test_patches_are_cuts_of_the_image_and_its_mask():
    image = numbered(20, 30)
    mask = (image % 3 == 0).astype(np.uint8)
    x, y = make_sampler([image], [mask]).draw()
    assert x.shape == (4, 8, 8, 1)
    assert y.shape == (4, 8, 8, 2)
    assert x.dtype == y.dtype == np.float32
    for patch, target in zip(x[..., 0], y, strict=True):
        row, column = divmod(int(patch[0, 0]), 30)
        np.testing.assert_array_equal(patch, image[row : row + 8, column : column + 8])
        np.testing.assert_array_equal(target[..., 0], patch % 3 == 0)
        assert (target[..., 1] == 1).all()


def test_held_out_pixels_have_no_weight():
    image = numbered(16, 16)
    block = Block(0, slice(4, 12), slice(0, 9))
    sampler = make_sampler(
        [image], [np.zeros((16, 16), np.uint8)], plan=ValidationPlan([], [block])
    )
    assert sampler.n_labelled == 16 * 16 - 8 * 9
    held = set(image[4:12, 0:9].ravel())
    for _ in range(10):
        x, y = sampler.draw()
        weightless = set(x[..., 0][y[..., 1] == 0])
        weighted = set(x[..., 0][y[..., 1] == 1])
        assert weightless <= held
        assert not weighted & held


def test_every_sparse_patch_holds_a_label():
    mask = np.full((64, 64), IGNORED, np.uint8)
    mask[50, 13] = 1
    mask[0, 63] = 0
    sampler = make_sampler([numbered(64, 64)], [mask])
    for _ in range(20):
        _, y = sampler.draw()
        assert (y[..., 1].sum(axis=(1, 2)) >= 1).all()


def test_images_without_labels_are_not_drawn():
    empty = np.full((8, 8), IGNORED, np.uint8)
    sampler = make_sampler([numbered(8, 8), -numbered(8, 8)], [empty, np.ones((8, 8), np.uint8)])
    x, _ = sampler.draw()
    assert x.max() <= 0


def test_images_are_drawn_in_proportion_to_their_labels():
    images = [np.zeros((8, 8)), np.ones((24, 8))]
    sampler = make_sampler(images, [np.zeros(i.shape, np.uint8) for i in images], batch_size=400)
    x, _ = sampler.draw()
    assert x.mean() == pytest.approx(0.75, abs=0.1)


@pytest.mark.parametrize("per_pixel", [False, True])
def test_sample_weights_scale_the_weight(per_pixel):
    mask = np.zeros((8, 8), np.uint8)
    mask[0, 0] = IGNORED
    weights = [np.full((8, 8), 2.5) if per_pixel else 2.5]
    _, y = make_sampler([numbered(8, 8)], [mask], weights=weights).draw()
    assert (y[:, 0, 0, 1] == 0).all()
    assert (y[:, 1:, :, 1] == 2.5).all()


def test_small_images_are_reflected_and_what_is_added_has_no_weight():
    image = numbered(5, 12)
    x, y = make_sampler([image], [np.ones((5, 12), np.uint8)]).draw()
    np.testing.assert_array_equal(x[0, 5:, :, 0], x[0, 4:1:-1, :, 0])
    assert (y[:, :5, :, 1] == 1).all()
    assert (y[:, 5:, :, 1] == 0).all()


def test_mixing_comes_after_all_other_steps():
    image = numbered(20, 20)
    mask = (image % 3 == 0).astype(np.uint8)
    mask[:4] = IGNORED
    recipe = "d4+elastic+noise"
    # A mixed batch is that of the same recipe without mixing, mixed.
    x, y = make_sampler([image], [mask], augmentation=recipe).draw()
    sampler = make_sampler([image], [mask], augmentation=f"{recipe}+mixup+cutmix")
    mixed, target = sampler.draw()
    other = make_sampler([image], [mask], augmentation=recipe)
    other.draw()
    wanted, wanted_target = mix_batch(x, y, ["mixup", "cutmix"], 1.0, other.rng)
    np.testing.assert_array_equal(mixed, wanted)
    np.testing.assert_array_equal(target, wanted_target)
    assert not np.array_equal(mixed, x)


def test_labels_are_smoothed_and_weights_are_not():
    image = numbered(16, 16)
    mask = (image % 3 == 0).astype(np.uint8)
    mask[:2] = IGNORED
    x, y = make_sampler([image], [mask]).draw()
    same, smooth = make_sampler([image], [mask], label_smoothing=0.1).draw()
    np.testing.assert_array_equal(same, x)
    np.testing.assert_allclose(smooth[..., 0], 0.9 * y[..., 0] + 0.05, rtol=1e-6)
    np.testing.assert_array_equal(smooth[..., 1], y[..., 1])
    assert smooth.dtype == np.float32


def test_same_generator_same_batches():
    draws = []
    for _ in range(2):
        sampler = make_sampler(
            [numbered(32, 32)],
            [np.ones((32, 32), np.uint8)],
            augmentation="d4+elastic+intensity+blur+noise",
        )
        draws.append([array for _ in range(3) for array in sampler.draw()])
    for a, b in zip(*draws, strict=True):
        np.testing.assert_array_equal(a, b)

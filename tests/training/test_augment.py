"""Augmentation: what moves the image moves the target; what changes grey values does not."""

import re

import numpy as np
import pytest
from scipy import ndimage

from membseg.exceptions import InvalidInputError
from membseg.training import augment_patch, parse_augmentation


def make_patch(seed=0, size=24):
    """An image that is its own mask, so that any misplacement shows."""
    rng = np.random.default_rng(seed)
    membrane = (rng.random((size, size)) < 0.3).astype(np.float32)
    weight = (rng.random((size, size)) < 0.8).astype(np.float32)
    return membrane[..., None], np.stack([membrane, weight], axis=-1)


def views(recipe, n=40, strength=1.0):
    image, target = make_patch()
    rng = np.random.default_rng(1)
    steps = parse_augmentation(recipe)
    return [augment_patch(image, target, steps, strength, rng) for _ in range(n)]


@pytest.mark.parametrize(("recipe", "n_views"), [("none", 1), ("flips", 4), ("d4", 8)])
def test_symmetries_move_image_and_target_alike(recipe, n_views):
    results = views(recipe, n=200)
    for image, target in results:
        np.testing.assert_array_equal(image[..., 0], target[..., 0])
    assert len({image.tobytes() for image, _ in results}) == n_views


@pytest.mark.parametrize("recipe", ["intensity", "sharpness", "blur", "noise"])
def test_grey_values_change_and_targets_do_not(recipe):
    _, original = make_patch()
    results = views(recipe)
    assert len({image.tobytes() for image, _ in results}) > 5
    for image, target in results:
        assert image.dtype == np.float32
        np.testing.assert_array_equal(target, original)


@pytest.mark.parametrize("recipe", ["elastic", "scale"])
def test_warps_move_target_with_the_image_and_keep_its_values(recipe):
    results = [r for r in views(recipe) if not np.array_equal(r[1], make_patch()[1])]
    assert results
    for image, target in results:
        assert set(np.unique(target)) <= {0.0, 1.0}
        # The image is interpolated and the target is not: they agree after rounding but for
        # the pixels that lie halfway.
        assert np.mean((image[..., 0] > 0.5) == (target[..., 0] > 0.5)) > 0.85


@pytest.mark.parametrize("recipe", ["intensity", "sharpness", "blur", "noise", "elastic", "scale"])
def test_no_strength_no_change(recipe):
    image, target = make_patch()
    for new_image, new_target in views(recipe, strength=0.0):
        np.testing.assert_allclose(new_image, image, atol=1e-6)
        np.testing.assert_array_equal(new_target, target)


def test_sharpness_runs_from_a_mild_blur_to_three_times_the_detail():
    rng = np.random.default_rng(3)
    image = rng.normal(size=(40, 40, 1)).astype(np.float32)
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    smooth = ndimage.convolve(image[..., 0], kernel, mode="nearest")[..., None]
    detail = image - smooth
    amounts = []
    for _ in range(200):
        new, _ = augment_patch(image, np.zeros((40, 40, 2)), ["sharpness"], 1.0, rng)
        amount = float(np.sum((new - smooth) * detail) / np.sum(detail**2))
        np.testing.assert_allclose(new, smooth + amount * detail, atol=1e-4)
        amounts.append(amount)
    assert -0.01 <= min(amounts) < 0.1
    assert 2.9 < max(amounts) <= 3.01


def test_order_of_the_recipe_does_not_matter():
    assert parse_augmentation("noise+d4") == parse_augmentation("d4+noise") == ["d4", "noise"]


def test_steps_that_mix_pairs_come_last_and_leave_single_patches_alone():
    steps = parse_augmentation("cutmix+noise+mixup+d4")
    assert steps == ["d4", "noise", "mixup", "cutmix"]
    image, target = make_patch()
    rng, untouched = np.random.default_rng(1), np.random.default_rng(1)
    new_image, new_target = augment_patch(image, target, steps[2:], 1.0, rng)
    np.testing.assert_array_equal(new_image, image)
    np.testing.assert_array_equal(new_target, target)
    assert rng.random() == untouched.random()


def test_unknown_step_is_named():
    message = (
        "augmentation must be 'none' or steps joined by '+' out of flips, d4, scale, "
        "elastic, intensity, sharpness, blur, noise, mixup, cutmix; got 'd4+shear' with the "
        "unknown step 'shear'."
    )
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        parse_augmentation("d4+shear")

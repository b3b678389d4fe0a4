"""Patches come as often from slices of a rare sharpness as from those of a common one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from membseg.training import PatchSampler, TrainingData, plan_validation
from membseg.training._kinds import kind_weights
from membseg.utils import fit_intensity


def slices_of(n_soft, n_sharp, side=64):
    """Noise that was blurred more, and then noise that was blurred less; channels last."""
    noise = np.random.default_rng(0).normal(size=(n_soft + n_sharp, side, side))
    sigmas = [2.0] * n_soft + [1.0] * n_sharp
    blurred = [gaussian_filter(x, sigma) for x, sigma in zip(noise, sigmas, strict=True)]
    return [image[..., np.newaxis].astype(np.float32) for image in blurred]


def weights_of(images):
    return kind_weights(images, np.array([image.size for image in images]))


def test_two_kinds_are_equally_likely():
    weights = weights_of(slices_of(6, 2))
    assert weights[6:].sum() == pytest.approx(weights[:6].sum(), rel=0.15)
    assert weights.min() == 1


def test_one_kind_is_drawn_evenly():
    assert weights_of(slices_of(0, 6)) == pytest.approx(1, abs=0.15)
    assert weights_of(slices_of(1, 0)).tolist() == [1.0]


def test_a_single_odd_slice_does_not_take_half():
    weights = weights_of(slices_of(30, 1))
    assert weights[30] == 8
    assert weights[30] / weights.sum() < 0.25


def test_labelled_pixels_make_the_kind():
    images = slices_of(2, 2)
    weights = kind_weights(images, np.array([300, 300, 100, 100]))
    np.testing.assert_allclose(weights, [1, 1, 3, 3], rtol=0.15)


@given(gain=st.floats(0.01, 100), offset=st.floats(-1e4, 1e4))
def test_brightness_and_contrast_change_nothing(gain, offset):
    images = slices_of(2, 1, side=32)
    changed = [image.astype(np.float64) * gain + offset for image in images]
    np.testing.assert_allclose(weights_of(changed), weights_of(images), rtol=1e-2)


def test_constant_images_and_several_channels():
    images = [np.zeros((20, 30, 3)), np.random.default_rng(0).random((20, 30, 3))]
    assert np.isfinite(weights_of(images)).all()


def test_the_sampler_follows():
    images = slices_of(6, 2)
    masks = [np.arange(64 * 64).reshape(64, 64).astype(np.uint8) % 2 for _ in images]
    data = TrainingData(images, masks, None, fit_intensity(images, "image"))
    plan = plan_validation([(64, 64)] * 8, 0.0, np.random.default_rng(0), None, [True] * 8)
    sampler = PatchSampler(
        data, plan, patch_size=32, batch_size=1, augmentation="none",
        augmentation_strength=1.0, rng=np.random.default_rng(0),
    )  # fmt: skip
    assert sampler.chances[6:].sum() == pytest.approx(0.5, abs=0.05)
    assert sampler.chances.sum() == pytest.approx(1)

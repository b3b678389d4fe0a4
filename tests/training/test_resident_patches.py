"""Patches drawn inside a compiled step: what the host's sampler promises, they keep."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats

from membseg import UNetSegmenter
from membseg.training import Block, PatchSampler, TrainingData, ValidationPlan, parse_augmentation
from membseg.training._resident_data import count_bytes, count_pixels, gather_data, memory_limit
from membseg.training._resident_patches import DEVICE_STEPS, _blurred, draw_batch
from membseg.utils import IGNORED, fit_intensity
from membseg.utils._lazy import LazyImage

jax = pytest.importorskip("jax")

NOTHING = ValidationPlan([], [])

#: Once for all tests, so that what has been compiled is found again.
COMPILED = jax.jit(
    draw_batch,
    static_argnames=("batch_size", "patch_size", "steps", "strength", "label_smoothing"),
)


def make_sampler(images, masks, *, weights=None, plan=NOTHING, norm="none", **options):
    images = [np.asarray(image)[..., np.newaxis] for image in images]
    data = TrainingData(images, masks, weights, fit_intensity(images, norm))
    options = {
        "augmentation": "none",
        "augmentation_strength": 1.0,
        "batch_size": 4,
        "patch_size": 8,
    } | options
    return PatchSampler(data, plan, rng=np.random.default_rng(0), **options)


def draw(sampler, seed=0):
    """One batch, as the compiled step draws it."""
    x, y = COMPILED(
        jax.device_put(gather_data(sampler)),
        jax.random.key(seed, impl="rbg"),
        batch_size=sampler.batch_size,
        patch_size=sampler.patch_size,
        steps=tuple(sampler.steps),
        strength=sampler.strength,
        label_smoothing=sampler.label_smoothing,
    )
    assert x.dtype == y.dtype == np.float32
    return np.asarray(x), np.asarray(y)


def numbered(height, width, dtype=np.float32):
    """Every pixel holds its own number."""
    return np.arange(height * width).reshape(height, width).astype(dtype)


def views_of(patch):
    """The eight views of a square."""
    turned = [np.rot90(patch, k) for k in range(4)]
    return turned + [view.T for view in turned]


def test_patches_are_cuts_of_the_image_and_its_mask():
    image = numbered(20, 30)
    x, y = draw(make_sampler([image], [(image % 3 == 0).astype(np.uint8)], batch_size=20))
    assert x.shape == (20, 8, 8, 1)
    assert y.shape == (20, 8, 8, 2)
    for patch, target in zip(x[..., 0], y, strict=True):
        row, column = divmod(int(patch[0, 0]), 30)
        np.testing.assert_array_equal(patch, image[row : row + 8, column : column + 8])
        np.testing.assert_array_equal(target[..., 0], patch % 3 == 0)
        assert (target[..., 1] == 1).all()


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31 - 1),
    # Few shapes, since each is compiled.
    size=st.sampled_from([(5, 12), (13, 9)]),
    recipe=st.sampled_from(["flips", "d4"]),
)
def test_views_keep_image_and_mask_together(seed, size, recipe):
    rng = np.random.default_rng(seed)
    height, width = size
    mask = (rng.random((height, width)) < 0.4).astype(np.uint8)
    mask[0, 0] = IGNORED
    x, y = draw(make_sampler([mask], [mask], augmentation=recipe), seed)
    weighted = y[..., 1] == 1
    np.testing.assert_array_equal(x[..., 0][weighted], y[..., 0][weighted])
    assert not (x[..., 0][weighted] == IGNORED).any()


@pytest.mark.parametrize(
    ("recipe", "n_views"), [("none", 1), ("flips", 4), ("d4", 8), ("flips+d4", 8)]
)
def test_views_are_the_symmetries_of_the_square(recipe, n_views):
    image = numbered(8, 8)
    sampler = make_sampler(
        [image], [np.ones((8, 8), np.uint8)], augmentation=recipe, batch_size=400
    )
    found, counts = np.unique(draw(sampler)[0][..., 0], axis=0, return_counts=True)
    assert len(found) == n_views
    everything = {view.tobytes() for view in views_of(image)}
    assert {np.ascontiguousarray(view).tobytes() for view in found} <= everything
    # Each equally often: five standard deviations.
    share = 1 / n_views
    assert np.abs(counts / 400 - share).max() <= 5 * (share * (1 - share) / 400) ** 0.5


def test_warps_read_image_and_mask_at_the_same_places():
    rows, columns = np.mgrid[:32, :32].astype(np.float32)
    for axis in (rows, columns):
        # A ramp tells where it was read, and is exact under linear interpolation.
        mask = (axis >= 13).astype(np.uint8)
        sampler = make_sampler([axis], [mask], patch_size=32, batch_size=40)
        sampler.steps = ["d4", "scale", "elastic"]
        x, y = draw(sampler)
        place = x[..., 0]
        clear = np.abs(place - 12.5) > 1e-3
        np.testing.assert_array_equal((place > 12.5)[clear], y[..., 0][clear] == 1)
        assert np.any(place != np.rint(place))


def test_held_out_pixels_have_no_weight_and_all_others_are_reached():
    image = numbered(16, 16)
    plan = ValidationPlan([], [Block(0, slice(4, 12), slice(0, 9))])
    sampler = make_sampler([image], [np.zeros((16, 16), np.uint8)], plan=plan, batch_size=400)
    held = set(image[4:12, 0:9].ravel())
    x, y = draw(sampler)
    assert set(x[..., 0][y[..., 1] == 0]) == held
    assert set(x[..., 0][y[..., 1] == 1]) == set(image.ravel()) - held


def test_no_warp_gives_weight_to_a_held_out_pixel():
    # Labels of the held-out part are membrane, all others cell: membrane must never count.
    mask = np.zeros((24, 24), np.uint8)
    mask[6:18, 6:18] = 1
    plan = ValidationPlan([], [Block(0, slice(6, 18), slice(6, 18))])
    recipe = "+".join(DEVICE_STEPS)
    sampler = make_sampler(
        [mask], [mask], plan=plan, augmentation=recipe, patch_size=16, batch_size=60
    )
    _, y = draw(sampler)
    assert (y[..., 1] > 0).any()
    assert y[..., 0][y[..., 1] > 0].max() == 0


def test_every_sparse_patch_holds_a_label_and_every_label_is_reached():
    mask = np.full((64, 40), IGNORED, np.uint8)
    mask[50, 13] = 1
    mask[0, 39] = 0
    dense = np.zeros((8, 8), np.uint8)
    x, y = draw(make_sampler([numbered(64, 40), -numbered(8, 8)], [mask, dense], batch_size=600))
    assert (y[..., 1].sum(axis=(1, 2)) >= 1).all()
    assert {50 * 40 + 13, 39} <= set(x[..., 0][y[..., 1] > 0])


def test_images_without_labels_are_left_out():
    empty = np.full((8, 8), IGNORED, np.uint8)
    sampler = make_sampler(
        [numbered(8, 8), -numbered(8, 8)], [empty, np.ones((8, 8), np.uint8)], batch_size=20
    )
    assert draw(sampler)[0].max() <= 0
    assert count_pixels(sampler) == 64


def test_images_of_different_sizes_are_drawn_in_proportion_to_their_labels():
    images = [np.zeros((8, 8)), np.ones((24, 9))]
    sampler = make_sampler(images, [np.zeros(i.shape, np.uint8) for i in images], batch_size=400)
    share = 24 * 9 / (24 * 9 + 64)
    assert draw(sampler)[0].mean() == pytest.approx(share, abs=0.1)


@pytest.mark.parametrize("per_pixel", [False, True])
def test_sample_weights_scale_the_weight(per_pixel):
    mask = np.zeros((8, 8), np.uint8)
    mask[0, 0] = IGNORED
    other = np.full((8, 8), 0.5) if per_pixel else 0.5
    weights = [np.full((8, 8), 2.5) if per_pixel else 2.5, other]
    sampler = make_sampler([numbered(8, 8), -numbered(8, 8)], [mask, mask], weights=weights)
    sampler.batch_size = 20
    x, y = draw(sampler)
    first = x.sum(axis=(1, 2, 3)) > 0
    assert 0 < first.sum() < 20
    assert (y[:, 0, 0, 1] == 0).all()
    assert (y[first][:, 1:, :, 1] == 2.5).all()
    assert (y[~first][:, 1:, :, 1] == 0.5).all()


def test_small_images_are_reflected_and_what_is_added_has_no_weight():
    image = numbered(5, 12)
    x, y = draw(make_sampler([image], [np.ones((5, 12), np.uint8)]))
    np.testing.assert_array_equal(x[0, 5:, :, 0], x[0, 4:1:-1, :, 0])
    assert (y[:, :5, :, 1] == 1).all()
    assert (y[:, 5:, :, 1] == 0).all()


@pytest.mark.parametrize(
    ("dtype", "norm"),
    [("uint8", "image"), ("int8", "none"), (">u2", "stack"), ("float16", "image")]
    + [("int32", "image"), ("float64", "stack")],
)
def test_pixels_are_normalised_as_on_the_host(dtype, norm):
    images = [numbered(8, 8).astype(dtype), (numbered(9, 8) + 40).astype(dtype)]
    if dtype == "float64":
        # What float32 cannot hold.
        images = [image + 1e9 for image in images]
    sampler = make_sampler(
        images, [np.ones(i.shape, np.uint8) for i in images], norm=norm, batch_size=12
    )
    wanted = {
        intensity.apply(image[start : start + 8]).round(4).tobytes()
        for image, intensity in zip(sampler.data.images, sampler.data.intensities, strict=True)
        for start in range(len(image) - 7)
    }
    assert {patch.round(4).tobytes() for patch in draw(sampler)[0]} == wanted


def test_integers_of_16_bits_are_stored_as_they_are():
    for dtype, stored in (("uint8", 1), (">i2", 2), ("int32", 4), ("float64", 4)):
        sampler = make_sampler([numbered(8, 8).astype(dtype)], [np.ones((8, 8), np.uint8)])
        assert gather_data(sampler).pixels.itemsize == stored
        assert count_bytes(sampler) == 64 * (stored + 1)


def test_bytes_are_counted_before_they_are_used():
    sparse = np.full((8, 8), IGNORED, np.uint8)
    sparse[3, :] = 1
    weights = [np.ones((8, 8)), np.ones((9, 9))]
    images = [numbered(8, 8, np.uint8), numbered(9, 9, np.uint8)]
    sampler = make_sampler(images, [sparse, np.zeros((9, 9), np.uint8)], weights=weights)
    data = gather_data(sampler)
    large = (data.pixels, data.codes, data.pixel_weights, data.anchors[1:])
    assert count_bytes(sampler) == sum(array.nbytes for array in large)


def test_lazily_read_images_are_read_once_each():
    stack = np.stack([numbered(8, 8, np.uint8), numbered(8, 8, np.uint8) + 100])
    lazy = [LazyImage(stack, number) for number in range(2)]
    data = TrainingData(lazy, [np.ones((8, 8), np.uint8)] * 2, None, fit_intensity(lazy, "none"))
    sampler = PatchSampler(
        data, NOTHING, patch_size=8, batch_size=4, augmentation="none",
        augmentation_strength=1.0, rng=np.random.default_rng(0),
    )  # fmt: skip
    np.testing.assert_array_equal(gather_data(sampler).pixels[:, 0], stack.ravel())


@pytest.mark.parametrize(
    ("told", "limit"), [({"bytes_limit": 1000}, 250), ({}, 2 * 1024**3), (None, 2 * 1024**3)]
)
def test_data_may_take_a_quarter_of_the_memory(told, limit, monkeypatch):
    device = SimpleNamespace(memory_stats=lambda: told)
    monkeypatch.setattr(jax, "local_devices", lambda: [device])
    assert memory_limit() == limit


def summaries(recipe, values, n=500):
    """Per-patch numbers of the host's views and of the device's, for one image."""
    sampler = make_sampler(
        [values], [np.ones(values.shape, np.uint8)],
        augmentation=recipe, patch_size=len(values), batch_size=n, augmentation_strength=0.8,
    )  # fmt: skip
    return sampler.draw()[0][..., 0], draw(sampler)[0][..., 0]


def roughness(patches):
    return np.square(np.diff(patches, axis=1)).mean(axis=(1, 2))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "values", "number"),
    [
        ("intensity", np.zeros((8, 8)), lambda p: p.mean(axis=(1, 2))),
        ("intensity", numbered(8, 8), lambda p: p[:, 7, 7] - p[:, 0, 0]),
        ("noise", np.zeros((16, 16)), lambda p: p.std(axis=(1, 2))),
        ("blur", np.eye(16) * 9, roughness),
        ("sharpness", np.eye(16) * 9, lambda p: p[:, 7, 7]),
        ("sharpness", np.eye(16) * 9, lambda p: p[:, 0, 0] - p[:, 0, 1]),
        ("scale", np.mgrid[:32, :32][0], lambda p: p[:, 18, 16] - p[:, 14, 16]),
        ("elastic", np.mgrid[:32, :32][0], lambda p: p[:, 16, 16]),
        ("elastic", np.mgrid[:32, :32][1], roughness),
    ],
)
def test_amounts_are_those_of_the_host(recipe, values, number):
    host, device = (number(patches) for patches in summaries(recipe, np.float32(values)))
    assert np.ptp(device) > 0
    # The same distribution, where Kolmogorov and Smirnov cannot tell them apart.
    assert stats.ks_2samp(np.round(host, 4), np.round(device, 4)).pvalue > 1e-3
    assert device.std() == pytest.approx(host.std(), rel=0.2)


@pytest.mark.parametrize("sigma", [0.0, 0.1, 0.4, 1.0, 1.2])
def test_blur_is_a_gaussian(sigma):
    image = np.random.default_rng(0).normal(size=(20, 12, 2)).astype(np.float32)
    wanted = ndimage.gaussian_filter(image, (sigma, sigma, 0))
    np.testing.assert_allclose(_blurred(image, sigma, 1.2), wanted, atol=1e-5)


def test_noise_differs_from_pixel_to_pixel_and_patch_to_patch():
    _, device = summaries("noise", np.zeros((16, 16)), n=30)
    noisy = device[device.std(axis=(1, 2)) > 0.01]
    assert len(np.unique(noisy)) == noisy.size


def two_kinds(recipe, n=2000):
    """Host and device: how much each patch has of what the other kind of patch is made of."""
    images = [np.zeros((12, 12)), np.ones((12, 12))]
    masks = [np.zeros((12, 12), np.uint8), np.ones((12, 12), np.uint8)]
    sampler = make_sampler(
        images, masks, augmentation=recipe, batch_size=n, patch_size=12, augmentation_strength=0.8
    )
    shares = []
    for x, y in (sampler.draw(), draw(sampler)):
        # Image, target and weight are mixed alike.
        np.testing.assert_allclose(y[..., 0], x[..., 0], atol=1e-5)
        np.testing.assert_allclose(y[..., 1], 1, rtol=1e-5)
        shares.append(x[..., 0].mean(axis=(1, 2)))
    return shares


@pytest.mark.parametrize("recipe", ["mixup", "cutmix", "mixup+cutmix"])
def test_patches_are_mixed_as_on_the_host(recipe):
    # One of each pair: the other's share is the rest.
    host, device = (np.round(shares[::2], 3) for shares in two_kinds(recipe))
    assert stats.ks_2samp(host, device).pvalue > 1e-3
    for shares in (host, device):
        assert 0.1 < np.mean((shares > 0) & (shares < 1)) < 0.7


def test_mixing_leaves_the_rest_of_the_stream_alone():
    images, masks = [numbered(24, 24)], [np.ones((24, 24), np.uint8)]
    recipe = "d4+intensity+noise"
    x, _ = draw(make_sampler(images, masks, augmentation=recipe, batch_size=40))
    mixed, _ = draw(make_sampler(images, masks, augmentation=f"{recipe}+cutmix", batch_size=40))
    pairs = x.reshape(20, 2, 8, 8, 1)
    partner = pairs[:, ::-1].reshape(x.shape)
    assert (np.isclose(mixed, x) | np.isclose(mixed, partner)).all()
    assert 0.1 < np.isclose(mixed, x).all(axis=(1, 2, 3)).mean() < 0.9


def test_labels_are_smoothed_as_on_the_host():
    mask = (numbered(16, 16) % 3 == 0).astype(np.uint8)
    mask[:2] = IGNORED
    sampler = make_sampler([numbered(16, 16)], [mask])
    x, y = draw(sampler)
    sampler.label_smoothing = 0.2
    same, smooth = draw(sampler)
    np.testing.assert_array_equal(same, x)
    np.testing.assert_allclose(smooth, y * [0.8, 1] + [0.1, 0], rtol=1e-6)


def test_channels_share_their_geometry():
    image = numbered(10, 10)
    images = [np.stack([image, image + 0.25], axis=-1)]
    masks = [np.ones((10, 10), np.uint8)]
    data = TrainingData(images, masks, None, fit_intensity(images, "none"))
    sampler = PatchSampler(
        data, NOTHING, patch_size=8, batch_size=6, augmentation="d4",
        augmentation_strength=1.0, rng=np.random.default_rng(0),
    )  # fmt: skip
    x, _ = draw(sampler)
    np.testing.assert_array_equal(x[..., 1] - x[..., 0], 0.25)


def test_the_default_recipe_can_be_drawn_on_the_device():
    assert set(parse_augmentation(UNetSegmenter().augmentation)) <= set(DEVICE_STEPS)


def test_same_key_same_batch():
    mask = np.ones((24, 24), np.uint8)
    sampler = make_sampler(
        [numbered(24, 24, np.uint8)], [mask],
        augmentation="+".join(DEVICE_STEPS), patch_size=16, batch_size=60,
    )  # fmt: skip
    for a, b in zip(draw(sampler, 1), draw(sampler, 1), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(draw(sampler, 1)[0], draw(sampler, 2)[0])

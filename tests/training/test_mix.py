"""Mixed patches: the papers' equations, pair by pair, and labels that are never invented."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg.training._mix import (
    blend_pairs,
    count_pairs,
    cutmix_chance,
    draw_boxes,
    exchange_pairs,
    mix_batch,
)

SEEDS = st.integers(0, 2**20)
SIZES = st.integers(1, 7)
RECIPES = st.sampled_from([["mixup"], ["cutmix"], ["mixup", "cutmix"]])


def make_batch(rng, n, size=6, weights=None):
    """Patches, and targets and weights of which many are zero."""
    x = rng.normal(size=(n, size, size, 2))
    weight = rng.uniform(0, 2, (n, size, size)) * rng.integers(0, 2, (n, size, size))
    if weights is not None:
        weight = np.broadcast_to(weights, (n, size, size))
    y = np.stack([rng.integers(0, 2, (n, size, size)), weight], axis=-1)
    return x.astype(np.float32), y.astype(np.float32)


def partner_of(i, n):
    partner = i + 1 if i % 2 == 0 else i - 1
    return i if partner == n else partner


@settings(deadline=None)
@given(seed=SEEDS, n=SIZES)
def test_mixup_is_its_equation(seed, n):
    rng = np.random.default_rng(seed)
    x, y = make_batch(rng, n)
    shares = rng.random(count_pairs(n)).astype(np.float32)
    mixed, target = blend_pairs(x, y, shares)
    assert mixed.dtype == target.dtype == np.float32
    for i in range(n):
        j, share = partner_of(i, n), shares[i // 2]
        np.testing.assert_allclose(mixed[i], share * x[i] + (1 - share) * x[j], atol=1e-6)
        own, other = share * y[i, ..., 1], (1 - share) * y[j, ..., 1]
        np.testing.assert_allclose(target[i, ..., 1], own + other, rtol=1e-5)
        known = own + other > 0
        mean = (own * y[i, ..., 0] + other * y[j, ..., 0])[known] / (own + other)[known]
        np.testing.assert_allclose(target[i, ..., 0][known], mean, rtol=1e-5)
        assert (target[i, ..., 0][~known] == 0).all()


@settings(deadline=None)
@given(seed=SEEDS, n=SIZES, chance=st.floats(0, 1))
def test_cutmix_takes_every_pixel_from_one_of_the_two(seed, n, chance):
    rng = np.random.default_rng(seed)
    x, y = make_batch(rng, n)
    inside = draw_boxes(rng.random((count_pairs(n), 4)), n, 6, chance)
    assert inside.dtype == np.float32
    for values in (x, y):
        mixed = exchange_pairs(values, inside)
        for i in range(n):
            box = inside[i] == 1
            np.testing.assert_array_equal(mixed[i][box], values[partner_of(i, n)][box])
            np.testing.assert_array_equal(mixed[i][~box], values[i][~box])


def test_boxes_are_those_that_the_numbers_say():
    # There or not, the share outside, the middle.
    draws = np.array([[0.3, 0.75, 0.5, 0.25], [0.7, 0.0, 0.5, 0.5], [0.1, 0.0, 0.0, 0.5]])
    first, _, none, _, all_rows = draw_boxes(draws, 5, 8, 0.5)
    # A quarter of the area: half of each side, 4 px around rows 4 and columns 2.
    wanted = np.zeros((8, 8))
    wanted[2:6, 0:4] = 1
    np.testing.assert_array_equal(first, wanted)
    assert not none.any()
    # As large as the patch, its middle at the upper edge: cut off there.
    wanted = np.zeros((8, 8))
    wanted[:4] = 1
    np.testing.assert_array_equal(all_rows, wanted)


@settings(deadline=None)
@given(seed=SEEDS, n=SIZES, recipe=RECIPES, weight=st.floats(0.1, 3))
def test_where_all_weigh_the_same_total_weight_and_mean_target_stay(seed, n, recipe, weight):
    rng = np.random.default_rng(seed)
    x, y = make_batch(rng, n, weights=weight)
    mixed, target = mix_batch(x, y, recipe, 1.0, rng)
    np.testing.assert_allclose(target[..., 1], y[..., 1], rtol=1e-5)
    assert target[..., 0].mean() == pytest.approx(y[..., 0].mean(), abs=1e-5)
    np.testing.assert_allclose(mixed.mean((0, 1, 2)), x.mean((0, 1, 2)), atol=1e-5)


@settings(deadline=None)
@given(seed=SEEDS, n=SIZES, recipe=RECIPES)
def test_mixing_moves_weights_but_makes_none(seed, n, recipe):
    rng = np.random.default_rng(seed)
    x, y = make_batch(rng, n)
    _, target = mix_batch(x, y, recipe, 1.0, rng)
    assert target[..., 1].sum() == pytest.approx(y[..., 1].sum(), rel=1e-4)
    assert 0 <= target[..., 0].min() <= target[..., 0].max() <= 1
    # What has a weight came from a pixel with one, and so did its target.
    for i in range(n):
        pair = y[[i, partner_of(i, n)]]
        most = np.where(pair[..., 1] > 0, pair[..., 0], 0).max(axis=0)
        least = np.where(pair[..., 1] > 0, pair[..., 0], 1).min(axis=0)
        weighted = target[i, ..., 1] > 0
        assert (target[i, ..., 0] <= most + 1e-6)[weighted].all()
        assert (target[i, ..., 0] >= least - 1e-6)[weighted].all()


@settings(deadline=None)
@given(seed=SEEDS, recipe=RECIPES)
def test_a_partner_without_labels_changes_no_target(seed, recipe):
    rng = np.random.default_rng(seed)
    x, y = make_batch(rng, 2)
    y[0, ..., 1], y[1, ..., 1] = 1, 0
    y[1, ..., 0] = rng.random((6, 6))
    _, target = mix_batch(x, y, recipe, 1.0, rng)
    for mixed in target:
        weighted = mixed[..., 1] > 0
        np.testing.assert_allclose(mixed[..., 0][weighted], y[0, ..., 0][weighted], rtol=1e-6)


def test_nothing_is_drawn_where_nothing_is_mixed():
    x, y = make_batch(np.random.default_rng(0), 4)
    rng, untouched = np.random.default_rng(1), np.random.default_rng(1)
    same_x, same_y = mix_batch(x, y, ["d4", "intensity"], 1.0, rng)
    assert same_x is x
    assert same_y is y
    assert rng.random() == untouched.random()


def test_no_strength_no_change():
    x, y = make_batch(np.random.default_rng(0), 5)
    same_x, same_y = mix_batch(x, y, ["mixup", "cutmix"], 0.0, np.random.default_rng(1))
    np.testing.assert_array_equal(same_x, x)
    np.testing.assert_array_equal(same_y, y)


@pytest.mark.parametrize(("strength", "chance"), [(0.0, 0.0), (1.0, 0.5), (1.5, 0.75), (9.0, 1.0)])
def test_strength_is_the_chance_of_cutmix(strength, chance):
    assert cutmix_chance(strength) == chance
    x = np.zeros((2000, 6, 6, 1), np.float32)
    x[::2] = 1
    y = np.zeros((2000, 6, 6, 2), np.float32)
    mixed, _ = mix_batch(x, y, ["cutmix"], strength, np.random.default_rng(0))
    changed = (mixed != x).any(axis=(1, 2, 3)).mean()
    # A rectangle of less than a pixel may hold the middle of none.
    assert chance - 0.1 <= changed <= chance + 0.05


@pytest.mark.parametrize("strength", [0.5, 1.0, 4.0])
def test_strength_multiplies_alpha(strength):
    x = np.zeros((8000, 1, 1, 1), np.float32)
    x[::2] = 1
    y = np.ones((8000, 1, 1, 2), np.float32)
    mixed, _ = mix_batch(x, y, ["mixup"], strength, np.random.default_rng(0))
    # The variance of a beta distribution with both parameters alpha.
    alpha = 0.2 * strength
    assert mixed[::2].var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.05)

"""Planted leaks are found, and honest slices are left alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import KFold

from membseg import leak_check, make_membranes
from membseg.exceptions import InvalidInputError
from membseg.inspection import LeakReport, LeakTest
from membseg.inspection._leak_skill import (
    _is_series,
    baseline_predictor,
    chance_targets,
    fold_predictor,
    skill,
)
from membseg.inspection._leak_views import _block_means, mask_statistics, see_views

INVERTED = np.random.default_rng(1).random(16) < 0.5


@pytest.fixture(scope="module")
def slices():
    return make_membranes(16, 64, 64, random_state=0)


@pytest.fixture(scope="module")
def mixed(slices):
    """Masks of which some are inverted, as nothing in the images tells."""
    return np.where(INVERTED[:, np.newaxis, np.newaxis], 1 - slices[1], slices[1])


@pytest.mark.parametrize(
    ("corner", "name"),
    [
        ((slice(0, 6), slice(0, 6)), "top left corner"),
        ((slice(0, 6), slice(-6, None)), "top right corner"),
        ((slice(-6, None), slice(0, 6)), "bottom left corner"),
        ((slice(-6, None), slice(-6, None)), "bottom right corner"),
    ],
)
def test_a_mark_in_a_corner_that_tells_the_polarity(slices, mixed, corner, name):
    X = slices[0].copy()
    X[(INVERTED, *corner)] = 255
    report = leak_check(X, mixed, random_state=0, n_permutations=99)
    assert not report.ok
    assert (name, "polarity") in {(leak.view, leak.statistic) for leak in report.leaks}
    assert report.leaks[0].view == name
    assert report.leaks[0].skill > 0.5
    assert report.leaks[0].p_value <= 0.05
    corners = {leak.view for leak in report.leaks if "corner" in leak.view}
    assert corners == {name}
    assert f"from the {name}: skill" in str(report)


def test_brightness_and_borders_that_tell_the_polarity(slices, mixed):
    X = slices[0].astype(float)
    X[INVERTED] += 60
    report = leak_check(X, mixed, random_state=0, n_permutations=99)
    assert "mean brightness" in {leak.view for leak in report.leaks}
    X = slices[0].copy()
    X[INVERTED, :, -2:] = 0
    report = leak_check(X, mixed, random_state=0, n_permutations=99)
    assert "border" in {leak.view for leak in report.leaks}


def test_no_wolf_is_cried(slices, mixed):
    marked = slices[0].copy()
    marked[np.random.default_rng(7).permutation(INVERTED), :6, :6] = 255
    for X, y in ((slices[0], slices[1]), (slices[0], mixed), (marked, mixed)):
        report = leak_check(X, y, random_state=0, n_permutations=99)
        assert report.ok, str(report)
    assert str(report) == f"No leak found in {len(report.tests)} tests."


def test_more_membrane_is_darker_and_no_leak(slices):
    """Of images that differ in how much membrane they show, brightness tells how much."""
    y = slices[1]
    dark = np.where(y == 1, 60.0, 160.0) + np.random.default_rng(0).normal(0, 5, y.shape)
    report = leak_check(dark, y, random_state=0, n_permutations=99)
    assert report.ok, str(report)


def test_copies_turned_mirrored_and_brighter(slices):
    X, y = (part.copy() for part in slices)
    X[3], y[3] = X[12][::-1], y[12][::-1]
    X[5], y[5] = np.rot90(X[9]), np.rot90(y[9])
    bright = X.astype(float)
    bright[1], y[1] = 0.5 * bright[14] + 80, y[14]
    report = leak_check(bright, y, random_state=0, n_permutations=99)
    assert set(report.copies) == {(1, 14), (3, 12), (5, 9)}
    assert "3 pair(s) of images are nearly the same" in str(report)
    assert not report.ok


def test_copies_and_neighbours_across_a_split():
    X, y = make_membranes(12, 64, 64, continuity=0.9, random_state=0)
    X[11], y[11] = X[0][:, ::-1], y[0][:, ::-1]
    halves = [(np.arange(6), np.arange(6, 12))]
    report = leak_check(X, y, cv=halves, random_state=0, n_permutations=99)
    assert report.copies == ((0, 11),)
    shuffled = KFold(3, shuffle=True, random_state=0)
    report = leak_check(X, y, cv=shuffled, random_state=0, n_permutations=99)
    assert report.neighbours
    assert "pair(s) of neighbouring slices that are alike" in str(report)
    same_side = [(np.r_[0:4, 11], np.arange(5, 10))]
    assert leak_check(X, y, cv=same_side, random_state=0, n_permutations=99).copies == ()


def test_lists_channels_and_ignored_pixels(slices):
    X, y = slices
    images = [np.stack([one, one], axis=-1)[: 64 - i % 3] for i, one in enumerate(X)]
    masks = [mask[: 64 - i % 3].astype(int) for i, mask in enumerate(y)]
    masks[2][:9] = -1
    assert leak_check(images, masks, random_state=0, n_permutations=99).ok


def test_tables_and_order():
    tests = (
        LeakTest("border", "polarity", 0.9, 0.1, 0.002, True),
        LeakTest("border", "thickness", 0.1, 0.0, 0.7, False),
    )
    report = LeakReport(tests, (), ())
    assert report.leaks == tests[:1]
    assert report.table()[1]["p_value"] == 0.7
    assert "  polarity from the border: skill 0.90" in str(report)
    many = LeakReport((), tuple((i, i + 1) for i in range(7)), ())
    assert "4 and 5 and 2 more" in str(many)


# ------------------------------------------------------------------ skill and chance


def folds_of(n):
    return list(KFold(4).split(np.zeros(n)))


@given(seed=st.integers(0, 2**16))
@settings(max_examples=20, deadline=None)
def test_the_predictor_is_kernel_ridge_regression(seed):
    rng = np.random.default_rng(seed)
    n, folds = 14, folds_of(14)
    features, targets = rng.standard_normal((n, 3)) * [1, 10, 0.1] + 5, rng.standard_normal(n)
    matrix = fold_predictor(np.column_stack([features, np.ones(n)]), folds)
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)

    def kernel(a, b):
        return 0.5 * a @ b / 3 + 0.5 * np.exp(-((a - b) ** 2).sum() / 6)

    for train, test in folds:
        mean = targets[train].mean()
        oracle = KernelRidge(alpha=0.3, kernel=kernel).fit(scaled[train], targets[train] - mean)
        np.testing.assert_allclose(matrix[test] @ targets, oracle.predict(scaled[test]), atol=1e-9)


def test_skill_by_hand():
    folds = folds_of(8)
    targets = np.arange(8.0)
    baseline = baseline_predictor(8, folds)
    for train, test in folds:
        np.testing.assert_allclose(baseline[test] @ targets, targets[train].mean())
    assert skill(np.eye(8) - baseline, baseline, targets) == pytest.approx(1)
    assert skill(np.zeros((8, 8)), baseline, targets) == 0
    both = skill(np.zeros((8, 8)), baseline, np.stack([targets, targets], axis=1))
    assert both.tolist() == [0, 0]
    # Images in no test part do not count.
    some = baseline_predictor(8, folds[:2])
    assert np.isnan(some[4:]).all()
    assert skill(np.zeros((8, 8)), some, targets) == 0


def test_chance_keeps_what_neighbours_share():
    rng = np.random.default_rng(0)
    walk = np.convolve(rng.standard_normal(70), np.ones(8), "valid")
    stacks = np.repeat([0, 1], [40, 23])
    series = chance_targets(walk, stacks, 50, rng)
    assert series.shape == (63, 50)

    def likeness(values):
        return np.corrcoef(values[:39], values[1:40])[0, 1]

    assert np.mean([likeness(column) for column in series.T]) > 0.5
    assert not np.allclose(series[:, 0], series[:, 1])
    white = rng.standard_normal(63)
    shuffled = chance_targets(white, stacks, 5, rng)
    assert sorted(shuffled[:, 0]) == sorted(white)
    assert _is_series(walk, stacks, rng)


def test_views_show_no_more_than_they_say(slices):
    X = [image[..., np.newaxis].astype(float) for image in slices[0]]
    masks = list(slices[1])
    before = {view.name: view.features for view in see_views(X, masks)}
    changed = [image.copy() for image in X]
    for image in changed:
        image[8:-8, 8:-8] = 0
    after = {view.name: view.features for view in see_views(changed, masks)}
    for name, features in before.items():
        assert np.array_equal(features, after[name]) == (name != "mean brightness")


def test_statistics_are_about_the_middle(slices):
    before = mask_statistics(list(slices[1]))
    assert {"membrane fraction", "thickness", "number of cells"} <= set(before)
    changed = slices[1].copy()
    changed[:, :8] = changed[:, -8:] = 1
    after = mask_statistics(list(changed))
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])
    assert mask_statistics([np.zeros((40, 40), np.uint8)] * 3) == {}


def test_block_means():
    patch = np.arange(12.0).reshape(3, 4)
    assert _block_means(patch, (1, 2)).tolist() == [4.5, 6.5]
    assert _block_means(patch, (3, 4)).tolist() == patch.ravel().tolist()


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": 0}, "level must be a probability, above 0 and below 1; got 0"),
        ({"n_permutations": 0}, "n_permutations must be an int of 1 or more"),
        ({"groups": [0, 1]}, "groups must have one entry an image"),
    ],
)
def test_bad_parameters(slices, options, message):
    with pytest.raises(InvalidInputError, match=message):
        leak_check(*slices, **options)


def test_too_few_and_too_small(slices):
    X, y = slices
    with pytest.raises(InvalidInputError, match=r"X must hold at least 8 images.*got 7"):
        leak_check(X[:7], y[:7])
    with pytest.raises(InvalidInputError, match=r"at least 32 px a side.*got 31 px"):
        leak_check(X[:, :31], y[:, :31])
    with pytest.raises(InvalidInputError, match="number of images"):
        leak_check(X, y[:9])

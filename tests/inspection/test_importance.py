"""Falls of scores while properties and channels are destroyed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg import RidgeSegmenter, channel_importance, make_membranes, property_importance
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.inspection import ImportanceResult
from membseg.inspection._channel_importance import _derange
from membseg.inspection._properties import PROPERTIES


@pytest.fixture(scope="module")
def slices():
    return make_membranes(4, 48, 40, random_state=0)


@pytest.fixture(scope="module")
def ridge(slices):
    return RidgeSegmenter(scale=2.0).fit(*slices)


def test_what_a_normalising_line_filter_needs(ridge, slices):
    found = property_importance(ridge, *slices, n_repeats=3, random_state=0)
    fall = dict(zip(found.names, found.mean, strict=True))
    assert found.baseline_score == pytest.approx(ridge.score(*slices))
    assert found.names == tuple(PROPERTIES)
    assert found.repeats.shape == (7, 3)
    # It normalises images and is the same in all directions.
    assert abs(fall["brightness"]) < 1e-3
    assert abs(fall["contrast"]) < 1e-3
    assert abs(fall["orientation"]) < 0.01
    # It is made for one width of lines, and knows nothing of noise.
    assert fall["noise"] > 0.02
    assert fall["scale"] > 0.01


def test_repeats_are_told_and_repeatable(ridge, slices):
    runs = [
        property_importance(
            ridge, *slices, properties=["noise"], scoring="dice", n_repeats=2, random_state=0
        )
        for _ in range(2)
    ]
    np.testing.assert_array_equal(runs[0].repeats, runs[1].repeats)
    assert runs[0].n_repeats == 2
    assert runs[0].std[0] == pytest.approx(np.std(runs[0].repeats[0]))
    assert runs[0].scoring == "dice"
    # A property's draws do not depend on which others are asked for.
    both = property_importance(
        ridge, *slices, properties=["noise", "blur"], scoring="dice", n_repeats=2, random_state=0
    )
    np.testing.assert_array_equal(both.repeats[0], runs[0].repeats[0])


def test_a_stronger_spoiling_costs_more(ridge, slices):
    falls = [
        property_importance(
            ridge, *slices, properties=["noise"], strength=s, n_repeats=2, random_state=0
        ).mean[0]
        for s in (0.2, 1.0, 3.0)
    ]
    assert falls[0] < falls[1] < falls[2]


def test_lists_and_scores_of_ones_own(ridge, slices):
    X, y = slices

    def accuracy(estimator, X, y):
        pairs = zip(estimator.predict(X), y, strict=True)
        return np.mean([np.mean(a == b) for a, b in pairs])

    images, masks = [X[0], X[1][:33]], [y[0], y[1][:33]]
    found = property_importance(ridge, images, masks, scoring=accuracy, n_repeats=1)
    assert found.scoring == "accuracy"
    assert np.isfinite(found.repeats).all()


def test_a_table_and_a_text():
    result = ImportanceResult(("noise", "blur"), np.array([[0.1, 0.3], [0.4, 0.6]]), 0.8, "iou")
    assert result.table()[0] == {
        "name": "blur", "mean": pytest.approx(0.5), "std": pytest.approx(0.1), "n_repeats": 2,
    }  # fmt: skip
    assert str(result).splitlines() == [
        "iou 0.800; it falls without",
        "  blur     0.500 +- 0.100",
        "  noise    0.200 +- 0.100",
    ]


# ------------------------------------------------------------------ what destroying does


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    name=st.sampled_from(sorted(PROPERTIES)),
    strength=st.floats(0.1, 2),
    channels=st.sampled_from([(), (1,), (3,)]),
)
def test_images_and_masks_stay_together(seed, name, strength, channels):
    rng = np.random.default_rng(seed)
    image, mask = rng.random((40, 33, *channels)), rng.integers(0, 2, (40, 33))
    seen, labels = PROPERTIES[name](image, mask, strength, rng)
    assert seen.shape == labels.shape + channels
    assert np.isfinite(seen).all()
    assert set(np.unique(labels)) <= {0, 1}
    if name not in ("scale", "orientation"):
        assert labels is mask


def test_what_is_destroyed_and_what_is_left(slices):
    image, mask = slices[0][0].astype(float), slices[1][0]
    for seed in range(5):
        spoilt = {
            name: destroy(image, mask, 1.0, np.random.default_rng(seed))
            for name, destroy in PROPERTIES.items()
        }
        moved = spoilt["brightness"][0] - image
        assert np.ptp(moved) < 1e-9
        factor = (spoilt["contrast"][0] - image.mean()) / (image - image.mean())
        assert np.ptp(factor) < 1e-6
        assert 1 / 4 <= factor[0, 0] <= 4
        light = spoilt["illumination"][0] - image
        assert abs(light.mean()) < 1e-9
        assert np.abs(np.diff(light, 2, axis=0)).max() < 1e-9
        assert np.diff(spoilt["blur"][0]).std() < np.diff(image).std()
        noise = spoilt["noise"][0] - image
        assert noise.std() == pytest.approx(image.std(), rel=0.1)
        turned, turned_mask = spoilt["orientation"]
        assert sorted(turned.ravel()) == sorted(image.ravel())
        assert turned.shape != image.shape or not np.array_equal(turned, image)
        assert turned[turned_mask == 1].mean() == pytest.approx(image[mask == 1].mean())
        ratio = spoilt["scale"][0].shape[0] / 48
        assert 1.35 <= max(ratio, 1 / ratio) <= 2.1
        share = spoilt["scale"][1].mean()
        assert share == pytest.approx(mask.mean(), abs=0.05)


# ------------------------------------------------------------------ channels


@pytest.mark.parametrize("how", ["images", "pixels"])
def test_the_channel_that_shows_membranes_matters(slices, how):
    X, y = slices
    rng = np.random.default_rng(0)
    X = np.stack([X, np.full_like(X, 9) + rng.integers(0, 2, X.shape)], axis=-1)
    segmenter = RidgeSegmenter(scale=2.0).fit(X, y)
    before = X.copy()
    found = channel_importance(segmenter, X, y, how=how, n_repeats=2, random_state=0)
    assert found.names == ("channel 0", "channel 1")
    assert found.mean[0] > 0.1
    assert abs(found.mean[1]) < 0.02
    np.testing.assert_array_equal(X, before)


def test_images_of_one_channel(ridge, slices):
    assert channel_importance(ridge, *slices, n_repeats=1).mean[0] > 0.1
    assert channel_importance(ridge, *slices, how="pixels", n_repeats=1).mean[0] > 0.1


@given(n=st.integers(2, 30), seed=st.integers(0, 999))
def test_every_image_gets_another_ones(n, seed):
    order = _derange(n, np.random.default_rng(seed))
    assert sorted(order) == list(range(n))
    assert (order != np.arange(n)).all()


def test_channels_cannot_be_exchanged(ridge, slices):
    X, y = slices
    with pytest.raises(InvalidInputError, match=r"how='images' needs two or more.*got 1 of 1 size"):
        channel_importance(ridge, X[:1], y[:1])
    with pytest.raises(InvalidInputError, match=r"got 2 of 2 size\(s\). Give how='pixels'"):
        channel_importance(ridge, [X[0], X[1][:30]], [y[0], y[1][:30]])
    with pytest.raises(InvalidInputError, match="how must be 'images' or 'pixels'; got 'mean'"):
        channel_importance(ridge, X, y, how="mean")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"properties": ["colour"]}, InvalidInputError, "some of brightness, .*; got 'colour'"),
        ({"properties": "noise"}, InvalidInputError, "a sequence of some of.*; got 'noise'"),
        ({"properties": []}, InvalidInputError, r"a sequence of some of.*; got \[\]"),
        ({"strength": 0}, InvalidInputError, "strength must be a finite number above 0"),
        ({"n_repeats": 0}, InvalidInputError, "n_repeats must be an int of 1 or more"),
        ({"scoring": "beauty"}, InvalidInputError, "name must be one of 'accuracy'.*'beauty'"),
        ({"scoring": 3}, InvalidTypeError, "scoring must be a score's name.*; got 3"),
    ],
)
def test_bad_parameters(ridge, slices, options, error, message):
    with pytest.raises(error, match=message):
        property_importance(ridge, *slices, **options)


def test_masks_of_other_images(ridge, slices):
    with pytest.raises(InvalidInputError, match="must hold the same number of images"):
        property_importance(ridge, slices[0], slices[1][:2])

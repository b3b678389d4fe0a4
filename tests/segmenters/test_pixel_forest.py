"""Pixels classified one by one: drawn fairly, in bands that cannot be seen, by any classifier."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.feature import multiscale_basic_features
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from membseg import PixelForestSegmenter, make_membranes
from membseg.exceptions import DataWarning, InvalidInputError
from membseg.metrics import iou_score
from membseg.segmenters import _pixel_features, _pixel_forest
from membseg.segmenters._pixel_features import PixelFeatures, draw_pixels
from membseg.testing import check_segmenter
from membseg.utils._intensity import no_change

FOREST = RandomForestClassifier(n_estimators=5, min_samples_leaf=10)


def make_forest(estimator=FOREST, **params):
    """A segmenter that learns in a tenth of a second."""
    quick = {"sigma_max": 4.0, "max_pixels": 2000, "random_state": 0}
    return PixelForestSegmenter(estimator, **(quick | params))


# ------------------------------------------------------------------------ features


@pytest.mark.parametrize("size", [(40, 33), (7, 50), (1, 9), (9, 1), (1, 1)])
def test_features_in_bands_are_those_of_the_whole_image(monkeypatch, size):
    image = np.random.default_rng(0).normal(size=(*size, 2)).astype(np.float32)
    plan = PixelFeatures(1.0, 2.0)
    ((rows, whole),) = plan.bands(image, no_change(2), 1)
    assert rows == slice(0, size[0])
    monkeypatch.setattr(_pixel_features, "_BAND_PIXELS", 3 * size[1])
    bands = list(plan.bands(image, no_change(2), 2))
    assert [band.start for band, _ in bands] == list(range(0, size[0], 3))
    np.testing.assert_allclose(np.concatenate([f for _, f in bands]), whole, atol=1e-5)


def test_features_are_those_of_scikit_image():
    image = np.random.default_rng(0).normal(size=(20, 30)).astype(np.float32)
    ((_, features),) = PixelFeatures(1.0, 4.0).bands(image[..., None], no_change(1), 1)
    expected = multiscale_basic_features(image, sigma_min=1, sigma_max=4)
    np.testing.assert_allclose(features, expected.reshape(600, -1), atol=1e-6)


def test_predictions_in_bands_and_chunks_are_those_of_the_whole_image(monkeypatch, slices):
    X, y = slices
    segmenter = make_forest(LogisticRegression()).fit(X, y)
    whole = segmenter.decision_function(X)
    monkeypatch.setattr(_pixel_features, "_BAND_PIXELS", 640)
    monkeypatch.setattr(_pixel_forest, "_CHUNK", 100)
    np.testing.assert_allclose(segmenter.decision_function(X), whole, atol=1e-4)
    out = np.zeros(X.shape, np.float32)
    segmenter.predict_membrane(X, out=out)
    np.testing.assert_array_equal(out, segmenter.predict_membrane(X))
    twin = make_forest(LogisticRegression()).fit(X, y)
    np.testing.assert_allclose(twin.decision_function(X), whole, atol=1e-4)


# ------------------------------------------------------------------------- drawing


@settings(deadline=None, max_examples=50)
@given(
    st.integers(0, 999),
    st.floats(0.01, 0.99),
    st.integers(2, 400),
    st.sampled_from(["random", "balanced"]),
)
def test_drawn_pixels(seed, share, max_pixels, sampling):
    rng = np.random.default_rng(seed)
    masks = [
        rng.choice([0, 1, 255], p=[(1 - share) / 2, share / 2, 0.5], size=(10, n)) for n in (9, 12)
    ]
    masks[0][0, :2] = 0, 1
    positions, rates = draw_pixels(masks, max_pixels, sampling, np.random.default_rng(seed))
    codes = np.concatenate([m.ravel()[p] for m, p in zip(masks, positions, strict=True)])
    assert set(codes) == {0, 1}
    assert all((np.diff(places) > 0).all() for places in positions)
    totals = np.array([sum((m == code).sum() for m in masks) for code in (0, 1)])
    drawn = np.array([(codes == code).sum() for code in (0, 1)])
    np.testing.assert_allclose(rates, drawn / totals)
    assert drawn.sum() == min(max_pixels, totals.sum())
    if totals.sum() > max_pixels:
        expected = totals * max_pixels / totals.sum()
        if sampling == "balanced":
            expected = np.full(2, max_pixels / 2)
            expected = np.minimum(totals, np.maximum(expected, max_pixels - totals[::-1]))
        assert np.abs(drawn - expected).max() <= 1


def test_every_pixel_can_be_drawn():
    masks = [np.arange(12).reshape(3, 4) % 2]
    rng = np.random.default_rng(0)
    seen = np.bincount(
        np.concatenate([draw_pixels(masks, 4, "random", rng)[0][0] for _ in range(600)]),
        minlength=12,
    )
    # 200 on average; five standard deviations of a binomial.
    assert (abs(seen - 200) < 58).all()


@pytest.mark.parametrize("sampling", ["random", "balanced"])
def test_probabilities_are_for_the_share_of_the_labels(slices, sampling):
    X, y = slices
    know_nothing = DummyClassifier(strategy="prior")
    segmenter = make_forest(know_nothing, sampling=sampling, max_pixels=1000).fit(X, y)
    assert segmenter.n_pixels_ == 1000
    share = 0.5 if sampling == "balanced" else y.mean()
    assert segmenter.estimator_.class_prior_[1] == pytest.approx(share, abs=1e-3)
    np.testing.assert_allclose(segmenter.predict_membrane(X), y.mean(), atol=1e-3)


def test_all_pixels_are_used_where_there_are_few_or_no_limit(slices):
    X, y = slices
    sparse = np.full(y.shape, -1)
    sparse[:, 20:40] = y[:, 20:40]
    for limit in (None, 10**6):
        assert make_forest(LogisticRegression(), max_pixels=limit).fit(X, sparse).n_pixels_ == 5120


# -------------------------------------------------------------------------- fit


@pytest.mark.parametrize(
    "estimator",
    [
        FOREST,
        HistGradientBoostingClassifier(max_iter=5),
        KNeighborsClassifier(3),
        make_pipeline(StandardScaler(), LogisticRegression()),
        CalibratedClassifierCV(LinearSVC(), cv=2),
    ],
    ids=lambda e: type(e).__name__,
)
def test_any_classifier_will_do(slices, estimator):
    X, y = slices
    before = estimator.get_params()
    segmenter = make_forest(estimator).fit(X[:3], y[:3])
    assert estimator.get_params().keys() == before.keys()
    assert not hasattr(estimator, "classes_")
    # The IoU of calling everything membrane is the share of membrane.
    assert segmenter.score(X[3:], y[3:]) > 1.5 * y[3:].mean()


def test_the_default_is_a_forest(slices):
    X, y = slices
    segmenter = PixelForestSegmenter(max_pixels=1000, random_state=0).fit(X[:3], y[:3])
    assert isinstance(segmenter.estimator_, RandomForestClassifier)
    assert segmenter.score(X[3:], y[3:]) > 0.4
    assert segmenter.estimator is None


def test_the_same_seed_gives_the_same_bits_whatever_the_threads(slices):
    X, y = slices
    logits = [
        PixelForestSegmenter(max_pixels=1000, random_state=seed, n_jobs=n_jobs)
        .fit(X, y)
        .decision_function(X)
        for seed, n_jobs in ((0, None), (0, 2), (1, None))
    ]
    np.testing.assert_array_equal(logits[1], logits[0])
    assert not np.array_equal(logits[2], logits[0])


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
def test_the_dtype_of_equal_images_does_not_matter(slices, dtype):
    X, y = slices
    # Trees turn the last digit of a feature into another answer.
    plain, other = make_forest().fit(X, y), make_forest().fit(np.asfortranarray(X.astype(dtype)), y)
    np.testing.assert_array_equal(
        other.decision_function(X.astype(dtype)), plain.decision_function(X)
    )


def test_random_states_of_the_estimator_are_set_where_they_are_none(slices):
    kept = RandomForestClassifier(n_estimators=2, random_state=7)
    assert make_forest(kept).fit(*slices).estimator_.random_state == 7
    free = make_pipeline(StandardScaler(), clone(FOREST))
    first, second = (make_forest(free).fit(*slices) for _ in range(2))
    assert isinstance(first.estimator_[-1].random_state, int)
    np.testing.assert_array_equal(
        first.decision_function(slices[0]), second.decision_function(slices[0])
    )
    assert free[-1].random_state is None


def test_unlabelled_and_weightless_pixels_teach_nothing(slices):
    X, y = slices
    scribbles = np.full(y.shape, -1)
    scribbles[:, ::7] = y[:, ::7]
    plain = make_forest().fit(X, scribbles)
    assert plain.classes_.tolist() == [0, 1]
    weights = (scribbles != -1).astype(float)
    weighted = make_forest().fit(X, np.where(weights > 0, y, 1 - y), sample_weight=5 * weights)
    np.testing.assert_array_equal(weighted.decision_function(X), plain.decision_function(X))
    assert weighted.threshold_ == plain.threshold_


def test_weights_reach_the_classifier(slices):
    X, y = slices
    know_nothing = DummyClassifier(strategy="prior")
    weights = np.where(y == 1, 3.0, 1.0)
    segmenter = make_forest(know_nothing, max_pixels=None).fit(X, y, sample_weight=weights)
    expected = (weights * y).sum() / weights.sum()
    np.testing.assert_allclose(segmenter.predict_membrane(X), expected, rtol=1e-4)


def test_the_threshold_is_chosen_on_pixels_that_were_not_learnt():
    # A tree that learns noise by heart is sure of it. On pixels that it has not seen it is of no
    # use, and then the best IoU is that of calling everything membrane.
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2, 40, 40)), rng.random((2, 40, 40)) < 0.4
    segmenter = make_forest(DecisionTreeClassifier(), max_pixels=1000).fit(X, y)
    assert segmenter.threshold_ < 0.01
    # And where there is something to learn, it is of use.
    X, y = make_membranes(4, 64, 64, random_state=0)
    segmenter = make_forest(max_pixels=None).fit(X[:2], y[:2])
    assert 0.05 < segmenter.threshold_ < 0.6
    prob = segmenter.predict_membrane(X[2:])
    best = max(iou_score(y[2:], prob >= t) for t in np.arange(1, 20) / 20)
    assert segmenter.score(X[2:], y[2:]) > 0.9 * best


def test_a_given_threshold_is_taken(slices):
    X, y = slices
    segmenter = make_forest(threshold=0.7).fit(X, y)
    assert segmenter.threshold_ == 0.7
    np.testing.assert_array_equal(segmenter.predict(X) == 1, segmenter.predict_membrane(X) >= 0.7)


def test_no_threshold_can_be_chosen_where_a_half_lacks_a_class(slices):
    X, _ = slices
    top = np.full((1, 64, 64), -1)
    top[0, :32] = 0
    top[0, 32:40] = 1
    assert make_forest(threshold="auto").fit(X[:1], top).threshold_ == 0.5


def test_channels_have_features_of_their_own(slices):
    X, y = slices
    noise = np.random.default_rng(0).integers(0, 255, X.shape).astype(X.dtype)
    single = make_forest(LogisticRegression()).fit(X, y)
    both = make_forest(LogisticRegression()).fit(np.stack([noise, X], -1), y)
    assert both.estimator_.n_features_in_ == 2 * single.estimator_.n_features_in_
    assert both.score(np.stack([noise, X], -1), y) > 0.9 * single.score(X, y)


def test_constant_and_small_images_survive(slices):
    X, y = slices
    segmenter = make_forest(LogisticRegression()).fit(X, y)
    with pytest.warns(DataWarning, match=r"hold one constant value \(number 0\)"):
        assert np.isfinite(segmenter.decision_function(np.full((1, 8, 8), 3))).all()
    for size in ((1, 2), (1, 30), (30, 1), (8, 8)):
        thin = np.arange(np.prod(size)).reshape(size)
        assert segmenter.predict([thin])[0].shape == size
    with pytest.warns(DataWarning, match="hold one constant value"):
        make_forest(LogisticRegression()).fit(X * 0, y)
    tiny = np.arange(64.0).reshape(1, 8, 8)
    assert make_forest().fit(tiny, tiny > 40).score(tiny, tiny > 40) > 0.5


def test_dask_arrays(slices):
    da = pytest.importorskip("dask.array")
    X, y = slices
    segmenter = make_forest().fit(X, y)
    lazy = segmenter.predict_membrane(da.from_array(X, chunks=(2, 40, 64)))
    expected = segmenter.predict_membrane(X)
    # Another fit does not reach what was asked for before.
    segmenter.fit(255 - X, y)
    np.testing.assert_array_equal(lazy.compute(), expected)


# --------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("estimator", LinearSVC()),
        ("estimator", "forest"),
        ("sigma_min", 0),
        ("sigma_max", -1),
        ("max_pixels", 1),
        ("sampling", "stratified"),
        ("threshold", "best"),
        ("membrane_label", "x"),
        ("ignore_label", "x"),
        ("n_jobs", 1.5),
        ("random_state", "seed"),
    ],
)
def test_bad_parameters(slices, name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of PixelForestSegmenter"):
        PixelForestSegmenter(**{name: value}).fit(*slices)


def test_scales_the_wrong_way_round(slices):
    message = "sigma_min must not exceed sigma_max; got sigma_min=4.0 and sigma_max=2.0. Swap them."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        make_forest(sigma_min=4.0, sigma_max=2.0).fit(*slices)


def test_weights_that_the_estimator_cannot_use(slices):
    message = (
        "sample_weight must be None for an estimator whose fit takes no sample_weight; got "
        "weights, and estimator=KNeighborsClassifier(). Leave the weights out, or give another"
    )
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        make_forest(KNeighborsClassifier()).fit(*slices, sample_weight=[1, 2, 3, 4])


@pytest.mark.slow
@pytest.mark.parametrize("sampling", ["random", "balanced"])
def test_it_keeps_the_contract(sampling):
    check_segmenter(make_forest(sampling=sampling))


@pytest.mark.slow
def test_it_keeps_the_contract_with_another_classifier():
    check_segmenter(make_forest(LogisticRegression(), max_pixels=None))

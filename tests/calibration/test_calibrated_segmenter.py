"""Image in, calibrated image out; the same numbers as by way of pixels."""

import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score

from membseg import (
    CalibratedSegmenter,
    ImageKFold,
    PixelClassifier,
    RidgeSegmenter,
    SliceBlockKFold,
    ThresholdSegmenter,
    as_pixels,
    get_scorer,
    make_membranes,
)
from membseg.base import SegmenterMixin
from membseg.calibration._calibrators import METHODS, SKLEARN_METHODS
from membseg.exceptions import InvalidInputError
from membseg.metrics import expected_calibration_error, log_loss


class Boaster(SegmenterMixin, BaseEstimator):
    """Says the true probability's logit, times `boast`: images hold the true logits."""

    def __init__(self, boast=4.0, ignore_label=None):
        self.boast = boast
        self.ignore_label = ignore_label

    def fit(self, X, y, sample_weight=None):
        self.classes_, self.threshold_ = np.array([0, 1]), 0.3
        return self

    def decision_function(self, X):
        if isinstance(X, list):
            return [np.asarray(x.reshape(x.shape[:2]) * self.boast, np.float32) for x in X]
        return (X * self.boast).astype(np.float32)


@pytest.fixture(scope="module")
def truth():
    """True logits as images, and masks drawn from them."""
    rng = np.random.default_rng(0)
    logits = rng.normal(-1, 1.5, size=(8, 48, 40)).astype(np.float32)
    return logits, (rng.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(int)


@pytest.mark.parametrize("method", METHODS)
def test_a_boaster_is_put_right(truth, method):
    X, y = truth
    calibrated = CalibratedSegmenter(Boaster(), method=method, cv=3).fit(X[:5], y[:5])
    before = expected_calibration_error(y[5:], Boaster().fit(X, y).predict_membrane(X[5:]))
    after = expected_calibration_error(y[5:], calibrated.predict_membrane(X[5:]))
    assert before > 0.1
    assert after < 0.03
    assert log_loss(y[5:], calibrated.predict_membrane(X[5:])) < 0.5


@pytest.mark.parametrize("method", ["temperature", "sigmoid", "beta"])
def test_masks_stay_what_they_are(truth, method):
    X, y = truth
    plain = Boaster().fit(X, y)
    calibrated = CalibratedSegmenter(plain, method=method, cv=3).fit(X, y)
    np.testing.assert_array_equal(calibrated.predict(X), plain.predict(X))
    assert calibrated.threshold_ != plain.threshold_
    fixed = CalibratedSegmenter(plain, method=method, cv=3, threshold=0.5).fit(X, y)
    assert fixed.threshold_ == 0.5


def test_local_calls_as_many_pixels_membrane(truth):
    X, y = truth
    plain = Boaster().fit(X, y)
    local = CalibratedSegmenter(FrozenEstimator(plain), method="local").fit(X, y)
    assert local.predict(X).mean() == pytest.approx(plain.predict(X).mean(), abs=1e-3)
    assert not np.array_equal(local.predict(X), plain.predict(X))


@pytest.mark.parametrize("method", ["beta", "local"])
def test_dask_arrays_stay_lazy(method):
    da = pytest.importorskip("dask.array", reason="needs dask, of the extra 'big'")
    X, y = make_membranes(3, 40, 32, random_state=0)
    calibrated = CalibratedSegmenter(ThresholdSegmenter(), method=method, cv=KFold(2)).fit(X, y)
    lazy = calibrated.predict_membrane(da.from_array(X, chunks=(1, 16, 12)))
    assert isinstance(lazy, da.Array)
    np.testing.assert_allclose(lazy.compute(), calibrated.predict_membrane(X), atol=1e-6)


@pytest.mark.parametrize("own", [0.0, 1.0])
def test_thresholds_without_a_logit_are_kept(truth, own):
    fitted = Boaster().fit(*truth)
    fitted.threshold_ = own
    assert CalibratedSegmenter(FrozenEstimator(fitted)).fit(*truth).threshold_ == own


@pytest.mark.parametrize("method", SKLEARN_METHODS)
def test_by_way_of_pixels_it_is_the_same(method):
    X, y = make_membranes(6, 40, 32, random_state=0)
    by_image = CalibratedSegmenter(
        RidgeSegmenter(), method=method, cv=SliceBlockKFold(3, gap=1)
    ).fit(X, y)
    by_pixel = CalibratedClassifierCV(
        PixelClassifier(RidgeSegmenter()), method=method, cv=ImageKFold(3, gap=1), ensemble=False
    ).fit(*as_pixels(X, y))
    np.testing.assert_allclose(
        by_image.predict_membrane(X).ravel(),
        by_pixel.predict_proba(as_pixels(X, y)[0])[:, 1],
        atol=1e-6,
    )


def test_frozen_is_not_fitted_again(truth):
    X, y = truth
    fitted = Boaster(boast=2.0).fit(X, y)
    calibrated = CalibratedSegmenter(FrozenEstimator(fitted)).fit(X[:4], y[:4])
    np.testing.assert_allclose(
        calibrated.decision_function(X), X, atol=0.15 * float(np.abs(X).max())
    )
    assert calibrated.estimator_.estimator is fitted


def test_pixels_without_a_label_and_weights(truth):
    X, y = truth
    wrong = np.where(np.arange(40) < 20, 1 - y, y)
    hidden = np.where(np.arange(40) < 20, -1, y)
    weights = np.broadcast_to((np.arange(40) >= 20).astype(float), y.shape)
    frozen = FrozenEstimator(Boaster().fit(X, y))
    by_label = CalibratedSegmenter(frozen).fit(X, hidden).decision_function(X)
    by_weight = CalibratedSegmenter(frozen).fit(X, wrong, sample_weight=weights)
    np.testing.assert_allclose(by_weight.decision_function(X), by_label, atol=1e-3)
    only = CalibratedSegmenter(frozen).fit(X[:, :, 20:], y[:, :, 20:])
    np.testing.assert_allclose(only.decision_function(X), by_label, atol=1e-5)


def test_isotonic_is_the_regression_of_labels_on_logits(truth):
    X, y = truth
    plain = Boaster().fit(X, y)
    calibrated = CalibratedSegmenter(FrozenEstimator(plain), method="isotonic").fit(X, y)
    logits = plain.decision_function(X).ravel()
    expected = IsotonicRegression(out_of_bounds="clip").fit(logits, y.ravel()).predict(logits)
    np.testing.assert_allclose(calibrated.predict_membrane(X).ravel(), expected, atol=1e-6)
    assert {0.0, 1.0} <= set(expected)
    assert np.isfinite(calibrated.decision_function(X)).all()


def test_it_is_a_segmenter_to_scikit_learn(truth):
    X, y = truth
    calibrated = CalibratedSegmenter(Boaster(), cv=2)
    scores = cross_val_score(calibrated, X, y, cv=2, scoring=get_scorer("ece"))
    assert (scores > -0.05).all()
    grid = {"method": ["temperature", "beta"], "estimator__boast": [1.0, 3.0]}
    search = GridSearchCV(calibrated, grid, cv=2, scoring=get_scorer("log_loss")).fit(X, y)
    assert set(search.best_params_) == set(grid)
    copy = pickle.loads(pickle.dumps(calibrated.fit(X, y)))
    np.testing.assert_array_equal(copy.predict_proba(X), calibrated.predict_proba(X))
    with pytest.raises(NotFittedError):
        clone(calibrated).predict(X)


def test_lists_of_images(truth):
    X, y = truth
    images, masks = [X[0], X[1][:30], *X[2:]], [y[0], y[1][:30], *y[2:]]
    calibrated = CalibratedSegmenter(ThresholdSegmenter(), cv=2).fit(images, masks)
    maps = calibrated.predict_membrane(images)
    assert [m.shape for m in maps] == [mask.shape for mask in masks]


def test_bad_input(truth):
    X, y = truth
    with pytest.raises(ValueError, match="'method' parameter of CalibratedSegmenter must be a str"):
        CalibratedSegmenter(Boaster(), method="Platt").fit(X, y)
    with pytest.raises(ValueError, match="'estimator' parameter of CalibratedSegmenter must be an"):
        CalibratedSegmenter("unet").fit(X, y)
    with pytest.raises(InvalidInputError, match="y must hold two classes"):
        CalibratedSegmenter(FrozenEstimator(Boaster().fit(X, y))).fit(X, np.zeros_like(y))
    with pytest.raises(NotFittedError):
        CalibratedSegmenter(FrozenEstimator(ThresholdSegmenter())).fit(X, y)
    with pytest.raises(InvalidInputError, match="X and y must agree in height and width"):
        CalibratedSegmenter(Boaster()).fit(X, y[:, 1:])

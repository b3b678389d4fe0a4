"""Doubt by its definition, and whether it finds what is wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from membseg import (
    CalibratedSegmenter,
    EnsembleSegmenter,
    RidgeSegmenter,
    ThresholdSegmenter,
    UNetSegmenter,
    make_membranes,
)
from membseg.base import SegmenterMixin
from membseg.calibration import Uncertainty, predict_uncertainty, retention_curve
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.preprocessing import CLAHE


class Slanted(SegmenterMixin, BaseEstimator):
    """Adds the column's number to the pixels, so that views differ; with views of its own."""

    def __init__(self, tta="d4"):
        self.tta = tta

    def fit(self, X, y):
        self.classes_, self.threshold_ = np.array([0, 1]), 0.5
        return self

    def decision_function(self, X):
        slope = 0.0 if self.tta == "d4" else 0.2
        maps = [np.float32(np.reshape(x, x.shape[:2]) + slope * np.arange(x.shape[1]))
                for x in X]  # fmt: skip
        return maps if isinstance(X, list) else np.stack(maps)


@pytest.fixture(scope="module")
def slices():
    return make_membranes(4, 40, 32, random_state=0)


def entropy(p):
    p = np.clip(np.asarray(p, dtype=np.float64), 1e-300, 1)
    q = np.clip(1 - p, 1e-300, 1)
    return -(p * np.log2(p) + q * np.log2(q))


def test_one_answer_has_no_doubt_of_the_second_kind(slices):
    X, y = slices
    segmenter = RidgeSegmenter().fit(X, y)
    doubt = predict_uncertainty(segmenter, X)
    membrane = segmenter.predict_membrane(X)
    np.testing.assert_array_equal(doubt.probability, membrane)
    np.testing.assert_allclose(doubt.total, entropy(membrane), atol=1e-6)
    assert doubt.model.max() == 0
    np.testing.assert_allclose(doubt.confidence, np.maximum(membrane, 1 - membrane))
    np.testing.assert_allclose(doubt.margin, np.abs(2 * membrane - 1))
    np.testing.assert_allclose(doubt.image_scores, doubt.total.mean(axis=(1, 2)), rtol=1e-5)


def test_views_by_hand():
    X = np.random.default_rng(0).normal(size=(2, 5, 7)).astype(np.float32)
    segmenter = Slanted().fit(X, X)
    doubt = predict_uncertainty(segmenter, X, method="views")
    # A view adds its own columns' numbers: from the left, the right, the top or the bottom.
    rows, columns = np.mgrid[:5, :7]
    slants = [columns, columns[:, ::-1], rows, rows[::-1]]
    answers = [1 / (1 + np.exp(-(X + 0.2 * s))) for s in slants]
    mean = np.mean(answers, axis=0)
    np.testing.assert_allclose(doubt.probability, mean, atol=1e-6)
    np.testing.assert_allclose(doubt.data, np.mean(entropy(answers), axis=0), atol=1e-6)
    np.testing.assert_allclose(doubt.model, entropy(mean) - entropy(answers).mean(0), atol=1e-6)
    np.testing.assert_allclose(doubt.total, doubt.data + doubt.model, atol=1e-6)
    assert segmenter.tta == "d4"
    listed = predict_uncertainty(segmenter, [X[0], X[1, :4]], method="views")
    assert [m.shape for m in listed.model] == [(5, 7), (4, 7)]
    np.testing.assert_allclose(listed.model[0], doubt.model[0], atol=1e-6)


def test_views_inside_other_estimators_are_turned_off_too():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4, 8, 8)).astype(np.float32)
    y = (rng.random(X.shape) < 1 / (1 + np.exp(-X))).astype(int)
    fitted = Slanted().fit(X, y)
    expected = predict_uncertainty(fitted, X, method="views").model.mean()
    assert expected > 1e-3
    for wrapper in (
        CalibratedSegmenter(FrozenEstimator(fitted)),
        EnsembleSegmenter([("one", Slanted())]),
        GridSearchCV(Slanted(), {"tta": ["d4"]}, cv=2),
        make_pipeline("passthrough", Slanted()),
    ):
        assert predict_uncertainty(wrapper.fit(X, y), X, method="views").model.mean() > 1e-3


def test_members(slices):
    X, y = slices
    members = [("lines", RidgeSegmenter()), ("cut", ThresholdSegmenter())]
    ensemble = EnsembleSegmenter(members).fit(X, y)
    doubt = predict_uncertainty(ensemble, X, method="members")
    answers = np.stack([member.predict_membrane(X) for member in ensemble.estimators_])
    mean = answers.mean(axis=0)
    np.testing.assert_allclose(doubt.probability, mean, atol=1e-6)
    np.testing.assert_allclose(doubt.model, entropy(mean) - entropy(answers).mean(0), atol=1e-5)
    pipeline = make_pipeline(CLAHE(), EnsembleSegmenter(members)).fit(X, y)
    of_pipeline = predict_uncertainty(pipeline, X, method="members")
    np.testing.assert_allclose(of_pipeline.probability, pipeline.predict_proba(X)[:, 1], atol=1e-5)


def test_dropout_by_hand(slices):
    X, y = slices
    tiny = {"depth": 1, "base_filters": 4, "max_steps": 1, "threshold": 0.5, "random_state": 0}
    segmenter = UNetSegmenter(dropout=0.3, **tiny).fit(X, y)
    doubt = predict_uncertainty(segmenter, X, method="dropout", n_samples=3, random_state=1)
    answers = list(segmenter.predict_dropout_samples(X, n_samples=3, random_state=1))
    mean = np.mean(answers, axis=0)
    np.testing.assert_allclose(doubt.probability, mean, atol=1e-6)
    np.testing.assert_allclose(doubt.data, entropy(answers).mean(axis=0), atol=1e-5)
    assert doubt.model.mean() > 1e-4
    pipeline = make_pipeline("passthrough", segmenter)
    again = predict_uncertainty(pipeline, X, method="dropout", n_samples=3, random_state=1)
    np.testing.assert_array_equal(again.model, doubt.model)


def test_bad_methods(slices):
    X, y = slices
    segmenter = ThresholdSegmenter().fit(X, y)
    with pytest.raises(InvalidInputError, match="method must be one of 'single', 'views', 'memb"):
        predict_uncertainty(segmenter, X, method="entropy")
    with pytest.raises(InvalidTypeError, match="estimator must be an ensemble of several members"):
        predict_uncertainty(segmenter, X, method="members")
    with pytest.raises(InvalidTypeError, match="estimator must be a network with dropout for meth"):
        predict_uncertainty(segmenter, X, method="dropout")


def test_sure_pixels_have_no_doubt():
    certain = Uncertainty(np.array([[[0.0, 1.0]]]), np.zeros((1, 1, 2)), None, None)
    assert certain.confidence.tolist() == [[[1.0, 1.0]]]
    assert certain.margin.tolist() == [[[1.0, 1.0]]]


# Retention.


def test_retention_by_hand():
    y = np.array([[[0, 1, 1, 0]]])
    prob = np.array([[[0.1, 0.9, 0.4, 0.6]]])
    curve = retention_curve(y, prob, np.array([[[0.1, 0.2, 0.3, 0.4]]]))
    np.testing.assert_allclose(curve.kept, [0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(curve.errors, [0, 0, 1 / 3, 0.5])
    assert curve.error_auc == 1.0
    assert curve.area == pytest.approx(np.trapezoid([0, 0, 1 / 3, 0.5], dx=1 / 3))
    # Doubt that says nothing: the same error everywhere.
    flat = retention_curve(y, prob, np.zeros((1, 1, 4)))
    np.testing.assert_allclose(flat.errors, 0.5)
    assert flat.error_auc == 0.5


@given(seed=st.integers(0, 99), threshold=st.sampled_from([0.2, 0.5]))
def test_the_last_error_is_that_of_all_labelled_pixels(seed, threshold):
    rng = np.random.default_rng(seed)
    prob = rng.random((2, 9, 8))
    truth = np.where(rng.random(prob.shape) < 0.2, -1, rng.random(prob.shape) < prob).astype(int)
    truth.flat[:2] = 0, 1
    doubt = rng.integers(0, 5, prob.shape).astype(float)
    curve = retention_curve(truth, prob, doubt, threshold=threshold, ignore_label=-1)
    wrong = ((prob >= threshold) != truth)[truth >= 0]
    assert curve.errors[-1] == pytest.approx(wrong.mean())
    # Pixels of equal doubt share their error: their order changes nothing.
    turned = [np.ascontiguousarray(a[:, ::-1, ::-1]) for a in (truth, prob, doubt)]
    again = retention_curve(*turned, threshold=threshold, ignore_label=-1)
    np.testing.assert_allclose(again.errors, curve.errors)
    assert again.error_auc == pytest.approx(curve.error_auc)


def test_all_right_or_all_wrong_is_chance():
    y = np.array([[[0, 1]]])
    doubt = np.array([[[0.3, 0.1]]])
    assert retention_curve(y, np.array([[[0.2, 0.8]]]), doubt).error_auc == 0.5
    assert retention_curve(y, np.array([[[0.8, 0.2]]]), doubt).error_auc == 0.5


def test_bad_doubt():
    y, prob = np.array([[[0, 1]]]), np.array([[[0.2, 0.8]]])
    with pytest.raises(InvalidInputError, match="y_true and uncertainty must agree in height and"):
        retention_curve(y, prob, np.zeros((1, 2, 2)))
    with pytest.raises(InvalidInputError, match="uncertainty must be finite"):
        retention_curve(y, prob, np.full((1, 1, 2), np.nan))
    with pytest.raises(InvalidInputError, match="threshold must be a finite number in"):
        retention_curve(y, prob, prob, threshold=2)

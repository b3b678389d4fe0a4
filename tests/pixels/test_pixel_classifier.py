"""A segmenter as a classifier of pixels: the same numbers, and scikit-learn's tools as they are."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    DetCurveDisplay,
    PrecisionRecallDisplay,
    RocCurveDisplay,
)
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_validate,
)
from sklearn.pipeline import make_pipeline

from membseg import ImageKFold, PixelClassifier, RidgeSegmenter, ThresholdSegmenter, as_pixels
from membseg.base import SegmenterMixin
from membseg.datasets import make_membranes
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.preprocessing import CLAHE


@pytest.fixture(scope="module")
def slices():
    return make_membranes(6, 40, 32, random_state=0)


@pytest.fixture(scope="module")
def pixels(slices):
    return as_pixels(*slices)


class Listener(SegmenterMixin, BaseEstimator):
    """Keeps what fit was given; predicts the pixels themselves."""

    def __init__(self, membrane_label=None, ignore_label=None):
        self.membrane_label = membrane_label
        self.ignore_label = ignore_label

    def fit(self, X, y, sample_weight=None):
        self.heard_ = (X, y, sample_weight)
        self.classes_, self.threshold_ = np.array([0, 1]), 0.5
        return self

    def decision_function(self, X):
        return [np.asarray(image[..., 0], dtype=np.float32) for image in X]


def test_its_numbers_are_those_of_the_segmenter(slices, pixels):
    X, y = slices
    segmenter = ThresholdSegmenter().fit(X, y)
    for classifier in (segmenter.as_pixel_classifier(), PixelClassifier(ThresholdSegmenter())):
        fitted = classifier.fit(*pixels) if classifier.segmenter is not segmenter else classifier
        membrane = segmenter.predict_membrane(X).ravel()
        proba = fitted.predict_proba(pixels[0])
        np.testing.assert_array_equal(proba[:, 1], membrane)
        np.testing.assert_allclose(proba.sum(axis=1), 1.0, atol=1e-15)
        logits = segmenter.decision_function(X).ravel()
        np.testing.assert_array_equal(fitted.decision_function(pixels[0]), logits)
        np.testing.assert_array_equal(fitted.predict(pixels[0]), segmenter.predict(X).ravel())
        assert fitted.classes_.tolist() == [0, 1]


def test_any_rows_are_picked_from_whole_images(slices, pixels):
    segmenter = ThresholdSegmenter().fit(*slices)
    classifier = segmenter.as_pixel_classifier()
    rows = np.random.default_rng(0).permutation(len(pixels[1]))[:500]
    np.testing.assert_array_equal(
        classifier.predict_proba(pixels[0][rows]), classifier.predict_proba(pixels[0])[rows]
    )


def test_masks_of_other_values_are_translated(slices):
    X, y = slices
    inverted = np.where(y == 1, 0, 255).astype(np.uint8)
    segmenter = ThresholdSegmenter(membrane_label=0).fit(X, inverted)
    Xp, yp = as_pixels(X, inverted, membrane_label=0)
    np.testing.assert_array_equal(yp, y.ravel())
    frozen = segmenter.as_pixel_classifier().predict(Xp)
    fitted = PixelClassifier(ThresholdSegmenter(membrane_label=0)).fit(Xp, yp).predict(Xp)
    np.testing.assert_array_equal(frozen, segmenter.predict(X).ravel() == 0)
    np.testing.assert_array_equal(fitted, frozen)


def test_pixels_that_are_not_in_the_stack_have_no_label():
    X = np.arange(12.0).reshape(2, 2, 3)
    Xp, yp = as_pixels(X, np.array([[[0, 1, 0], [1, 1, 0]], [[0, 0, 1], [0, 1, 1]]]))
    rows = np.array([0, 4, 9, 11])
    weights = np.array([0.5, 2.0, 1.0, 3.0])
    listener = Listener(membrane_label=7, ignore_label=9)
    classifier = PixelClassifier(listener).fit(Xp[rows], yp[rows], sample_weight=weights)
    images, masks, maps = classifier.segmenter_.heard_
    assert [image[..., 0].tolist() for image in images] == X.tolist()
    assert [mask.tolist() for mask in masks] == [
        [[0, -1, -1], [-1, 1, -1]], [[-1, -1, -1], [0, -1, 1]],
    ]  # fmt: skip
    assert [weight.tolist() for weight in maps] == [
        [[0.5, 0, 0], [0, 2.0, 0]], [[0, 0, 0], [1.0, 0, 3.0]],
    ]  # fmt: skip
    assert classifier.segmenter_.get_params() == {"membrane_label": 1, "ignore_label": -1}
    assert listener.get_params() == {"membrane_label": 7, "ignore_label": 9}


def test_whole_images_that_come_twice_are_two_images():
    X = np.arange(12.0).reshape(2, 2, 3)
    Xp, yp = as_pixels(X, np.array([[[0, 1, 0], [1, 1, 0]], [[0, 0, 1], [0, 1, 1]]]))
    rows = np.r_[0:6, 0:6, 6:12]
    heard = PixelClassifier(Listener()).fit(Xp[rows], yp[rows]).segmenter_.heard_
    assert [image[0, 0, 0] for image in heard[0]] == [0, 0, 6]


def test_parameters_inside_a_pipeline_are_translated_too(slices):
    X, y = slices
    inverted = 1 - y
    pipeline = make_pipeline(CLAHE(), ThresholdSegmenter(membrane_label=0))
    Xp, yp = as_pixels(X, inverted, membrane_label=0)
    fitted = PixelClassifier(pipeline).fit(Xp, yp)
    expected = pipeline.fit(X, inverted).predict(X)
    np.testing.assert_array_equal(fitted.predict(Xp), (expected == 0).ravel())


def test_it_is_a_classifier_and_unfitted_until_fitted(pixels):
    classifier = PixelClassifier(ThresholdSegmenter())
    assert is_classifier(classifier)
    for method in ("predict", "predict_proba", "decision_function"):
        with pytest.raises(NotFittedError):
            getattr(classifier, method)(pixels[0])
    assert not hasattr(classifier, "classes_")
    with pytest.raises(NotFittedError):
        clone(classifier.fit(*pixels)).predict(pixels[0])


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
@pytest.mark.parametrize("ensemble", [True, False])
def test_calibration(pixels, method, ensemble):
    classifier = PixelClassifier(RidgeSegmenter())
    calibrated = CalibratedClassifierCV(
        classifier, method=method, cv=ImageKFold(2), ensemble=ensemble
    ).fit(*pixels)
    proba = calibrated.predict_proba(pixels[0])
    assert np.isfinite(proba).all()
    # A trap: fed with no classifier, the calibrator inverts the probabilities.
    assert np.corrcoef(proba[:, 1], pixels[1])[0, 1] > 0.3


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
def test_calibration_of_a_fitted_segmenter(slices, pixels, method):
    frozen = FrozenEstimator(RidgeSegmenter().fit(*slices).as_pixel_classifier())
    calibrated = CalibratedClassifierCV(frozen, method=method).fit(*pixels)
    before = -np.log(np.abs(frozen.predict_proba(pixels[0])[:, 1] - (1 - pixels[1]))).mean()
    after = calibrated.predict_proba(pixels[0])[:, 1]
    assert -np.log(np.abs(after - (1 - pixels[1]))).mean() <= before + 1e-9


def test_calibration_in_several_processes_is_the_same(pixels):
    def proba(n_jobs):
        classifier = PixelClassifier(ThresholdSegmenter())
        calibrated = CalibratedClassifierCV(classifier, cv=ImageKFold(2), n_jobs=n_jobs)
        return calibrated.fit(*pixels).predict_proba(pixels[0])

    np.testing.assert_array_equal(proba(2), proba(None))


def test_calibration_of_a_bare_segmenter_says_what_to_use(pixels):
    with pytest.raises(InvalidTypeError, match="PixelClassifier"):
        CalibratedClassifierCV(ThresholdSegmenter(), cv=ImageKFold(2)).fit(*pixels)


@pytest.mark.parametrize(
    "display",
    [CalibrationDisplay, RocCurveDisplay, PrecisionRecallDisplay, DetCurveDisplay,
     ConfusionMatrixDisplay],
)  # fmt: skip
def test_displays(slices, pixels, display):
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    classifier = ThresholdSegmenter().fit(*slices).as_pixel_classifier()
    display.from_estimator(classifier, *pixels, ax=ax)
    assert ax.has_data()


def test_thresholds(slices, pixels):
    classifier = ThresholdSegmenter().fit(*slices).as_pixel_classifier()
    fixed = FixedThresholdClassifier(FrozenEstimator(classifier), threshold=0.3).fit(*pixels)
    membrane = classifier.predict_proba(pixels[0])[:, 1]
    np.testing.assert_array_equal(fixed.predict(pixels[0]), membrane >= 0.3)
    tuned = TunedThresholdClassifierCV(
        PixelClassifier(ThresholdSegmenter()), scoring="jaccard", cv=ImageKFold(2), thresholds=20
    ).fit(*pixels)
    assert tuned.best_score_ >= 0.3


SCORINGS = [
    *("accuracy", "balanced_accuracy", "f1", "jaccard", "matthews_corrcoef", "precision"),
    *("recall", "roc_auc", "average_precision", "neg_log_loss", "neg_brier_score"),
]


def test_builtin_scorers_and_searches(pixels):
    classifier = PixelClassifier(ThresholdSegmenter())
    scores = cross_validate(classifier, *pixels, cv=ImageKFold(2, gap=1), scoring=SCORINGS)
    assert all(np.isfinite(scores[f"test_{name}"]).all() for name in SCORINGS)
    grid = {"segmenter__sigma": [0.5, 1.5]}
    search = GridSearchCV(classifier, grid, cv=ImageKFold(2), scoring="roc_auc").fit(*pixels)
    assert search.best_params_["segmenter__sigma"] in (0.5, 1.5)


def test_voting_and_stacking(slices, pixels):
    X, y = slices
    members = [
        ("cut", PixelClassifier(ThresholdSegmenter())),
        ("ridge", PixelClassifier(RidgeSegmenter())),
    ]
    vote = VotingClassifier(members, voting="soft").fit(*pixels)
    maps = [ThresholdSegmenter().fit(X, y), RidgeSegmenter().fit(X, y)]
    expected = np.mean([m.predict_membrane(X).ravel() for m in maps], axis=0, dtype=np.float64)
    np.testing.assert_allclose(vote.predict_proba(pixels[0])[:, 1], expected, atol=1e-7)
    stack = StackingClassifier(members, LogisticRegression(), cv=ImageKFold(2)).fit(*pixels)
    assert stack.predict_proba(pixels[0]).shape == (len(pixels[1]), 2)


def test_bad_input(slices, pixels):
    Xp, yp = pixels
    classifier = PixelClassifier(ThresholdSegmenter())
    with pytest.raises(InvalidTypeError, match=r"X must be a PixelStack.*got ndarray"):
        classifier.fit(slices[0], slices[1])
    with pytest.raises(InvalidInputError, match=r"y must have shape \(n_pixels,\), \(7680,\)"):
        classifier.fit(Xp, yp[:-1])
    with pytest.raises(InvalidInputError, match="sample_weight must have shape"):
        classifier.fit(Xp, yp, sample_weight=np.ones(3))
    with pytest.raises(InvalidInputError, match="y must be 1 at membrane and 0 at cell"):
        classifier.fit(Xp, 255 * yp)
    with pytest.raises(InvalidTypeError, match=r"X must be a PixelStack.*got list"):
        classifier.fit(Xp, yp).predict([slices[0][0]])

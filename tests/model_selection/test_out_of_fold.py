"""Maps of slices by segmenters that have not seen them."""

import re

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from membseg import SliceBlockKFold, ThresholdSegmenter, cross_val_predict_proba, make_membranes
from membseg.base import SegmenterMixin
from membseg.exceptions import InvalidInputError, InvalidTypeError


class MeanSegmenter(SegmenterMixin, BaseEstimator):
    """Predicts a number that tells exactly which images and weights it was fitted on."""

    def __init__(self, scale=1.0):
        self.scale = scale

    def fit(self, X, y=None, sample_weight=None):
        weights = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight)
        assert len(weights) == len(X) == len(y)
        self.level_ = self.scale * sum(w * np.mean(x) for w, x in zip(weights, X, strict=True))
        self.classes_, self.threshold_ = np.array([0, 1]), 0.5
        return self

    def decision_function(self, X):
        maps = [np.full(np.shape(x)[:2], self.level_, np.float32) for x in X]
        return maps if isinstance(X, list) else np.stack(maps)


@pytest.fixture(scope="module")
def slices():
    return make_membranes(6, 32, 32, random_state=0)


def levels(n, folds, weights=None):
    """What MeanSegmenter must say of images that hold 1, 2, 4, ...: each sum has one meaning."""
    weights = np.ones(n) if weights is None else weights
    expected = np.empty(n)
    for train, test in folds:
        expected[test] = sum(weights[i] * 2.0**i for i in train)
    return expected


def powers(n, side=8):
    return 2.0 ** np.arange(n)[:, np.newaxis, np.newaxis] * np.ones((1, side, side))


@pytest.mark.parametrize("n", [4, 5, 9, 13])
def test_each_map_comes_from_the_training_part_of_its_own_fold(n):
    X = powers(n)
    y = np.zeros(X.shape, dtype=int)
    n_splits = {4: 4}.get(n, 5)
    folds = list(SliceBlockKFold(n_splits, gap=1).split(X))
    found = cross_val_predict_proba(MeanSegmenter(1e-3), X, y, method="decision_function")
    np.testing.assert_allclose(found[:, 0, 0], 1e-3 * levels(n, folds), rtol=1e-6)


def test_folds_in_any_order_give_maps_in_the_order_of_the_images():
    X = powers(6)
    folds = [([0, 1], [5, 2]), ([5, 3], [0, 4]), ([2], [3, 1])]
    found = cross_val_predict_proba(MeanSegmenter(), X, X > 1, cv=folds, method="decision_function")
    np.testing.assert_allclose(found[:, 0, 0], levels(6, folds))


@pytest.mark.parametrize(
    ("method", "shape"),
    [
        ("predict_proba", (6, 2, 32, 32)),
        ("predict_membrane", (6, 32, 32)),
        ("decision_function", (6, 32, 32)),
        ("predict", (6, 32, 32)),
    ],
)
def test_methods_equal_fits_by_hand(slices, method, shape):
    X, y = slices
    found = cross_val_predict_proba(ThresholdSegmenter(), X, y, cv=3, method=method)
    assert found.shape == shape
    for train, test in SliceBlockKFold(3, gap=1).split(X):
        expected = getattr(ThresholdSegmenter().fit(X[train], y[train]), method)(X[test])
        np.testing.assert_array_equal(found[test], expected)
        assert found.dtype == expected.dtype


@pytest.mark.parametrize("method", ["predict_proba", "predict"])
@pytest.mark.parametrize("sizes", [(32, 32, 32, 32), (32, 40, 24, 36)])
def test_lists_give_lists_whatever_the_sizes(method, sizes):
    X, y = [], []
    for i, side in enumerate(sizes):
        images, masks = make_membranes(1, side, 32, random_state=i)
        X.append(images[0])
        y.append(masks[0])
    found = cross_val_predict_proba(ThresholdSegmenter(), X, y, cv=4, method=method)
    assert isinstance(found, list)
    assert [image.shape[-2:] for image in found] == [(side, 32) for side in sizes]
    single = ThresholdSegmenter().fit(X[2:], y[2:])
    np.testing.assert_array_equal(found[0], getattr(single, method)(X[:1])[0])


def test_pipelines_and_searches(slices):
    X, y = slices
    expected = cross_val_predict_proba(ThresholdSegmenter(), X, y, method="predict_membrane")
    piped = make_pipeline(FunctionTransformer(), ThresholdSegmenter())
    search = GridSearchCV(ThresholdSegmenter(), {"sigma": [1.0]}, cv=SliceBlockKFold(2, gap=0))
    for estimator in (piped, search):
        found = cross_val_predict_proba(estimator, X, y, method="predict_membrane")
        np.testing.assert_array_equal(found, expected)
    lists = cross_val_predict_proba(piped, list(X), list(y), method="predict_membrane")
    np.testing.assert_array_equal(np.stack(lists), expected)


def test_params_of_fit_are_split_like_the_images():
    X, weights = powers(5), np.array([1.0, 3.0, 5.0, 7.0, 11.0])
    folds = list(SliceBlockKFold(5, gap=1).split(X))
    expected = levels(5, folds, weights)
    options = {"method": "decision_function", "params": {"sample_weight": weights}}
    found = cross_val_predict_proba(MeanSegmenter(), X, X > 1, **options)
    np.testing.assert_allclose(found[:, 0, 0], expected)
    with sklearn.config_context(enable_metadata_routing=True):
        asking = MeanSegmenter().set_fit_request(sample_weight=True)
        found = cross_val_predict_proba(asking, X, X > 1, groups=[0] * 5, **options)
        np.testing.assert_allclose(found[:, 0, 0], expected)
        with pytest.raises(ValueError, match="sample_weight"):
            cross_val_predict_proba(MeanSegmenter(), X, X > 1, **options)


def test_groups_reach_the_splitter():
    X = powers(6)
    groups = [0, 0, 0, 1, 1, 1]
    found = cross_val_predict_proba(
        MeanSegmenter(), X, X > 1, cv=2, groups=groups, method="decision_function"
    )
    np.testing.assert_allclose(found[:, 0, 0], [8 + 16 + 32] * 3 + [1 + 2 + 4] * 3)


def test_jobs_change_nothing_and_the_estimator_is_left_alone(slices):
    X, y = slices
    estimator = ThresholdSegmenter(sigma=2.0)
    one = cross_val_predict_proba(estimator, X, y, cv=2)
    np.testing.assert_array_equal(cross_val_predict_proba(estimator, X, y, cv=2, n_jobs=2), one)
    assert not hasattr(estimator, "classes_")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"method": "proba"},
            InvalidInputError,
            "method must be one of 'predict_proba', 'predict_membrane', 'decision_function', "
            "'predict'; got 'proba'.",
        ),
        (
            {"estimator": FunctionTransformer()},
            InvalidTypeError,
            "estimator must be a segmenter with predict_proba; got FunctionTransformer. Give an "
            "instance such as UNetSegmenter()",
        ),
        (
            {"estimator": FunctionTransformer(), "method": "predict_membrane"},
            InvalidTypeError,
            "estimator must be a segmenter with predict_membrane; got FunctionTransformer.",
        ),
        (
            {"cv": [([0, 1], [2, 3])]},
            InvalidInputError,
            "cv must test each slice exactly once; X[0] is tested never (4 of 6 slices are). Use",
        ),
        (
            {"cv": [([0], [1, 2, 3]), ([1], [0, 3, 4, 5])]},
            InvalidInputError,
            "cv must test each slice exactly once; X[3] is tested more than once (1 of 6 slices",
        ),
        ({"cv": 7}, InvalidInputError, "n_splits must be at most the number of slices, 6; got 7."),
        ({"groups": [1]}, InvalidInputError, "groups must have one entry an image, shape (6,)"),
    ],
)
def test_refusals_before_the_first_fit(slices, arguments, error, message):
    X, y = slices
    with pytest.raises(error, match=re.escape(message)):
        cross_val_predict_proba(**({"estimator": ThresholdSegmenter(), "X": X, "y": y} | arguments))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_too_few_slices_for_the_default_folds(n):
    X = powers(n)
    message = (
        "X must hold at least 4 slices for blocks with a gap of one slice (cv=None); got "
        f"{n}. Give cv=SliceBlockKFold({max(2, n)}, gap=0), or more slices."
    )
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        cross_val_predict_proba(MeanSegmenter(), X, X > 1)


def test_unequal_lengths_are_refused(slices):
    X, y = slices
    with pytest.raises(ValueError, match=re.escape("inconsistent numbers of samples: [6, 5]")):
        cross_val_predict_proba(ThresholdSegmenter(), X, y[:5])

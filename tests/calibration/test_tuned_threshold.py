"""The threshold is the best one on slices that the segmenter has not seen."""

import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from membseg import (
    SliceBlockKFold,
    ThresholdSegmenter,
    TunedThresholdSegmenter,
    UNetSegmenter,
    cross_val_predict_proba,
    get_scorer,
    make_membranes,
)
from membseg.base import SegmenterMixin
from membseg.metrics import threshold_curve
from membseg.preprocessing import CLAHE


class Memory(SegmenterMixin, BaseEstimator):
    """Knows the masks that it was fitted on by heart, and nothing of others."""

    def fit(self, X, y):
        self.known_ = {image.tobytes(): mask for image, mask in zip(X, y, strict=True)}
        self.classes_, self.threshold_ = np.array([0, 1]), 0.5
        return self

    def decision_function(self, X):
        none = np.full(X.shape[1:], 0.4)
        return np.stack([self.known_.get(x.tobytes(), none) * 8.0 - 4.0 for x in X]).astype("f4")


@pytest.fixture(scope="module")
def slices():
    return make_membranes(6, 40, 32, random_state=0)


@pytest.mark.parametrize("scoring", ["iou", "v_rand", "boundary_f1"])
def test_it_is_the_best_of_the_curve_out_of_fold(slices, scoring):
    X, y = slices
    folds = SliceBlockKFold(3, gap=1)
    tuned = TunedThresholdSegmenter(ThresholdSegmenter(), scoring=scoring, cv=folds).fit(X, y)
    maps = cross_val_predict_proba(ThresholdSegmenter(), X, y, cv=folds, method="predict_membrane")
    expected = threshold_curve(y, maps, scoring)
    np.testing.assert_array_equal(tuned.curve_.scores, expected.scores)
    assert tuned.threshold_ == expected.best_threshold
    plain = ThresholdSegmenter().fit(X, y)
    np.testing.assert_array_equal(tuned.predict_proba(X), plain.predict_proba(X))
    np.testing.assert_array_equal(tuned.predict(X), plain.predict_membrane(X) >= tuned.threshold_)


def test_slices_that_it_has_seen_tell_nothing(slices):
    tuned = TunedThresholdSegmenter(Memory(), scoring="iou", cv=3).fit(*slices)
    # Out of fold its maps are flat, and so is the curve on either side of their one value.
    assert len(set(tuned.curve_.scores)) == 2


def test_frozen_is_not_fitted_again(slices):
    X, y = slices
    fitted = ThresholdSegmenter().fit(X[:3], y[:3])
    tuned = TunedThresholdSegmenter(FrozenEstimator(fitted), scoring="dice").fit(X[3:], y[3:])
    assert tuned.estimator_.estimator is fitted
    assert (
        tuned.threshold_
        == threshold_curve(y[3:], fitted.predict_membrane(X[3:]), "dice").best_threshold
    )
    with pytest.raises(NotFittedError):
        TunedThresholdSegmenter(FrozenEstimator(ThresholdSegmenter())).fit(X, y)


def test_other_values_of_masks_weights_and_pipelines(slices):
    X, y = slices
    inverted = np.where(y == 1, 0, 255).astype(np.uint8)
    pipeline = make_pipeline(CLAHE(), ThresholdSegmenter(membrane_label=0))
    tuned = TunedThresholdSegmenter(pipeline, scoring="iou", cv=3).fit(X, inverted)
    assert tuned.classes_.tolist() == [255, 0]
    assert tuned.score(X, inverted) > 0.2
    # Weights: only the first image counts.
    frozen = FrozenEstimator(ThresholdSegmenter().fit(X, y))
    weights = [1.0, 0, 0, 0, 0, 0]
    one = TunedThresholdSegmenter(frozen, scoring="iou").fit(X, y, sample_weight=weights)
    alone = TunedThresholdSegmenter(frozen, scoring="iou").fit(X[:1], y[:1])
    assert one.threshold_ == alone.threshold_


def test_it_is_a_segmenter_to_scikit_learn(slices):
    X, y = slices
    # Of six slices the search leaves three, too few for blocks with a gap.
    tuned = TunedThresholdSegmenter(ThresholdSegmenter(), scoring="iou", cv=KFold(2))
    grid = {"scoring": ["iou", "dice"], "estimator__sigma": [0.5, 1.5]}
    search = GridSearchCV(tuned, grid, cv=SliceBlockKFold(2, gap=0), scoring=get_scorer("iou"))
    assert set(search.fit(X, y).best_params_) == set(grid)
    copy = pickle.loads(pickle.dumps(tuned.fit(X, y)))
    np.testing.assert_array_equal(copy.predict(X), tuned.predict(X))
    assert tuned.__sklearn_tags__().tile_exact
    group = TunedThresholdSegmenter(UNetSegmenter(norm_layer="group"))
    assert not group.__sklearn_tags__().tile_exact


def test_bad_input(slices):
    with pytest.raises(ValueError, match="'scoring' parameter of TunedThresholdSegmenter must be"):
        TunedThresholdSegmenter(ThresholdSegmenter(), scoring="roc_auc").fit(*slices)
    with pytest.raises(ValueError, match="y must hold two classes"):
        TunedThresholdSegmenter(ThresholdSegmenter()).fit(slices[0], np.zeros_like(slices[1]))

"""The threshold is the best one on slices that the segmenter has not seen."""

import pickle
from itertools import product

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
from membseg.exceptions import InvalidInputError
from membseg.metrics import threshold_curve
from membseg.preprocessing import CLAHE
from membseg.utils._clean_mask import clean_mask
from membseg.utils._maps import logit


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
    frozen = FrozenEstimator(ThresholdSegmenter().fit(*make_membranes(2, 40, 32, random_state=1)))
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


# Gaps closed and small parts removed.


class Given(SegmenterMixin, BaseEstimator):
    """Images are its maps."""

    def fit(self, X, y):
        self.classes_, self.threshold_ = np.array([0, 1]), 0.5
        return self

    def decision_function(self, X):
        maps = [logit(np.float32(np.reshape(x, np.shape(x)[:2]))) for x in X]
        return maps if isinstance(X, list) else np.stack(maps)


@pytest.fixture(scope="module")
def torn():
    """Maps with gaps in walls and with specks, beside the whole walls."""
    rng = np.random.default_rng(0)
    y = np.zeros((3, 48, 48), dtype=int)
    y[:, ::12], y[:, :, ::12] = 1, 1
    X = 0.1 + 0.6 * y
    X[(y == 1) & (rng.random(y.shape) < 0.05)] = 0.1
    X[(y == 0) & (rng.random(y.shape) < 0.01)] = 0.7
    return X.astype(np.float32), y


@pytest.mark.parametrize(
    ("scoring", "name", "chosen"), [("v_rand", "closing", 1), ("iou", "min_size", 6)]
)
def test_cleaning_is_chosen_with_the_threshold(torn, scoring, name, chosen):
    X, y = torn
    frozen = FrozenEstimator(Given().fit(X, y))
    ways = {"closing": [0, 1, 5], "min_size": [0, 6]}
    tuned = TunedThresholdSegmenter(frozen, scoring=scoring, **ways).fit(X, y)
    assert getattr(tuned, f"{name}_") == chosen
    # The best of all, counted one by one.
    scores = {
        way: TunedThresholdSegmenter(frozen, scoring=scoring, closing=way[0], min_size=way[1])
        .fit(X, y)
        .curve_.scores.max()
        for way in product(*ways.values())
    }
    best = scores[tuned.closing_, tuned.min_size_]
    assert tuned.curve_.scores.max() == best == max(scores.values())
    assert best > scores[0, 0]
    # What the curve promises is what the masks score.
    scorer = get_scorer("v_rand_mask" if scoring == "v_rand" else scoring)
    assert scorer(tuned, X, y) == pytest.approx(best)
    clean = {"closing": tuned.closing_, "min_size": tuned.min_size_}
    expected = [clean_mask(x >= tuned.threshold_, **clean) for x in X]
    np.testing.assert_array_equal(tuned.predict(X), np.stack(expected))


def test_cleaned_masks_of_lists_of_outs_and_of_dask_arrays(torn):
    da = pytest.importorskip("dask.array", reason="needs dask, of the extra 'big'")
    X, y = torn
    frozen = FrozenEstimator(Given().fit(X, y))
    tuned = TunedThresholdSegmenter(frozen, scoring="iou", closing=1, min_size=6).fit(X, y)
    masks = tuned.predict(X)
    assert tuned.predict(X, out=np.zeros(y.shape, dtype=np.uint8)).dtype == np.uint8
    np.testing.assert_array_equal(tuned.predict(X, out=np.zeros(y.shape, np.uint8)), masks)
    listed = tuned.predict([X[0], X[1][:, :30], X[2]])
    np.testing.assert_array_equal(listed[0], masks[0])
    np.testing.assert_array_equal(listed[2], masks[2])
    baseline = TunedThresholdSegmenter(ThresholdSegmenter(), cv=KFold(3), closing=1, min_size=6)
    baseline.fit(X, y)
    lazy = baseline.predict(da.from_array(X, chunks=(2, 20, 48)))
    assert isinstance(lazy, da.Array)
    expected = baseline.predict(X)
    baseline.set_params(closing=5, min_size=0).fit(X, y)
    assert not np.array_equal(baseline.predict(X), expected)
    np.testing.assert_array_equal(lazy.compute(), expected)


@pytest.mark.parametrize(
    ("name", "value"), [("closing", [1, -1]), ("min_size", []), ("min_size", [2.5])]
)
def test_bad_cleaning(slices, name, value):
    tuned = TunedThresholdSegmenter(ThresholdSegmenter(), **{name: value})
    with pytest.raises(InvalidInputError, match=f"{name} must be a whole number of pixels, at"):
        tuned.fit(*slices)


def test_bad_input(slices):
    with pytest.raises(ValueError, match="'scoring' parameter of TunedThresholdSegmenter must be"):
        TunedThresholdSegmenter(ThresholdSegmenter(), scoring="roc_auc").fit(*slices)
    with pytest.raises(ValueError, match="y must hold two classes"):
        TunedThresholdSegmenter(ThresholdSegmenter()).fit(slices[0], np.zeros_like(slices[1]))

"""Ensembles, from their definitions."""

import pickle
import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import Pipeline

from membseg import EnsembleSegmenter, ThresholdSegmenter, make_membranes
from membseg.metrics import log_loss
from membseg.model_selection import SliceBlockKFold, cross_val_predict_proba
from membseg.preprocessing import CLAHE

PAIR = [("fine", ThresholdSegmenter(sigma=0.5)), ("coarse", ThresholdSegmenter(sigma=2.0))]


@pytest.fixture(scope="module")
def small():
    return make_membranes(6, 32, 40, random_state=0)


def test_mean_of_the_members_maps(small):
    X, y = small
    ensemble = EnsembleSegmenter(PAIR, weights=[3, 1]).fit(X, y)
    fine, coarse = (clone(member).fit(X, y).predict_membrane(X) for _, member in PAIR)
    mean = 0.75 * fine + 0.25 * coarse
    np.testing.assert_allclose(ensemble.predict_membrane(X), mean, atol=1e-6)
    spread = np.sqrt(0.75 * (fine - mean) ** 2 + 0.25 * (coarse - mean) ** 2)
    np.testing.assert_allclose(ensemble.predict_disagreement(X), spread, atol=1e-5)
    assert ensemble.predict_disagreement(X).max() <= 0.5


def test_mean_of_logits(small):
    X, y = small
    ensemble = EnsembleSegmenter(PAIR, average="logit").fit(X, y)
    logits = [clone(member).fit(X, y).decision_function(X) for _, member in PAIR]
    np.testing.assert_allclose(ensemble.decision_function(X), np.mean(logits, 0), rtol=1e-5)


def test_lists_of_images(small):
    X, y = small
    ensemble = EnsembleSegmenter(PAIR).fit(list(X), list(y))
    images = [X[0], X[1][:20]]
    for method in ("predict_membrane", "predict_disagreement", "predict", "decision_function"):
        maps = getattr(ensemble, method)(images)
        assert [m.shape for m in maps] == [(32, 40), (20, 40)]
    np.testing.assert_array_equal(ensemble.predict(X)[0], ensemble.predict(images)[0])


def test_extreme_members_stay_finite(small):
    X, y = small
    sure = ThresholdSegmenter(sigma=0.0)
    ensemble = EnsembleSegmenter([("a", sure), ("b", sure)]).fit(X, y)
    hard = (X * 1000.0) ** 2
    logits = ensemble.decision_function(hard)
    assert np.isfinite(logits).all()
    assert np.isfinite(log_loss(y, ensemble.predict_proba(hard)[:, 1]))


def test_seeds_make_members_that_differ_and_repeat(quick, slices):
    X, y = slices
    ensemble = EnsembleSegmenter(quick(), n_members=2, random_state=3).fit(X, y)
    seeds = [member.random_state for member in ensemble.estimators_]
    assert len(set(seeds)) == 2
    again = clone(ensemble).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), ensemble.predict_proba(X))
    alone = quick(random_state=seeds[1]).fit(X, y)
    np.testing.assert_array_equal(alone.predict_proba(X), ensemble.estimators_[1].predict_proba(X))


def test_snapshots_are_one_training(quick, slices):
    X, y = slices
    ensemble = EnsembleSegmenter(quick(), n_members=2, members="snapshots", random_state=0)
    first, second = ensemble.fit(X, y).estimators_
    np.testing.assert_array_equal(clone(first).fit(X, y).predict_proba(X), first.predict_proba(X))
    assert not first.warm_start
    assert not second.warm_start
    gone_on = clone(first).set_params(warm_start=True)
    gone_on.fit(X, y).fit(X, y)
    np.testing.assert_array_equal(gone_on.predict_proba(X), second.predict_proba(X))


def test_folds_leave_their_part_out(small):
    X, y = small
    cv = SliceBlockKFold(3, gap=1)
    seen = []

    class Recording(ThresholdSegmenter):
        def fit(self, X, y=None, **extra):
            seen.append(len(X))
            return super().fit(X, y, **extra)

    EnsembleSegmenter(Recording(), members="folds", cv=cv).fit(X, y)
    assert seen == [len(train) for train, _ in cv.split(X)]
    seen.clear()
    ensemble = EnsembleSegmenter(Recording(), members="folds", n_members=2).fit(X, y)
    assert len(ensemble.estimators_) == len(seen) == 2


def test_learnt_weights_have_the_least_log_loss_out_of_fold(small):
    X, y = small
    cv = SliceBlockKFold(2, gap=1)
    ensemble = EnsembleSegmenter(PAIR, weights="learn", cv=cv).fit(X, y)
    maps = [
        cross_val_predict_proba(member, X, y, cv=cv, method="predict_membrane")
        for _, member in PAIR
    ]

    def loss(share: float) -> float:
        return log_loss(y, share * maps[0] + (1 - share) * maps[1])

    found = loss(ensemble.weights_[0])
    assert ensemble.weights_.sum() == pytest.approx(1)
    assert found <= min(loss(share) for share in np.linspace(0, 1, 21)) + 1e-4


def test_threshold_is_the_members_mean_or_given(small):
    X, y = small
    auto = EnsembleSegmenter(PAIR, weights=[1, 3]).fit(X, y)
    thresholds = [member.threshold_ for member in auto.estimators_]
    assert auto.threshold_ == pytest.approx(np.average(thresholds, weights=[1, 3]))
    assert EnsembleSegmenter(PAIR, threshold=0.2).fit(X, y).threshold_ == 0.2


def test_searched_with_the_members_parameters(small):
    X, y = small
    grid = {"fine__sigma": [0.5, 1.0], "average": ["probability", "logit"]}
    search = GridSearchCV(EnsembleSegmenter(PAIR), grid, cv=KFold(2)).fit(X, y)
    assert set(search.best_params_) == set(grid)
    one = GridSearchCV(
        EnsembleSegmenter(ThresholdSegmenter()), {"estimators__sigma": [0.5, 1.0]}, cv=KFold(2)
    )
    assert one.fit(X, y).best_params_["estimators__sigma"] in (0.5, 1.0)


def test_sample_weight_reaches_the_members(small):
    X, y = small
    weights = np.array([1.0, 0, 0, 0, 0, 0])
    inverted = y.copy()
    inverted[1:] = 1 - y[1:]
    ensemble = EnsembleSegmenter(PAIR).fit(X, inverted, sample_weight=weights)
    expected = EnsembleSegmenter(PAIR).fit(X, y)
    np.testing.assert_array_equal(ensemble.predict(X), expected.predict(X))


def test_pickle_and_before_fit(small):
    X, y = small
    with pytest.raises(NotFittedError):
        EnsembleSegmenter(PAIR).predict(X)
    with pytest.raises(NotFittedError):
        EnsembleSegmenter(PAIR).predict_disagreement(X)
    ensemble = EnsembleSegmenter(PAIR).fit(X, y)
    again = pickle.loads(pickle.dumps(ensemble))
    np.testing.assert_array_equal(again.predict_proba(X), ensemble.predict_proba(X))


def test_dask_stays_lazy(small):
    array = pytest.importorskip("dask.array", reason="needs dask, of the extra 'big'")
    X, y = small
    ensemble = EnsembleSegmenter(PAIR).fit(X, y)
    lazy = ensemble.predict_membrane(array.from_array(X, chunks=(2, 32, 40)))
    np.testing.assert_allclose(lazy.compute(), ensemble.predict_membrane(X), atol=1e-6)


@pytest.mark.parametrize(
    ("ensemble", "text"),
    [
        (EnsembleSegmenter([]), "estimators must be a segmenter, or a list of pairs"),
        (EnsembleSegmenter([PAIR[0][1]]), "estimators must be a segmenter, or a list of pairs"),
        (EnsembleSegmenter("unet"), "The 'estimators' parameter of EnsembleSegmenter must be"),
        (EnsembleSegmenter(PAIR, members="folds"), "members='folds' makes copies of one segmenter"),
        (EnsembleSegmenter(PAIR, weights=[1.0]), "weights must hold one number that is not"),
        (EnsembleSegmenter(PAIR, weights=[-1, 2]), "weights must hold one number that is not"),
        (EnsembleSegmenter(PAIR, weights=[0, 0]), "weights must hold a positive number"),
        (
            EnsembleSegmenter(ThresholdSegmenter(), weights="learn"),
            "weights='learn' needs members that differ by more than chance",
        ),
        (
            EnsembleSegmenter(ThresholdSegmenter(), members="snapshots"),
            "members='snapshots' needs a segmenter with the parameter warm_start",
        ),
        (EnsembleSegmenter(PAIR, n_members=0), "The 'n_members' parameter"),
        (EnsembleSegmenter([PAIR[0], PAIR[0]]), "Names provided are not unique"),
    ],
)
def test_bad_ensembles(ensemble, text, small):
    with pytest.raises((ValueError, TypeError), match=re.escape(text)):
        ensemble.fit(*small)


def test_members_must_mean_the_same_by_membrane(small):
    X, y = small
    pair = [(f"{label}", ThresholdSegmenter(membrane_label=label)) for label in (0, 1)]
    # As much membrane as cell, so that neither label looks wrong.
    even = np.broadcast_to(np.arange(40) % 2, y.shape)
    with pytest.raises(ValueError, match=re.escape("estimators must agree on classes_")):
        EnsembleSegmenter(pair).fit(X, even)


def test_pipelines_and_searches_are_members_too(small):
    X, y = small
    steps = [("contrast", CLAHE()), ("segment", ThresholdSegmenter())]
    search = GridSearchCV(ThresholdSegmenter(), {"sigma": [1.0]}, cv=KFold(2))
    members = [("pipeline", Pipeline(steps)), ("search", search)]
    ensemble = EnsembleSegmenter(members).fit(X, y)
    maps = [clone(member).fit(X, y).predict_proba(X)[:, 1] for _, member in members]
    np.testing.assert_allclose(ensemble.predict_membrane(X), np.mean(maps, 0), atol=1e-6)
    listed = ensemble.predict_membrane(list(X))
    np.testing.assert_allclose(listed[1], np.mean(maps, 0)[1], atol=1e-6)

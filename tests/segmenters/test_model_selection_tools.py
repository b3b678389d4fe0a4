"""The model-selection tools of scikit-learn and scikit-optimize on the real estimator."""

import sys
import warnings

import numpy as np
import pytest
import sklearn
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    train_test_split,
    validation_curve,
)
from sklearn.pipeline import Pipeline

from membseg import UNetSegmenter, get_scorer, make_membranes, make_scoring
from membseg.exceptions import TrainingWarning
from membseg.preprocessing import CLAHE, Denoiser

CV = KFold(2)


@pytest.fixture(scope="module")
def small():
    """Four slices of 32 x 32 pixels."""
    return make_membranes(4, 32, 32, random_state=0)


@pytest.fixture
def net(quick):
    """A net that trains in a fraction of a second."""
    return quick(validation_fraction=0.0, threshold=0.4)


def test_cross_val_score_is_score_on_the_held_out_part(net, small):
    X, y = small
    scores = cross_val_score(net, X, y, cv=CV)
    expected = [net.fit(X[train], y[train]).score(X[test], y[test]) for train, test in CV.split(X)]
    np.testing.assert_array_equal(scores, expected)


def test_cross_validate_with_several_scores_and_estimators(net, small):
    X, y = small
    names = ("iou", "dice", "v_rand", "log_loss")
    scoring = make_scoring(*names)
    result = cross_validate(
        net, X, y, cv=CV, scoring=scoring, return_estimator=True, return_train_score=True
    )
    for name in names:
        assert np.isfinite(result[f"test_{name}"]).all()
        assert np.isfinite(result[f"train_{name}"]).all()
    _, test = next(iter(CV.split(X)))
    again = get_scorer("dice")(result["estimator"][0], X[test], y[test])
    assert again == result["test_dice"][0]


def test_cross_val_predict_gives_masks(net, small):
    X, y = small
    masks = cross_val_predict(net, X, y, cv=CV)
    train, test = next(iter(CV.split(X)))
    np.testing.assert_array_equal(masks[test], net.fit(X[train], y[train]).predict(X[test]))


def test_grid_search_with_several_scores(net, small):
    X, y = small
    search = GridSearchCV(
        net,
        {"learning_rate": [1e-3, 1e-2], "threshold": [0.3, 0.6]},
        cv=CV,
        scoring=make_scoring("iou", "dice"),
        refit="iou",
    ).fit(X, y)
    best = cross_val_score(net.set_params(**search.best_params_), X, y, cv=CV).mean()
    assert search.best_score_ == pytest.approx(best)
    assert search.predict_proba(X).shape == (4, 2, 32, 32)


@pytest.mark.slow
def test_randomized_search_over_the_ready_made_space(quick, slices):
    X, y = slices
    space = UNetSegmenter.search_space("small", library="sklearn")
    search = RandomizedSearchCV(quick(), space, n_iter=3, cv=CV, random_state=0).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_halving_search_over_epochs(net, small):
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401  # makes the next exist
    from sklearn.model_selection import HalvingGridSearchCV

    X, y = small
    search = HalvingGridSearchCV(
        net,
        {"learning_rate": [1e-3, 3e-3, 1e-2, 3e-2]},
        cv=CV,
        resource="epochs",
        min_resources=1,
        max_resources=4,
        factor=2,
    ).fit(X, y)
    assert search.n_resources_ == [1, 2, 4]
    assert len(search.best_estimator_.history_) == 4


def test_nested_cross_validation(net, small):
    X, y = small
    inner = GridSearchCV(net, {"threshold": [0.3, 0.6]}, cv=CV)
    assert np.isfinite(cross_val_score(inner, X, y, cv=CV)).all()


def test_curves(net, small):
    X, y = small
    sizes, train, test = learning_curve(net, X, y, cv=CV, train_sizes=[1, 2])
    assert sizes.tolist() == [1, 2]
    assert train.shape == test.shape == (2, 2)
    _, test = validation_curve(
        net, X, y, param_name="learning_rate", param_range=[1e-3, 1e-2], cv=CV
    )
    assert np.isfinite(test).all()


def test_permutation_test(net, small):
    X, y = small
    score, permuted, p_value = permutation_test_score(
        net, X, y, cv=CV, n_permutations=2, random_state=0
    )
    assert score == cross_val_score(net, X, y, cv=CV).mean()
    assert len(permuted) == 2
    assert 0 < p_value <= 1


def test_groups_stay_together(net, small):
    X, y = small
    groups = [0, 0, 1, 1]
    scores = cross_val_score(net, X, y, groups=groups, cv=LeaveOneGroupOut())
    np.testing.assert_array_equal(scores, cross_val_score(net, X, y, cv=CV))


def test_pipeline_with_preprocessing_is_searched_as_one(net, small):
    X, y = small
    steps = [("smooth", Denoiser()), ("contrast", CLAHE()), ("segment", net)]
    grid = {"smooth__strength": [0.5, 1.0], "segment__threshold": [0.4, 0.5]}
    search = GridSearchCV(Pipeline(steps), grid, cv=CV, scoring=get_scorer("dice")).fit(X, y)
    assert search.predict(X).shape == y.shape
    by_hand = Denoiser(strength=search.best_params_["smooth__strength"]).fit_transform(X)
    by_hand = CLAHE().fit_transform(by_hand)
    net.set_params(threshold=search.best_params_["segment__threshold"]).fit(by_hand, y)
    np.testing.assert_array_equal(search.predict_proba(X), net.predict_proba(by_hand))


def test_frozen_segmenters_are_not_trained_again(net, small):
    X, y = small
    frozen = FrozenEstimator(net.fit(X[:2], y[:2]))
    expected = net.predict_proba(X)
    result = cross_validate(frozen, X, y, cv=CV, return_estimator=True, scoring=get_scorer("iou"))
    for estimator in result["estimator"]:
        np.testing.assert_array_equal(estimator.predict_proba(X), expected)


def test_train_test_split_by_coverage(small):
    X, y = small
    coverage = y.mean(axis=(1, 2))
    strata = coverage > np.median(coverage)
    *_, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=strata, random_state=0)
    assert y_train.shape == y_test.shape


@pytest.mark.parametrize("per_pixel", [False, True])
def test_sample_weights_are_split_with_the_images(net, small, per_pixel):
    X, y = small
    weights = np.array([1.0, 3.0, 2.0, 1.0])
    if per_pixel:
        weights = weights[:, None, None] * np.ones(y.shape)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = net.set_fit_request(sample_weight=True, groups=True)
        result = cross_validate(
            routed,
            X,
            y,
            cv=GroupKFold(2),
            params={"sample_weight": weights, "groups": [0, 0, 1, 1]},
            return_estimator=True,
            return_indices=True,
            scoring=get_scorer("iou").set_score_request(sample_weight=True),
        )
        train = result["indices"]["train"][0]
        groups = np.array([0, 0, 1, 1])[train]
        expected = net.fit(X[train], y[train], sample_weight=weights[train], groups=groups)
    np.testing.assert_array_equal(
        result["estimator"][0].decision_function(X), expected.decision_function(X)
    )


def test_bayes_search_survives_candidates_that_cannot_be_trained(net, small):
    skopt = pytest.importorskip("skopt", reason="needs scikit-optimize, of the extra 'search'")
    X, y = small
    # With a halo wider than any tile half of the candidates cannot predict.
    search = skopt.BayesSearchCV(
        net.set_params(on_failure="worst"),
        {
            "learning_rate": skopt.space.Real(1e-3, 1e-2, prior="log-uniform"),
            "base_filters": skopt.space.Integer(2, 5),
            "tile_size": skopt.space.Categorical([16, 512]),
            "threshold": skopt.space.Real(0.2, 0.6),
        },
        n_iter=4,
        cv=CV,
        random_state=0,
        scoring=get_scorer("iou"),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingWarning)
        search.fit(X, y)
    sizes = search.cv_results_["param_tile_size"]
    assert set(sizes) == {16, 512}
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert type(search.best_params_["base_filters"]) is int


def test_optuna_search(net, small):
    pytest.importorskip("optuna", reason="needs Optuna, of the extra 'search'")
    with warnings.catch_warnings():
        # Optuna warns of what it calls experimental, and of what it will call otherwise.
        warnings.simplefilter("ignore")
        from optuna_integration import OptunaSearchCV

        X, y = small
        space = UNetSegmenter.search_space("small", library="optuna")
        search = OptunaSearchCV(
            net, space, cv=CV, n_trials=2, random_state=0, scoring=get_scorer("iou")
        ).fit(X, y)
    assert set(search.best_params_) == set(space)
    assert search.predict(X).shape == y.shape


@pytest.mark.slow
def test_two_processes_give_what_one_does(net, small):
    if sys.platform == "win32":
        pytest.skip("starting processes takes minutes there")
    X, y = small
    alone = cross_val_score(net, X, y, cv=CV)
    np.testing.assert_allclose(cross_val_score(net, X, y, cv=CV, n_jobs=2), alone, atol=1e-6)


@pytest.mark.slow
def test_a_cluster_of_dask_runs_the_same_search(net, small):
    import joblib

    distributed = pytest.importorskip("distributed", reason="needs dask's distributed")
    X, y = small
    grid = {"threshold": [0.3, 0.6]}
    alone = GridSearchCV(net, grid, cv=CV).fit(X, y)
    with (
        distributed.Client(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ),
        joblib.parallel_config(backend="dask"),
    ):
        shared = GridSearchCV(net, grid, cv=CV, n_jobs=2).fit(X, y)
    assert shared.best_params_ == alone.best_params_
    np.testing.assert_allclose(
        shared.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"], atol=1e-6
    )

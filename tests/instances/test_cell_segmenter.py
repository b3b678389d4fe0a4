"""A segmenter of membranes that gives cells, to scikit-learn and to the scorers."""

import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from membseg import (
    CellSegmenter,
    ThresholdSegmenter,
    UNetSegmenter,
    check_segmenter,
    get_scorer,
    label_cells,
    make_membranes,
    make_scoring,
)
from membseg.base import SegmenterMixin
from membseg.exceptions import DataWarning
from membseg.instances import score_cells
from membseg.metrics import label_components, mean_average_precision_score
from membseg.preprocessing import CLAHE
from membseg.utils._maps import logit


@pytest.fixture(scope="module")
def slices():
    return make_membranes(6, 48, 40, random_state=0)


class Given(SegmenterMixin, BaseEstimator):
    """Images are its maps."""

    def fit(self, X, y):
        self.classes_, self.threshold_ = np.array([0, 1]), 0.5
        return self

    def decision_function(self, X):
        maps = [logit(np.float32(np.reshape(x, np.shape(x)[:2]))) for x in X]
        return maps if isinstance(X, list) else np.stack(maps)


@pytest.mark.parametrize("method", ["threshold", "watershed", "agglomerate"])
def test_cells_are_those_of_the_map_and_membranes_stay(slices, method):
    X, y = slices
    plain = ThresholdSegmenter().fit(X, y)
    cells = CellSegmenter(ThresholdSegmenter(), method=method, min_size=9).fit(X, y)
    np.testing.assert_array_equal(cells.predict(X), plain.predict(X))
    np.testing.assert_array_equal(cells.predict_proba(X), plain.predict_proba(X))
    maps = plain.predict_membrane(X)
    expected = label_cells(maps, method, threshold=plain.threshold_, min_size=9)
    labels, scores = cells.predict_instances(X, return_scores=True)
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_array_equal(cells.predict_instances(X), expected)
    for one, other in zip(scores, score_cells(expected, maps), strict=True):
        np.testing.assert_allclose(one, other)
    assert 0 <= mean_average_precision_score(label_components(y), labels, scores) <= 1
    listed, listed_scores = cells.predict_instances([X[0], X[1][:, :30]], return_scores=True)
    assert isinstance(listed, list)
    np.testing.assert_array_equal(listed[0], expected[0])
    assert len(listed_scores[1]) == listed[1].max()


def test_its_threshold_is_that_of_masks_too(slices):
    X, y = slices
    cells = CellSegmenter(ThresholdSegmenter(), threshold=0.3).fit(X, y)
    assert cells.threshold_ == 0.3
    np.testing.assert_array_equal(cells.predict(X), cells.predict_membrane(X) >= 0.3)


def test_scorers_see_the_cells(grid):
    maps, labels = grid
    y = (labels == 0).astype(int)
    torn = maps.copy()
    torn[:, 4:7] = 0.1  # gaps in three walls
    scores = {
        method: get_scorer("panoptic_quality")(
            CellSegmenter(Given(), method=method).fit(torn, y), torn, y
        )
        for method in ("threshold", "watershed")
    }
    assert scores["watershed"] > 0.95 > scores["threshold"]


def test_parameters_are_searched_with_those_of_the_segmenter(slices):
    X, y = slices
    grid = {"method": ["threshold", "watershed"], "segmenter__sigma": [0.5, 1.5]}
    scoring = make_scoring("mean_instance_accuracy", "iou")
    search = GridSearchCV(
        CellSegmenter(ThresholdSegmenter()), grid, cv=KFold(2), scoring=scoring, refit="iou"
    )
    assert set(search.fit(X, y).best_params_) == set(grid)
    pipe = make_pipeline(CLAHE(), CellSegmenter(ThresholdSegmenter())).fit(X, y)
    score = get_scorer("instance_f1")
    assert score(pipe, X, y) == score(pipe[-1], pipe[0].transform(X), y)


@pytest.mark.parametrize("method", ["threshold", "watershed", "agglomerate"])
def test_tuned_on_slices_held_out(grid, method):
    maps, labels = grid
    y = (labels == 0).astype(int)
    X = np.clip(maps - 0.5, 0, 1)  # walls at 0.3, below the usual threshold
    X[:, 4:7] = 0.0
    frozen = FrozenEstimator(Given().fit(X, y))
    tuned = CellSegmenter(frozen, method=method, tune="panoptic_quality").fit(X, y)
    plain = CellSegmenter(frozen, method=method).fit(X, y)
    score = get_scorer("panoptic_quality")
    assert score(tuned, X, y) > score(plain, X, y)
    assert score(tuned, X, y) == pytest.approx(max(t["score"] for t in tuned.trials_))
    assert tuned.trials_[0] == {
        "threshold": 0.5, "merge_threshold": 0.5, "seed_distance": 3.0, "wall_threshold": 0.5,
        "score": pytest.approx(score(plain, X, y)),
    }  # fmt: skip
    assert len(tuned.trials_) == {"threshold": 9, "watershed": 18, "agglomerate": 34}[method]
    fixed = CellSegmenter(frozen, method=method, threshold=0.2, tune="adapted_rand_error")
    assert fixed.fit(X, y).threshold_ == 0.2


def test_tuning_looks_at_maps_out_of_fold(slices):
    X, y = slices
    tuned = CellSegmenter(ThresholdSegmenter(), tune="instance_f1", cv=3).fit(X, y)
    assert len(tuned.trials_) == 18
    assert tuned.segmenter_.predict(X).shape == y.shape
    seen = FrozenEstimator(ThresholdSegmenter().fit(X[:3], y[:3]))
    with pytest.warns(DataWarning, match="The frozen segmenter learnt from 3 of the images"):
        CellSegmenter(seen, tune="instance_f1").fit(X, y)
    # Without anything to choose, it does not matter.
    CellSegmenter(seen).fit(X, y)


def test_frozen_pickle_clone_and_tags(slices):
    X, y = slices
    fitted = ThresholdSegmenter().fit(X, y)
    cells = CellSegmenter(FrozenEstimator(fitted)).fit(X, y)
    assert cells.segmenter_.estimator is fitted
    again = pickle.loads(pickle.dumps(cells))
    np.testing.assert_array_equal(again.predict_instances(X), cells.predict_instances(X))
    assert clone(cells).get_params(deep=False).keys() == cells.get_params(deep=False).keys()
    assert cells.__sklearn_tags__().tile_exact
    group = CellSegmenter(UNetSegmenter(norm_layer="group"))
    assert not group.__sklearn_tags__().tile_exact
    with pytest.raises(NotFittedError):
        CellSegmenter(ThresholdSegmenter()).predict_instances(X)
    with pytest.raises(NotFittedError):
        CellSegmenter(FrozenEstimator(ThresholdSegmenter())).fit(X, y)


def test_other_values_of_masks(slices):
    X, y = slices
    turned = np.where(y == 1, 0, 255).astype(np.uint8)
    cells = CellSegmenter(ThresholdSegmenter(membrane_label=0)).fit(X, turned)
    assert cells.classes_.tolist() == [255, 0]
    plain = CellSegmenter(ThresholdSegmenter()).fit(X, y)
    np.testing.assert_array_equal(cells.predict_instances(X), plain.predict_instances(X))


@pytest.mark.slow
def test_the_contract():
    exempt = {"check_tunables_are_scalars": "cv is a splitter, since three slices allow no gap"}
    check_segmenter(CellSegmenter(ThresholdSegmenter()), expected_failed_checks=exempt)
    tuned = CellSegmenter(ThresholdSegmenter(), tune="instance_f1", cv=KFold(2), min_size=5)
    check_segmenter(tuned, expected_failed_checks=exempt)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("method", "snakes"),
        ("threshold", 1.0),
        ("wall_threshold", 0.0),
        ("merge_threshold", 0),
        ("tune", "iou"),
    ],
)
def test_bad_parameters(slices, name, value):
    cells = CellSegmenter(ThresholdSegmenter(), **{name: value})
    with pytest.raises(ValueError, match=f"'{name}' parameter of CellSegmenter must be"):
        cells.fit(*slices)


def test_bad_input(slices):
    X, y = slices
    with pytest.raises(ValueError, match="This looks like cell ids"):
        CellSegmenter(ThresholdSegmenter()).fit(X, label_components(y))
    with pytest.raises(ValueError, match="y must hold two classes"):
        CellSegmenter(ThresholdSegmenter()).fit(X, 0 * y)

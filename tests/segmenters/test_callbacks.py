"""scikit-learn's callbacks hear of each epoch, in a search too."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold

from membseg import get_scorer

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks since 1.9")


class Recorder:
    """Writes down what it hears; stops training after an epoch on request."""

    max_propagation_depth = None

    def __init__(self, stop_after=None):
        self.heard = []
        self.stop_after = stop_after

    def setup(self, estimator, context):
        self.heard.append("setup")

    def teardown(self, estimator, context):
        self.heard.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.heard.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.heard.append(f"end {context.task_name}")
        self.last = fitted_estimator
        return context.task_name == "epoch" and context.task_id + 1 == self.stop_after


def test_every_epoch_is_told(quick, slices):
    recorder = Recorder()
    quick(epochs=2).set_callbacks(recorder).fit(*slices)
    epoch = ["begin epoch", "end epoch"]
    assert recorder.heard == ["setup", "begin fit", *epoch, *epoch, "end fit", "teardown"]


def test_a_callback_changes_no_bit(quick, slices):
    X, y = slices
    plain = quick(epochs=2).fit(X, y)
    watched = quick(epochs=2).set_callbacks(Recorder()).fit(X, y)
    np.testing.assert_array_equal(plain.decision_function(X), watched.decision_function(X))


def test_a_callback_stops_training(quick, slices):
    segmenter = quick(epochs=4).set_callbacks(Recorder(stop_after=2)).fit(*slices)
    assert len(segmenter.history_) == 2
    assert segmenter.n_steps_ == 4


def test_the_segmenter_of_an_epoch_predicts(quick, slices):
    X, y = slices
    recorder = Recorder(stop_after=1)
    segmenter = quick(epochs=2, validation_fraction=0.0).set_callbacks(recorder)
    seen = []
    recorder.on_fit_task_end = lambda estimator, context, *, fitted_estimator=None: seen.append(
        fitted_estimator.decision_function(X)
    )
    segmenter.fit(X, y)
    # After each of two epochs and at the end; without a validation part the last weights stay.
    assert len(seen) == 3
    assert (seen[0] != seen[1]).any()
    np.testing.assert_array_equal(seen[1], seen[2])
    np.testing.assert_array_equal(seen[2], segmenter.decision_function(X))


def test_scoring_monitor_scores_each_epoch(quick, slices):
    monitor = callback.ScoringMonitor(scoring={"iou": get_scorer("iou")})
    quick(epochs=3).set_callbacks(monitor).fit(*slices)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == 3
    assert all(0 <= row["iou"] <= 1 for row in rows)


def test_in_a_search_each_candidate_is_heard(quick, slices):
    recorder = Recorder()
    grid = {"learning_rate": [1e-3, 2e-3]}
    search = GridSearchCV(quick(), grid, cv=KFold(2), refit=False)
    search.set_callbacks(recorder).fit(*slices)
    assert recorder.heard.count("end epoch") == 4
    assert recorder.heard.count("setup") == recorder.heard.count("teardown") == 1


def test_callbacks_go_with_clones_and_end_after_a_failure(quick, slices):
    recorder = Recorder()
    segmenter = clone(quick(validation_fraction=0.1).set_callbacks(recorder))
    X, y = slices
    with pytest.raises(ValueError, match="NaN"):
        segmenter.fit(np.full(X.shape, np.nan), y)
    assert "begin fit" not in recorder.heard
    failing = segmenter.set_params(tile_size=16, depth=4)
    with pytest.raises(ValueError, match="tile_size"):
        failing.fit(X, y)
    assert recorder.heard[-1] == "teardown"
    assert not hasattr(failing, "_callback_fit_ctx")

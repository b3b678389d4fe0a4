"""What fit does: determinism, validation, weights, time, memory, interruption."""

import random

import numpy as np
import pytest

from membseg import UNetSegmenter
from membseg.datasets import make_membranes
from membseg.exceptions import OutOfMemoryError, TrainingWarning
from membseg.training import HostSteps, Schedule


def test_same_seed_same_bits_and_global_states_are_left_alone(fitted, slices, quick):
    X, y = slices
    np.random.seed(7)
    random.seed(7)
    before = np.random.get_state()[1].copy(), random.getstate()
    again = quick().fit(X, y)
    np.testing.assert_array_equal(np.random.get_state()[1], before[0])
    assert random.getstate() == before[1]
    np.testing.assert_array_equal(again.decision_function(X), fitted.decision_function(X))
    assert again.threshold_ == fitted.threshold_
    other = quick(random_state=1).fit(X, y)
    assert not np.array_equal(other.decision_function(X), fitted.decision_function(X))


def test_fit_twice_equals_fit_once(slices, quick):
    X, y = slices
    segmenter = quick(dropout=0.2, augmentation="d4+elastic+intensity+blur+noise").fit(X, y)
    first = segmenter.decision_function(X)
    assert segmenter.fit(X, y) is segmenter
    np.testing.assert_array_equal(segmenter.decision_function(X), first)


def test_fit_leaves_parameters_and_data_alone(slices, quick):
    X, y = slices
    segmenter = quick()
    params, images, masks = segmenter.get_params(), X.copy(), y.copy()
    segmenter.fit(X, y)
    assert segmenter.get_params() == params
    np.testing.assert_array_equal(X, images)
    np.testing.assert_array_equal(y, masks)


def test_it_learns():
    X, y = make_membranes(6, 96, 96, difficulty=0.1, random_state=1)
    segmenter = UNetSegmenter(
        depth=2,
        base_filters=8,
        max_steps=150,
        batch_size=4,
        patch_size=64,
        learning_rate=5e-3,
        tta="none",
        random_state=0,
    )
    segmenter.fit(X[:5], y[:5])
    assert segmenter.score(X[5:], y[5:]) > 0.5
    assert segmenter.history_[-1]["val_loss"] < segmenter.history_[0]["val_loss"]


def test_steps_of_a_timed_fit_give_the_same_bits(slices, quick, monkeypatch):
    X, y = slices
    # Not even a busy machine may cut this run short; the next test is about one that is.
    monkeypatch.setattr(Schedule, "is_late", lambda self: False)
    timed = quick(time_limit=5.0, steps_per_epoch=10).fit(X, y)
    assert timed.fit_time_ < 30
    assert timed.n_steps_ > 2
    again = quick(max_steps=timed.n_steps_, steps_per_epoch=10).fit(X, y)
    assert again.n_steps_ == timed.n_steps_
    np.testing.assert_array_equal(again.decision_function(X), timed.decision_function(X))


def test_a_run_that_the_clock_cuts_short_says_so(slices, quick, monkeypatch):
    monkeypatch.setattr(Schedule, "is_late", lambda self: True)
    with pytest.warns(TrainingWarning, match=r"time_limit=3 ended training after 1 steps, before"):
        segmenter = quick(time_limit=3).fit(*slices)
    assert segmenter.n_steps_ == 1


def test_ignored_pixels_count_nowhere(slices, quick):
    X, y = slices
    sparse = y.astype(np.int16)
    sparse[:, :, 20:] = -1
    other = sparse.copy()
    other[:, :, 20:] = 5
    a = quick().fit(X, sparse)
    b = quick(ignore_label=5).fit(X, other)
    np.testing.assert_array_equal(a.decision_function(X), b.decision_function(X))
    assert a.score(X, sparse) == pytest.approx(a.score(X[:, :, :20], y[:, :, :20]), abs=0.05)
    assert a.score(X, sparse) == b.score(X, other)
    assert set(np.unique(a.predict(X))) <= {0, 1}


def test_zero_weight_equals_ignoring(slices, quick):
    X, y = slices
    weight = np.ones(y.shape)
    weight[:, 40:] = 0
    ignored = np.where(weight == 0, -1, y.astype(np.int16))
    params = {"validation_fraction": 0, "threshold": 0.5}
    a = quick(**params).fit(X, y, sample_weight=weight)
    b = quick(**params, patch_size=64).fit(X, ignored)
    # Patches as large as the image: the same patches whatever the labels are.
    np.testing.assert_allclose(a.decision_function(X), b.decision_function(X), atol=1e-5)


def test_image_weights_count_even_one_image_at_a_time(slices, quick):
    X, y = slices
    params = {"batch_size": 1, "max_steps": 6, "threshold": 0.5}
    plain = quick(**params).fit(X, y)
    heavy = quick(**params).fit(X, y, sample_weight=[1, 1, 1, 1000])
    scaled = quick(**params).fit(X, y, sample_weight=[5, 5, 5, 5000])
    assert np.abs(heavy.decision_function(X) - plain.decision_function(X)).max() > 1e-4
    np.testing.assert_allclose(heavy.decision_function(X), scaled.decision_function(X), atol=1e-5)


def test_image_weights_change_the_fit(fitted, slices, quick):
    X, y = slices
    weighted = quick().fit(X, y, sample_weight=[1, 1, 1, 5])
    assert not np.array_equal(weighted.decision_function(X), fitted.decision_function(X))
    same = quick().fit(X, y, sample_weight=np.ones(4))
    np.testing.assert_array_equal(same.decision_function(X), fitted.decision_function(X))


def test_validation_labels_are_never_trained_on(slices, quick):
    X, y = slices
    rng = np.random.default_rng(0)
    for validation in (y[3:], rng.permuted(y[3:], axis=1)):
        segmenter = quick(threshold=0.5).fit(X[:3], y[:3], validation_data=(X[3:], validation))
        if validation is y[3:] or np.array_equal(validation, y[3:]):
            expected = segmenter.decision_function(X)
        else:
            np.testing.assert_array_equal(segmenter.decision_function(X), expected)


def test_groups_are_held_out(slices, quick):
    X, y = slices
    segmenter = quick().fit(X, y, groups=[0, 0, 1, 1])
    assert "val_loss" in segmenter.history_[0]


def test_without_validation_part(slices, quick):
    X, y = slices
    segmenter = quick(validation_fraction=0, epochs=3).fit(X, y)
    assert "val_loss" not in segmenter.history_[0]
    assert segmenter.best_epoch_ == 3
    assert segmenter.threshold_ == 0.5


def test_monitor_and_threshold_by_name(slices, quick):
    X, y = slices
    segmenter = quick(
        monitor="dice", threshold="v_rand", epochs=2, early_stopping=True, patience=9
    ).fit(X, y)
    scores = [row["val_dice"] for row in segmenter.history_]
    assert segmenter.best_epoch_ == 1 + int(np.argmax(scores))
    assert 0 < segmenter.threshold_ < 1


def test_threshold_is_where_iou_is_best(slices, quick):
    X, y = slices
    segmenter = quick(threshold="iou", max_steps=60, patch_size=32).fit(
        X, y, validation_data=(X, y)
    )
    best = segmenter.score(X, y)
    for threshold in np.arange(0.05, 1.0, 0.05):
        segmenter.threshold_ = float(threshold)
        assert segmenter.score(X, y) <= best + 1e-3
    assert quick(threshold=0.3).fit(X, y).threshold_ == 0.3


@pytest.mark.parametrize("intensity_norm", ["percentile", "stack", "none"])
def test_intensity_norms(slices, quick, intensity_norm):
    X, y = slices
    segmenter = quick(intensity_norm=intensity_norm).fit(X / 255, y)
    logits = segmenter.decision_function(X / 255)
    assert np.isfinite(logits).all()
    one = segmenter.decision_function(X[1:2] / 255)
    np.testing.assert_array_equal(one[0], logits[1])


def test_synthetic_weights_are_a_head_start(slices):
    X, y = slices
    params = {"max_steps": 1, "batch_size": 1, "tta": "none", "learning_rate": 1e-6}
    params |= {"depth": 3, "stem_stride": 2, "random_state": 0, "precision": "float32"}
    random = UNetSegmenter(initial_weights="random", **params).fit(X, y)
    synthetic = UNetSegmenter(initial_weights="synthetic", **params).fit(X, y)
    auto = UNetSegmenter(**params).fit(X, y)
    np.testing.assert_array_equal(auto.predict(X), synthetic.predict(X))
    assert synthetic.score(X, y) > random.score(X, y) + 0.2


def test_warm_start_goes_on(fitted, slices, quick):
    X, y = slices
    segmenter = quick(warm_start=True).fit(X, y)
    np.testing.assert_array_equal(segmenter.decision_function(X), fitted.decision_function(X))
    segmenter.fit(X, y)
    assert segmenter.history_[0]["loss"] != fitted.history_[0]["loss"]
    assert not np.array_equal(segmenter.decision_function(X), fitted.decision_function(X))


def test_verbose_writes_a_line_an_epoch(slices, quick, capsys):
    quick(epochs=3).fit(*slices)
    assert capsys.readouterr().out == ""
    quick(epochs=3, verbose=1).fit(*slices)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["epoch", str(k)] for k in (1, 2, 3)]
    assert all("val_loss" in line and "s left" in line for line in lines)


def test_ctrl_c_raises_and_leaves_nothing_half_done(slices, quick, monkeypatch):
    X, y = slices
    unfitted, refitted = quick(), quick().fit(X, y)
    before = refitted.decision_function(X)

    def interrupt(self, learning_rates):
        raise KeyboardInterrupt

    monkeypatch.setattr(HostSteps, "take", interrupt)
    with pytest.raises(KeyboardInterrupt):
        unfitted.fit(X, y)
    assert not any(name.endswith("_") and not name.startswith("_") for name in vars(unfitted))
    with pytest.raises(KeyboardInterrupt):
        refitted.fit(X, y)
    np.testing.assert_array_equal(refitted.decision_function(X), before)


def test_memory_that_runs_out_halves_the_batch(slices, quick, monkeypatch):
    X, y = slices
    take = HostSteps.take

    def tight(self, learning_rates):
        if self.sampler.batch_size > 2:
            raise OutOfMemoryError("too much")
        return take(self, learning_rates)

    monkeypatch.setattr(HostSteps, "take", tight)
    with pytest.warns(TrainingWarning, match=r"training starts again with batch_size=2"):
        segmenter = quick(batch_size=4).fit(X, y)
    assert segmenter.batch_size_ == 2
    assert segmenter.batch_size == 4
    expected = quick(batch_size=2).fit(X, y).decision_function(X)
    np.testing.assert_array_equal(segmenter.decision_function(X), expected)


def test_memory_for_not_even_one_patch(slices, quick, monkeypatch):
    def full(self, learning_rates):
        raise OutOfMemoryError("too much")

    monkeypatch.setattr(HostSteps, "take", full)
    with pytest.raises(OutOfMemoryError, match="too little memory to train on a single patch"):
        quick(batch_size=1).fit(*slices)


def test_failure_can_be_turned_into_the_worst(slices, quick):
    X, y = slices
    with pytest.warns(TrainingWarning, match=r"on_failure='worst'.*patch_size must not exceed"):
        segmenter = quick(patch_size=128, on_failure="worst").fit(X, y)
    np.testing.assert_allclose(segmenter.predict_membrane(X), y.mean(), rtol=1e-5)
    assert (segmenter.predict(X) == 0).all()
    assert segmenter.score(X, y) == 0.0
    with pytest.raises(AttributeError, match="network_ does not exist: fit failed"):
        _ = segmenter.network_


def test_estimate_cost(slices, quick):
    X, y = slices
    cost = quick(epochs=3).estimate_cost(X, y)
    assert cost.n_parameters == quick().fit(X, y).network_.count_params()
    assert cost.n_steps == 6
    assert 0 < cost.seconds < 60
    assert cost.predict_seconds_per_image > 0
    assert cost.memory_bytes > 16 * cost.n_parameters
    assert quick(time_limit=30).estimate_cost(X).seconds == 30
    larger = quick(base_filters=8).estimate_cost(X, y)
    assert larger.memory_bytes > cost.memory_bytes

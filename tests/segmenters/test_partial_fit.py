"""A little more training: what goes on, at which learning rate, on which images."""

import pickle

import numpy as np
import pytest

from membseg import UNetSegmenter, make_membranes
from membseg.exceptions import InvalidInputError
from membseg.segmenters import DummySegmenter

TINY = {
    "depth": 1, "base_filters": 4, "stem_stride": 1, "steps_per_epoch": 4, "batch_size": 2,
    "patch_size": 32, "tta": "none", "precision": "float32", "random_state": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def slices():
    return make_membranes(4, 48, 48, random_state=0)


def make(**options):
    return UNetSegmenter(**(TINY | options))


def assert_same_weights(one, other):
    for a, b in zip(one._weights, other._weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_history_steps_and_rate_go_on(slices):
    X, y = slices
    segmenter = make(learning_rate=0.04)
    assert segmenter.partial_fit(X, y) is segmenter
    first = segmenter.history_
    for _ in range(2):
        segmenter.partial_fit(X, y)
    assert segmenter.history_[:1] == first
    assert [row["epoch"] for row in segmenter.history_] == [1, 2, 3]
    assert [row["step"] for row in segmenter.history_] == [4, 8, 12]
    # A rise over 40 steps, of which each call takes four.
    rates = [row["learning_rate"] for row in segmenter.history_]
    np.testing.assert_allclose(rates, [0.004, 0.008, 0.012])
    seconds = [row["seconds"] for row in segmenter.history_]
    assert seconds == sorted(seconds)
    assert (segmenter.n_steps_, segmenter.best_epoch_) == (12, 3)
    assert segmenter.fit_time_ >= seconds[-1]
    segmenter.set_params(steps_per_epoch=60).partial_fit(X, y)
    assert segmenter.history_[-1]["learning_rate"] == 0.04


def test_after_a_fit_it_goes_on_at_a_tenth_of_the_rate(slices):
    X, y = slices
    segmenter = make(learning_rate=0.04, max_steps=4).fit(X, y)
    logits = segmenter.decision_function(X)
    segmenter.partial_fit(X, y)
    assert [row["step"] for row in segmenter.history_] == [4, 8]
    np.testing.assert_allclose(segmenter.history_[-1]["learning_rate"], 0.0004)
    assert not np.array_equal(segmenter.decision_function(X), logits)
    segmenter.set_params(steps_per_epoch=60).partial_fit(X, y)
    np.testing.assert_allclose(segmenter.history_[-1]["learning_rate"], 0.004)
    # A fit begins anew.
    assert_same_weights(segmenter.set_params(steps_per_epoch=4).fit(X, y), make(
        learning_rate=0.04, max_steps=4
    ).fit(X, y))  # fmt: skip
    assert len(segmenter.history_) == 1


def test_calls_are_repeatable_and_draw_other_patches(slices):
    X, y = slices
    one, other = (make(dropout=0.2).partial_fit(X, y).partial_fit(X, y) for _ in range(2))
    assert_same_weights(one, other)
    # In a pickle nothing is lost of what it goes on with.
    copied = pickle.loads(pickle.dumps(one)).partial_fit(X, y)
    assert_same_weights(copied, other.partial_fit(X, y))
    forgetful = pickle.loads(pickle.dumps(one))
    del forgetful._going_on
    forgetful.partial_fit(X, y)
    assert not np.array_equal(forgetful._weights[0], copied._weights[0])
    # Without learning, the losses of the calls differ by their patches alone.
    still = make(learning_rate=1e-30, weight_decay=0.0)
    for _ in range(3):
        still.partial_fit(X, y)
    losses = {row["loss"] for row in still.history_}
    assert len(losses) == 3
    assert len({row["val_loss"] for row in still.history_}) == 1


def test_it_learns(slices):
    X, y = slices
    segmenter = make(learning_rate=5e-3, steps_per_epoch=40)
    for _ in range(4):
        segmenter.partial_fit(X, y)
    assert segmenter.history_[-1]["loss"] < segmenter.history_[0]["loss"]


def test_later_masks_may_show_one_class(slices):
    X, y = slices
    segmenter = make(intensity_norm="stack").partial_fit(X, 255 * y)
    threshold, intensity = segmenter.threshold_, segmenter.intensity_
    all_cell = np.zeros_like(y[:1])
    segmenter.partial_fit(X[:1], all_cell)
    assert segmenter.classes_.tolist() == [0, 255]
    assert segmenter.threshold_ == threshold
    np.testing.assert_array_equal(segmenter.intensity_.offset, intensity.offset)
    segmenter.partial_fit(X[:1], all_cell, sample_weight=[2.0], classes=[255, 0])
    assert set(np.unique(segmenter.predict(X))) <= {0, 255}
    # All images that were learnt from stay known.
    assert len(segmenter._images_seen) == 4


def test_the_first_masks_may_show_one_class_of_two_that_are_given(slices):
    X, y = slices
    segmenter = make(validation_fraction=0)
    segmenter.partial_fit(X[:1], np.zeros_like(y[:1]), classes=[0, 1])
    assert segmenter.classes_.tolist() == [0, 1]
    assert segmenter.classes_.dtype == y.dtype
    assert segmenter.threshold_ == 0.5
    swapped = make(validation_fraction=0, membrane_label=0)
    assert swapped.partial_fit(X, y, classes=[0, 1]).classes_.tolist() == [1, 0]


def test_parameters_of_fit_have_no_effect(slices, tmp_path):
    X, y = slices
    options = {
        "epochs": 7, "max_steps": 3, "time_limit": 1e-3, "early_stopping": True, "patience": 1,
        "checkpoint_dir": tmp_path / "none",
    }  # fmt: skip
    segmenter = make(**options).partial_fit(X, y)
    assert_same_weights(segmenter, make().partial_fit(X, y))
    assert {name: segmenter.get_params()[name] for name in options} == options
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "options",
    [{"weight_averaging": 0.9}, {"adversarial_weight": 0.1}, {"norm_layer": "batch"}],
)
def test_other_ways_of_training_go_on_too(slices, options):
    X, y = slices
    segmenter = make(**options).partial_fit(X, y).partial_fit(X, y)
    assert segmenter.n_steps_ == 8


def test_a_fit_that_gave_the_prior_is_no_start(slices):
    X, y = slices
    segmenter = make(on_failure="worst", augmentation="sparkles")
    with pytest.warns(UserWarning, match="fit failed"):
        segmenter.fit(X, y)
    segmenter.set_params(augmentation="none").partial_fit(X, y)
    assert segmenter.n_steps_ == 4


def test_verbose_tells_the_epoch(slices, capsys):
    X, y = slices
    segmenter = make(verbose=1).partial_fit(X, y).partial_fit(X, y)
    lines = capsys.readouterr().out + capsys.readouterr().err
    assert "epoch   2  step     8" in lines
    assert "left" not in lines
    assert segmenter.n_steps_ == 8


def test_bad_calls_are_refused_and_change_nothing(slices):
    X, y = slices
    segmenter = make()
    for classes in ([1], [0, 1, 2], ["cell", "membrane"]):
        with pytest.raises(InvalidInputError, match="classes must hold two values, those of cell"):
            segmenter.partial_fit(X, y, classes=classes)
    with pytest.raises(InvalidInputError, match="y must hold two classes"):
        segmenter.partial_fit(X, y * 0)
    with pytest.raises(InvalidInputError, match="classes must hold membrane_label, 3; got"):
        make(membrane_label=3).partial_fit(X, y, classes=[0, 1])
    with pytest.raises(InvalidInputError, match="requires y to be passed"):
        segmenter.partial_fit(X, None, classes=[0, 1])
    assert not hasattr(segmenter, "history_")
    segmenter.partial_fit(X, y)
    weights = segmenter._weights
    with pytest.raises(InvalidInputError, match=r"classes must be those of the first call, \[0, 1"):
        segmenter.partial_fit(X, y, classes=[0, 255])
    with pytest.raises(InvalidInputError, match="y must hold only the values seen in fit"):
        segmenter.partial_fit(X, y * 7)
    with pytest.raises(ValueError, match="X must have 1 channel"):
        segmenter.partial_fit(np.stack([X, X], -1), y)
    with pytest.raises(ValueError, match="The 'epochs' parameter of UNetSegmenter"):
        segmenter.set_params(epochs=0).partial_fit(X, y)
    assert segmenter._weights is weights
    assert len(segmenter.history_) == 1


def test_segmenters_without_a_network_have_none():
    assert not hasattr(DummySegmenter(), "partial_fit")

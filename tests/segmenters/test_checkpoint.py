"""An interrupted fit goes on where it stopped, and ends as one that was not interrupted."""

import errno
import os
import re
import time
import warnings

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold

from membseg import UNetSegmenter, make_membranes
from membseg.exceptions import (
    CheckpointError,
    InvalidInputError,
    OutOfMemoryError,
    TrainingError,
    TrainingWarning,
)
from membseg.io import _container
from membseg.segmenters._checkpoint import FitCheckpoint
from membseg.training import HostSteps

TINY = {
    "depth": 1, "base_filters": 4, "stem_stride": 1, "max_steps": 8, "steps_per_epoch": 2,
    "batch_size": 2, "patch_size": 32, "tta": "none", "precision": "float32", "random_state": 0,
}  # fmt: skip


class Killed(BaseException):
    """Stands for whatever ends a process."""


@pytest.fixture(scope="module")
def slices():
    return make_membranes(4, 48, 48, random_state=0)


@pytest.fixture
def interrupted(monkeypatch):
    """Fit, and end it after some epochs."""

    def run(segmenter, *data, after=2, **options):
        keep, kept = FitCheckpoint.keep, []

        def keep_and_die(checkpoint, *args, **kwargs):
            keep(checkpoint, *args, **kwargs)
            kept.append(1)
            if len(kept) == after:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(FitCheckpoint, "keep", keep_and_die)
            with pytest.raises(Killed):
                segmenter.fit(*data, **options)

    return run


def make(**options):
    return UNetSegmenter(**(TINY | options))


def the_file(folder):
    (path,) = folder.glob("*.checkpoint")
    return path


def without_seconds(history):
    return [{name: row[name] for name in row if name != "seconds"} for row in history]


def assert_same_fit(one, other):
    for a, b in zip(one._weights, other._weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert without_seconds(one.history_) == without_seconds(other.history_)
    for name in ("best_epoch_", "threshold_", "n_steps_", "batch_size_", "_config"):
        assert getattr(one, name) == getattr(other, name)


WAYS = {
    "all at once": {
        "dropout": 0.3,
        "weight_averaging": 0.9,
        "augmentation": "d4+intensity+noise+cutmix",
        "early_stopping": True,
    },
    "normalised": {"norm_layer": "batch", "monitor": "iou"},
    "without validation": {"validation_fraction": 0, "label_smoothing": 0.1},
    "residual": {"block": "residual", "stochastic_depth": 0.3},
    "patch": {"adversarial_weight": 0.5},
    "segan": {"adversarial_weight": 0.5, "adversarial_mode": "segan"},
    "mean_teacher": {"unlabelled": "mean_teacher"},
    "pseudo_labels": {"unlabelled": "pseudo_labels"},
}
if keras.backend.backend() == "jax":
    WAYS["on the device"] = {"device_data": True, "dropout": 0.3}


#: Those that are others of a kind, or long to compile.
SLOW = (
    "normalised", "without validation", "residual", "patch", "segan", "mean_teacher",
    "pseudo_labels",
)  # fmt: skip


@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=pytest.mark.slow) if way in SLOW else way for way in WAYS]
)
def test_it_ends_with_the_same_weights_bit_for_bit(slices, interrupted, tmp_path, way):
    X, y = slices
    if "unlabelled" in WAYS[way]:
        y = y.astype(np.int16)
        y[2:] = -1
    whole = make(**WAYS[way]).fit(X, y)
    segmenter = make(checkpoint_dir=tmp_path, **WAYS[way])
    # Twice, the second time from a file that a fit has written that went on itself.
    interrupted(segmenter, X, y, after=1)
    interrupted(clone(segmenter), X, y, after=2)
    assert not hasattr(segmenter, "history_")
    assert_same_fit(clone(segmenter).fit(X, y), whole)
    assert not list(tmp_path.iterdir())


def test_it_takes_only_the_steps_that_are_left(slices, interrupted, tmp_path, monkeypatch):
    segmenter = make(checkpoint_dir=tmp_path)
    interrupted(segmenter, *slices, after=3)
    learn, taken = HostSteps._learn, []
    monkeypatch.setattr(HostSteps, "_learn", lambda *args: (taken.append(1), learn(*args))[1])
    segmenter.fit(*slices)
    assert len(taken) == 2
    assert segmenter.n_steps_ == 8
    # Nothing is left of it: the next fit trains again.
    segmenter.fit(*slices)
    assert len(taken) == 10


def test_an_end_that_was_reached_is_not_passed(slices, interrupted, tmp_path):
    # The first epoch stays the best: the rate is too high to learn anything afterwards.
    options = {"early_stopping": True, "patience": 1, "max_steps": 20, "learning_rate": 5.0}
    whole = make(**options).fit(*slices)
    n_epochs = len(whole.history_)
    assert n_epochs < 10
    segmenter = make(checkpoint_dir=tmp_path, **options)
    interrupted(segmenter, *slices, after=n_epochs)
    assert_same_fit(segmenter.fit(*slices), whole)


def test_without_a_folder_nothing_is_written_and_with_one_no_bit_changes(
    slices, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    plain = make().fit(*slices)
    assert not list(tmp_path.iterdir())
    kept = make(checkpoint_dir=str(tmp_path / "a" / "b")).fit(*slices)
    assert_same_fit(kept, plain)
    assert not list((tmp_path / "a" / "b").iterdir())


@pytest.mark.parametrize("kind", [np.random.default_rng, np.random.RandomState])
def test_a_generator_counts_as_it_was_at_the_start(slices, interrupted, tmp_path, kind):
    whole = make(random_state=kind(3)).fit(*slices)
    segmenter = make(checkpoint_dir=tmp_path, random_state=kind(3))
    interrupted(segmenter, *slices)
    # It has moved on by now.
    assert_same_fit(segmenter.fit(*slices), whole)
    other = make(checkpoint_dir=tmp_path, random_state=np.random.Generator(np.random.MT19937(3)))
    interrupted(other, *slices)
    other.random_state = np.random.Generator(np.random.MT19937(3))
    again = make(random_state=np.random.Generator(np.random.MT19937(3))).fit(*slices)
    assert_same_fit(other.fit(*slices), again)


def test_without_a_seed_the_one_that_was_drawn_is_kept(slices, interrupted, tmp_path):
    segmenter = make(checkpoint_dir=tmp_path, random_state=None)
    interrupted(segmenter, *slices)
    document, _ = _container.load_container(the_file(tmp_path), "checkpoint")
    rng = np.random.default_rng()
    rng.bit_generator.state = document["rng"]
    whole = make(random_state=rng).fit(*slices)
    assert_same_fit(segmenter.fit(*slices), whole)


def test_halved_batches_stay_halved(slices, interrupted, tmp_path, monkeypatch):
    learn = HostSteps._learn

    def hungry(steps, rate, x, y):
        if len(x) > 2:
            raise MemoryError
        return learn(steps, rate, x, y)

    monkeypatch.setattr(HostSteps, "_learn", hungry)
    with pytest.warns(TrainingWarning, match="starts again with batch_size=2"):
        whole = make(batch_size=4).fit(*slices)
    segmenter = make(batch_size=4, checkpoint_dir=tmp_path)
    with pytest.warns(TrainingWarning, match="starts again with batch_size=2"):
        interrupted(segmenter, *slices)
    assert_same_fit(segmenter.fit(*slices), whole)
    assert segmenter.batch_size_ == 2


def test_memory_that_runs_out_after_an_interruption_starts_again(
    slices, interrupted, tmp_path, monkeypatch
):
    segmenter = make(batch_size=4, checkpoint_dir=tmp_path)
    interrupted(segmenter, *slices)
    learn = HostSteps._learn

    def hungry(steps, rate, x, y):
        if len(x) > 2:
            raise MemoryError
        return learn(steps, rate, x, y)

    with monkeypatch.context() as patch:
        patch.setattr(HostSteps, "_learn", hungry)
        with pytest.warns(TrainingWarning, match="starts again with batch_size=2"):
            segmenter.fit(*slices)
    assert [row["epoch"] for row in segmenter.history_] == [1, 2, 3, 4]
    # Of a training that cannot be had at all the state stays: memory may be free next time.
    interrupted(segmenter, *slices)
    monkeypatch.setattr(HostSteps, "_learn", lambda *args: (_ for _ in ()).throw(MemoryError()))
    with (
        pytest.warns(TrainingWarning, match="starts again"),
        pytest.raises(OutOfMemoryError, match="on a single patch"),
    ):
        segmenter.fit(*slices)
    assert the_file(tmp_path)


def test_seconds_that_were_used_count(slices, interrupted, tmp_path):
    segmenter = make(max_steps=None, time_limit=60, checkpoint_dir=tmp_path, threshold=0.5)
    interrupted(segmenter, *slices, after=2)
    path = the_file(tmp_path)
    document, arrays = _container.load_container(path, "checkpoint")
    assert 0 < document["seconds"] < 60
    # As if it had taken all but two seconds so far; how long may change meanwhile.
    document["seconds"] = 598.0
    _container.save_container(path, "checkpoint", document, arrays)
    start = time.perf_counter()
    with warnings.catch_warnings():
        # Two seconds may be too few for what is planned.
        warnings.simplefilter("ignore", TrainingWarning)
        segmenter.set_params(time_limit=600).fit(*slices)
    assert time.perf_counter() - start < 60
    assert segmenter.fit_time_ > 598
    assert len(segmenter.history_) >= 2


CHANGES = {
    "learning_rate (0.002 there, 0.001 here)": {"learning_rate": 1e-3},
    "random_state (0 there, 1 here)": {"random_state": 1},
    "time_limit (None there, seconds here)": {"time_limit": 500.0},
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_fit_starts_anew_and_says_so(slices, interrupted, tmp_path, change):
    segmenter = make(checkpoint_dir=tmp_path)
    interrupted(segmenter, *slices)
    path = the_file(tmp_path)
    changed = clone(segmenter).set_params(**CHANGES[change])
    message = re.escape(f"fit, which differs in {change}. This fit starts anew and leaves it as")
    with pytest.warns(TrainingWarning, match=message) as caught:
        changed.fit(*slices)
    (own,) = [w for w in caught if issubclass(w.category, TrainingWarning)]
    assert str(path) in str(own.message)
    assert own.filename == __file__
    assert_same_fit(changed, clone(changed).set_params(checkpoint_dir=None).fit(*slices))
    # What was there can still be gone on with.
    assert_same_fit(segmenter.fit(*slices), make().fit(*slices))


def test_other_data_are_told_by_name(slices, interrupted, tmp_path):
    X, y = slices
    segmenter = make(checkpoint_dir=tmp_path)
    interrupted(segmenter, X, y)
    swapped = y.copy()
    swapped[0, :10] = 1 - swapped[0, :10]
    cases = {
        "X": ((X[::-1], y), {}),
        "y": ((X, swapped), {}),
        "sample_weight": ((X, y), {"sample_weight": [1, 1, 1, 2]}),
        "groups": ((X, y), {"groups": ["a", "a", "b", "b"]}),
        "validation_data": ((X, y), {"validation_data": (X[:1], y[:1])}),
    }
    for name, (data, options) in cases.items():
        with pytest.warns(TrainingWarning, match=f"which differs in {name}. This fit starts anew"):
            interrupted(segmenter, *data, **options)
        # Each has a file of its own, to be gone on with and to be removed.
        segmenter.fit(*data, **options)
    assert the_file(tmp_path)


def test_the_weights_to_start_from_are_part_of_a_fit(slices, interrupted, tmp_path):
    source = make(max_steps=2).fit(*slices)
    segmenter = make(checkpoint_dir=tmp_path, init_from=source)
    whole = make(init_from=source).fit(*slices)
    interrupted(segmenter, *slices)
    other = make(checkpoint_dir=tmp_path, init_from=make(max_steps=4).fit(*slices))
    with pytest.warns(TrainingWarning, match="init_from .weights"):
        other.fit(*slices)
    assert_same_fit(segmenter.fit(*slices), whole)


def test_a_warm_start_goes_on_too(slices, interrupted, tmp_path):
    whole = make(warm_start=True).fit(*slices).fit(*slices)
    segmenter = make(warm_start=True, checkpoint_dir=tmp_path).fit(*slices)
    interrupted(segmenter, *slices)
    # What was fitted before is what it still is.
    assert_same_fit(segmenter, make().fit(*slices))
    assert_same_fit(segmenter.fit(*slices), whole)


def test_what_concerns_predictions_and_reports_may_change(slices, interrupted, tmp_path):
    segmenter = make(checkpoint_dir=tmp_path, threshold=0.5)
    interrupted(segmenter, *slices)
    segmenter.set_params(threshold=0.25, tta="flips", tile_size=256, on_failure="worst").fit(
        *slices
    )
    assert segmenter.threshold_ == 0.25
    for a, b in zip(segmenter._weights, make().fit(*slices)._weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_a_search_shares_a_folder(slices, interrupted, tmp_path):
    segmenter = make(checkpoint_dir=tmp_path)
    search = GridSearchCV(segmenter, {"learning_rate": [1e-3, 2e-3]}, cv=KFold(2), refit=True)
    # Five fits one after the other; the interruption comes in the second.
    interrupted(search, *slices, after=6)
    assert the_file(tmp_path)
    with pytest.warns(TrainingWarning, match="holds the unfinished training of another fit"):
        search.fit(*slices)
    assert not list(tmp_path.iterdir())
    plain = GridSearchCV(make(), {"learning_rate": [1e-3, 2e-3]}, cv=KFold(2)).fit(*slices)
    assert_same_fit(search.best_estimator_, plain.best_estimator_)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"]
    )


def test_a_full_disk_costs_the_state_and_not_the_training(
    slices, interrupted, tmp_path, monkeypatch
):
    segmenter = make(checkpoint_dir=tmp_path)
    interrupted(segmenter, *slices, after=1)
    before = the_file(tmp_path).read_bytes()

    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(_container, "write_at_once", full)
        message = "could not take the state of epoch 2, and training goes on without: .* No space"
        with pytest.warns(TrainingWarning, match=message) as caught:
            interrupted(segmenter, *slices, after=2)
    # Once, and what was there is there.
    assert len([w for w in caught if issubclass(w.category, TrainingWarning)]) == 1
    assert the_file(tmp_path).read_bytes() == before
    with monkeypatch.context() as patch:
        patch.setattr(_container, "pack", lambda *args: (_ for _ in ()).throw(MemoryError()))
        with pytest.warns(TrainingWarning, match="there is too little memory"):
            segmenter.fit(*slices)
    assert_same_fit(segmenter, make().fit(*slices))


def test_a_folder_that_cannot_be_made(slices, tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        message = re.escape(
            f"checkpoint_dir must be a folder, or the path of one to make; got {str(folder)!r}"
        )
        with pytest.raises(InvalidInputError, match=message):
            make(checkpoint_dir=folder).fit(*slices)


def test_a_damaged_file_is_told_and_left(slices, interrupted, tmp_path):
    segmenter = make(checkpoint_dir=tmp_path)
    interrupted(segmenter, *slices)
    path = the_file(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    message = r"The checkpoint of this fit cannot be used: .* Delete .* to start anew, or give"
    with pytest.raises(CheckpointError, match=message):
        segmenter.fit(*slices)
    assert path.exists()
    # To others it is nothing.
    make(checkpoint_dir=tmp_path, learning_rate=1e-3).fit(*slices)


def without(name):
    def change(document):
        del document[name]

    return change


def other_history(document):
    document["loop"]["progress"]["history"] = 3


def other_layout(document):
    document["layout"] = 99


def other_network(document):
    document["loop"]["network"] = document["loop"]["network"][1:]


def other_stream(document):
    document["loop"]["steps"]["streams"]["labelled"]["bit_generator"] = "MT19937"


def other_generator(document):
    document["rng"] = {"bit_generator": "LCG"}


BROKEN = {
    "cannot be used: its layout is 99, and this membseg knows 1": other_layout,
    "cannot be used: 'identity'": without("identity"),
    "cannot be used: it holds no history": other_history,
    "does not fit the training that these parameters and data ask for": other_network,
    "ask for (state must be for a PCG64": other_stream,
    "holds no state of a random generator": other_generator,
}


@pytest.mark.parametrize("message", BROKEN)
def test_a_state_of_something_else_is_refused(slices, interrupted, tmp_path, message):
    segmenter = make(checkpoint_dir=tmp_path)
    interrupted(segmenter, *slices)
    path = the_file(tmp_path)
    document, arrays = _container.load_container(path, "checkpoint")
    BROKEN[message](document)
    _container.save_container(path, "checkpoint", document, arrays)
    with pytest.raises(CheckpointError, match=re.escape(message)):
        segmenter.fit(*slices)


def test_a_file_with_the_name_of_another_is_refused(slices, interrupted, tmp_path):
    segmenter = make(checkpoint_dir=tmp_path)
    interrupted(segmenter, *slices)
    mine = the_file(tmp_path)
    other = make(checkpoint_dir=tmp_path, learning_rate=1e-3)
    with pytest.warns(TrainingWarning, match="unfinished"):
        interrupted(other, *slices)
    (its,) = set(tmp_path.iterdir()) - {mine}
    its.replace(mine)
    message = r"belongs to another fit than its name says; it differs in learning_rate \(0.001 th"
    with pytest.raises(CheckpointError, match=message):
        segmenter.fit(*slices)


def test_a_training_that_diverges_leaves_nothing(slices, tmp_path):
    segmenter = make(checkpoint_dir=tmp_path, learning_rate=1e25, max_steps=100)
    with pytest.raises(TrainingError, match="became"):
        segmenter.fit(*slices)
    assert not list(tmp_path.iterdir())


def test_what_a_kill_left_half_written_is_removed_once_it_is_old(slices, tmp_path):
    for name, age in (("old", 2 * 3600), ("new", 0)):
        part = tmp_path / f".membseg-{name}.part"
        part.write_bytes(b"half")
        then = time.time() - age
        os.utime(part, (then, then))
    make(checkpoint_dir=tmp_path).fit(*slices)
    assert [path.name for path in tmp_path.iterdir()] == [".membseg-new.part"]

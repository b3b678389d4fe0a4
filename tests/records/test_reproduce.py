"""What a record tells of is trained again, to the last digit."""

import dataclasses
import re

import numpy as np
import pytest

from membseg import KerasSegmenter, ThresholdSegmenter
from membseg.exceptions import InvalidInputError, InvalidTypeError, RecordError
from membseg.persistence._describe import describe_estimator
from membseg.records import load_record, record_experiment, reproduce, save_record


def of_test(slices):
    X, y = slices
    return {"X_test": X[4:], "y_test": y[4:]}


def test_a_network_to_the_last_digit_from_its_file(net_record, slices, tmp_path):
    X, y = slices
    record = load_record(save_record(net_record, tmp_path))
    found = reproduce(record, X[:4], y[:4], **of_test(slices))
    assert found.is_identical
    assert found.scores == record.scores
    assert set(found.differences) == {"test", "history"}
    assert all(v == 0 for part in found.differences.values() for v in part.values())
    assert found.doubts == []
    assert str(found).startswith(f"record {record.id}: the same to the last digit\ntest iou: ")


def test_steps_that_the_clock_decided_are_repeated(quick, slices):
    X, y = slices
    segmenter = quick(max_steps=5, steps_per_epoch=2).fit(X[:4], y[:4])
    record = record_experiment(segmenter, X[:4], y[:4], scoring="iou", **of_test(slices))
    # As if the clock had ended it after these steps, which a busy machine would make others.
    limited = quick(time_limit=3600.0, steps_per_epoch=2)
    record = dataclasses.replace(
        record, parameters=limited.get_params(), estimator=describe_estimator(limited)
    )
    found = reproduce(record, X[:4], y[:4], **of_test(slices))
    assert found.n_steps == record.n_steps == 5
    assert found.segmenter.time_limit is None
    assert found.segmenter.max_steps == 5
    assert found.doubts == []
    assert found.is_identical


def test_a_checkpoint_is_not_taken_for_a_training(quick, slices, tmp_path):
    X, y = slices
    segmenter = quick()
    if "checkpoint_dir" not in segmenter.get_params():
        pytest.skip("this segmenter keeps no checkpoints")
    segmenter.set_params(checkpoint_dir=str(tmp_path)).fit(X, y)
    found = reproduce(record_experiment(segmenter, X, y, scoring="iou"), X, y)
    assert found.segmenter.checkpoint_dir is None
    assert found.is_identical


def test_what_changed_shows(net_record, slices):
    X, y = slices
    history = [dict(row) for row in net_record.history]
    history[1]["loss"] += 0.5
    record = dataclasses.replace(
        net_record,
        scores={"test": {"iou": net_record.scores["test"]["iou"] - 0.25}},
        history=history,
        n_steps=1,
    )
    found = reproduce(record, X[:4], y[:4], **of_test(slices))
    assert not found.is_identical
    assert found.differences["test"]["iou"] == pytest.approx(0.25)
    assert found.differences["history"]["loss"] == pytest.approx(-0.5)
    assert found.differences["history"]["val_loss"] == 0
    assert "not the same" in str(found)
    assert "steps: 1 then, 2 now" in str(found)


def test_a_missing_epoch_is_a_difference(net_record, slices):
    X, y = slices
    record = dataclasses.replace(net_record, history=net_record.history[:1])
    assert not reproduce(record, X[:4], y[:4], **of_test(slices)).is_identical


def test_a_record_with_a_history_alone(net_record, slices):
    X, y = slices
    data = {"train": net_record.data["train"]}
    record = dataclasses.replace(net_record, scores={}, data=data)
    assert reproduce(record, X[:4], y[:4]).is_identical
    with pytest.raises(RecordError, match="record must have scores or a history to compare with"):
        reproduce(dataclasses.replace(record, history=[]), X[:4], y[:4])


def test_further_arguments_of_fit(slices):
    X, y = slices
    given = {"sample_weight": np.arange(1.0, 7.0)}
    segmenter = ThresholdSegmenter().fit(X, y, **given)
    record = record_experiment(segmenter, X, y, scoring="iou", fit_params=given)
    assert reproduce(record, X, y, fit_params=given).is_identical
    text = "fit_params must be what fit was given besides X and y: sample_weight; got nothing"
    with pytest.raises(RecordError, match=text):
        reproduce(record, X, y)
    with pytest.raises(RecordError, match="got sample_weight, and sample_weight differ"):
        reproduce(record, X, y, fit_params={"sample_weight": np.ones(6)})


def test_other_data_are_named(net_record, slices):
    X, y = slices
    with pytest.raises(RecordError, match=r"X must be the images .* number 0, 3 \(from 0\) of 4"):
        reproduce(net_record, X[[3, 1, 2, 0]], y[:4], **of_test(slices))
    with pytest.raises(RecordError, match="y must be the masks of the record; number 0, 1, 2, 3"):
        reproduce(net_record, X[:4], 1 - y[:4], **of_test(slices))
    with pytest.raises(RecordError, match="X_test must hold 2 images, as the record says; got 1"):
        reproduce(net_record, X[:4], y[:4], X_test=X[5:], y_test=y[5:])
    with pytest.raises(RecordError, match="X_test and y_test must be given, since the record has"):
        reproduce(net_record, X[:4], y[:4])


def test_doubts_are_told(net_record, slices):
    X, y = slices
    environment = net_record.environment | {"numpy": "1.0", "cpu": "Z80"}
    record = dataclasses.replace(net_record, environment=environment, seeds={"random_state": None})
    doubts = reproduce(record, X[:4], y[:4], **of_test(slices)).doubts
    assert doubts[0] == "random_state was None, which is new each time"
    assert f"numpy was 1.0, and is {np.__version__} now" in doubts
    assert any(doubt.startswith("cpu was Z80") for doubt in doubts) == bool(
        net_record.environment["cpu"]
    )


class Timed(ThresholdSegmenter):
    """With a parameter of networks."""

    def __init__(self, sigma=1.0, time_limit=None, max_steps=None, early_stopping=False):
        super().__init__(sigma=sigma)
        self.time_limit = time_limit
        self.max_steps = max_steps
        self.early_stopping = early_stopping


def test_steps_that_cannot_be_repeated_are_a_doubt(slices):
    X, y = slices
    timed = Timed(time_limit=1.0)
    record = record_experiment(Timed(time_limit=1.0).fit(X, y), X, y, scoring="iou")
    assert record.estimator is None
    found = reproduce(record, X, y, estimator=timed)
    assert found.doubts == [
        "time_limit ended several trainings, whose numbers of steps are not recorded"
    ]
    stopped = record_experiment(
        Timed(time_limit=1.0, early_stopping=True).fit(X, y), X, y, scoring="iou"
    )
    found = reproduce(
        dataclasses.replace(stopped, n_steps=3),
        X,
        y,
        estimator=Timed(time_limit=1.0, early_stopping=True),
    )
    assert found.doubts == [
        "early_stopping ended a training whose learning rate followed the clock"
    ]
    assert found.segmenter.max_steps == 3
    assert timed.time_limit == 1.0


def build(n_channels):
    import keras

    image = keras.Input((None, None, n_channels))
    return keras.Model(image, keras.layers.Conv2D(1, 3, padding="same")(image))


def test_a_network_of_ones_own_is_given_again(slices):
    X, y = slices
    own = KerasSegmenter(
        build, max_steps=1, batch_size=2, threshold=0.5, tta="none", random_state=0
    )
    record = record_experiment(own.fit(X, y), X, y, scoring="iou")
    with pytest.raises(RecordError, match="from which KerasSegmenter can be built"):
        reproduce(record, X, y)
    assert reproduce(record, X, y, estimator=own).is_identical
    text = (
        "estimator must be the KerasSegmenter of the record; got KerasSegmenter, and other values"
    )
    own.set_params(l1=0.0, loss="dice")
    with pytest.raises(RecordError, match=re.escape(text) + " of loss"):
        reproduce(record, X, y, estimator=own)
    with pytest.raises(RecordError, match="got ThresholdSegmenter, and other values of"):
        reproduce(record, X, y, estimator=ThresholdSegmenter())


def test_records_that_no_fit_can_repeat(make_record, plain_record, slices):
    X, y = slices
    with pytest.raises(RecordError, match="record must be of one fit to be repeated; a is of a"):
        reproduce(make_record(scores={"cv": {"iou": 0.5}}), X, y)
    foreign = dataclasses.replace(plain_record, estimator={"class": "os.system"})
    with pytest.raises(RecordError, match="record must describe a segmenter of membseg's"):
        reproduce(foreign, X, y)


def test_unusable_arguments(plain_record, slices):
    X, y = slices
    with pytest.raises(InvalidTypeError, match="record must be an ExperimentRecord; got str"):
        reproduce("a", X, y)
    with pytest.raises(InvalidInputError, match="y_test must be given where X_test is"):
        reproduce(plain_record, X, y, X_test=X)
    with pytest.raises(InvalidTypeError, match=r"estimator must be a segmenter.*got int"):
        reproduce(plain_record, X, y, estimator=3)

"""Comparisons leave a record a candidate."""

import numpy as np
import pytest

from membseg import ThresholdSegmenter
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.model_selection import SegmenterComparison
from membseg.records import list_records, record_comparison

CANDIDATES = {
    "poor": ThresholdSegmenter(sigma=3.0),
    "broken": ThresholdSegmenter(sigma=-1.0),
    "good": ThresholdSegmenter(sigma=0.0),
}


@pytest.fixture
def comparison():
    return SegmenterComparison(
        scoring=("iou", "ece"),
        scores={
            "poor": {"iou": [0.2, 0.4], "ece": [0.3, 0.1]},
            "good": {"iou": [0.6, 0.9], "ece": [0.2, 0.2]},
        },
        fit_seconds={"poor": [1.0, 2.0], "good": [2.0, 2.0]},
        score_seconds={"poor": [1.0, 1.0], "good": [2.0, 2.0]},
        n_parameters={"poor": None, "good": 10},
        n_bytes={"poor": 5, "good": 50},
        n_train=[3, 3],
        n_test=[1, 1],
        failures={"broken": "ValueError: sigma"},
        context={"published": {"iou": 0.95}},
    )


def test_a_record_a_candidate_the_best_first(comparison, slices, tmp_path):
    X, y = slices
    options = {"candidates": CANDIDATES, "X": X, "y": y, "notes": "all", "tags": "cmp"}
    records = record_comparison(comparison, folder=tmp_path, **options)
    assert [record.name for record in records] == ["good", "poor", "broken"]
    assert [record.parameters["sigma"] for record in records] == [0.0, 3.0, -1.0]
    assert [record.origin["rank"] for record in records] == [1, 2, None]
    good, poor, broken = records
    assert good.scores == {"cv": {"iou": 0.75, "ece": 0.2}}
    assert good.fold_scores == comparison.scores["good"]
    assert good.fitted == {"n_parameters": 10}
    assert (poor.fitted, poor.timings) == ({}, {"fit": 1.5})
    assert (broken.scores, broken.timings) == ({}, {})
    assert (good.notes, good.tags) == ("all", ["cmp"])
    assert broken.notes == "all\n\nFailed: ValueError: sigma"
    assert good.data["cv"]["membrane_fraction"] == pytest.approx(float(np.mean(y)))
    assert len({record.origin["group"] for record in records}) == 1
    assert list_records(tmp_path, sort_by="iou")[0].name == "good"


def test_the_comparison_alone(comparison):
    records = record_comparison(comparison)
    assert [record.estimator_class for record in records] == ["not recorded"] * 3
    assert records[0].parameters == records[0].data == {}
    assert records[2].notes == "Failed: ValueError: sigma"


def test_unusable_arguments(comparison, slices):
    X, y = slices
    with pytest.raises(InvalidTypeError, match="comparison must be what compare_segmenters gives"):
        record_comparison({})
    with pytest.raises(InvalidTypeError, match=r"candidates must be the dict of names.*got list"):
        record_comparison(comparison, candidates=[1])
    with pytest.raises(InvalidInputError, match=r"candidates must hold all .*'good' is missing"):
        record_comparison(comparison, candidates={"poor": CANDIDATES["poor"]})
    with pytest.raises(InvalidTypeError, match=r"candidates\['good'\] must be a segmenter"):
        record_comparison(comparison, candidates=CANDIDATES | {"good": 1})
    with pytest.raises(InvalidInputError, match="candidates must be given where X is"):
        record_comparison(comparison, X=X, y=y)
    with pytest.raises(InvalidInputError, match="y must be given where X is"):
        record_comparison(comparison, candidates=CANDIDATES, X=X)

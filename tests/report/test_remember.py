"""Predictions are made once a report."""

from typing import ClassVar

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from membseg import CellSegmenter, RidgeSegmenter, write_report
from membseg.report._remember import Remembering


class Counted(RidgeSegmenter):
    """Counts how often it is asked."""

    asked: ClassVar[list] = []

    def predict(self, X, out=None):
        self.asked.append("predict")
        return super().predict(X, out)

    def predict_proba(self, X):
        self.asked.append("predict_proba")
        return super().predict_proba(X)


def test_a_report_asks_once_for_masks_and_once_for_maps(stack, tmp_path):
    X, y = stack
    segmenter = Counted().fit(X[:2], y[:2])
    write_report(tmp_path / "r.html", segmenter, X[2:], y[2:], n_resamples=10)
    assert sorted(Counted.asked) == ["predict", "predict_proba"]


@pytest.mark.parametrize("as_list", [False, True])
def test_what_it_says_is_what_the_segmenter_says(stack, segmenter, as_list):
    images = list(stack[0][2:]) if as_list else stack[0][2:]
    asked = Remembering(segmenter, images)
    for _ in range(2):
        for method in ("predict", "predict_proba", "predict_membrane"):
            pairs = zip(
                getattr(asked, method)(images), getattr(segmenter, method)(images), strict=True
            )
            assert all(np.array_equal(a, b) for a, b in pairs)
    assert asked.predict(images) is asked.predict(images)
    assert np.array_equal(asked.predict(stack[0][:1]), segmenter.predict(stack[0][:1]))
    assert asked.threshold_ == segmenter.threshold_


def test_pipelines_around_cells(stack, tmp_path):
    X, y = stack
    pipeline = make_pipeline(FunctionTransformer(), CellSegmenter(RidgeSegmenter()))
    files = write_report(
        tmp_path / "r.html", pipeline.fit(X[:2], y[:2]), X[2:], y[2:], n_resamples=10
    )
    assert "CellSegmenter" in files[0].read_text(encoding="utf-8")

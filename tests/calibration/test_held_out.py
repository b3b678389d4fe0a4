"""Slices that a frozen segmenter has seen say nothing about new ones."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from membseg import (
    CalibratedSegmenter,
    EnsembleSegmenter,
    RidgeSegmenter,
    ThresholdSegmenter,
    TunedThresholdSegmenter,
    UNetSegmenter,
    make_membranes,
)
from membseg.base import SegmenterMixin
from membseg.exceptions import DataWarning
from membseg.preprocessing import CLAHE
from membseg.utils import check_images
from membseg.utils._image_keys import image_keys


class Unknown(SegmenterMixin, BaseEstimator):
    """A user's own segmenter: keeps no record of what it saw."""

    def fit(self, X, y):
        self.classes_, self.threshold_ = np.array([0, 1]), 0.5
        return self

    def decision_function(self, X):
        return np.asarray(-X, dtype=np.float32)


@pytest.fixture(scope="module")
def slices():
    return make_membranes(6, 40, 32, random_state=0)


FITTED = {
    "baseline": ThresholdSegmenter(),
    "network": UNetSegmenter(depth=1, base_filters=4, max_steps=1, tta="none", threshold=0.5),
    "ensemble": EnsembleSegmenter([("one", ThresholdSegmenter()), ("other", RidgeSegmenter())]),
    "pipeline": make_pipeline(CLAHE(), ThresholdSegmenter()),
    "search": GridSearchCV(ThresholdSegmenter(), {"sigma": [0.5, 1.0]}, cv=KFold(2)),
    "calibrated": CalibratedSegmenter(ThresholdSegmenter(), cv=KFold(2)),
}


@pytest.mark.parametrize("name", FITTED)
def test_slices_that_were_seen_are_reported(slices, name):
    X, y = slices
    frozen = FrozenEstimator(FITTED[name].fit(X[:3], y[:3]))
    TunedThresholdSegmenter(frozen, scoring="iou").fit(X[3:], y[3:])
    with pytest.warns(DataWarning, match=r"learnt from 1 of the images of X \(X\[0\]\)") as caught:
        TunedThresholdSegmenter(frozen, scoring="iou").fit(X[2:], y[2:])
    assert caught[0].filename == __file__
    with pytest.warns(DataWarning, match=r"from 3 of the images of X \(X\[0\], X\[1\], X\[2\]\)"):
        CalibratedSegmenter(frozen).fit(X[:5].astype(np.float64), y[:5])


def test_what_calibration_was_learnt_from_was_seen_too(slices):
    X, y = slices
    fitted = ThresholdSegmenter().fit(X[:2], y[:2])
    calibrated = CalibratedSegmenter(FrozenEstimator(fitted)).fit(X[2:4], y[2:4])
    tuned = TunedThresholdSegmenter(FrozenEstimator(calibrated), scoring="iou")
    tuned.fit(X[4:], y[4:])
    for again in (1, 3):
        with pytest.warns(DataWarning, match="learnt from 1 of the images"):
            tuned.fit(X[[again, 5]], y[[again, 5]])


def test_segmenters_without_a_record_are_left_alone(slices):
    CalibratedSegmenter(FrozenEstimator(Unknown().fit(*slices))).fit(*slices)


def test_keys_follow_the_pixels():
    X = np.random.default_rng(0).integers(0, 255, (7, 9, 12)).astype(np.uint8)
    keys = image_keys(check_images(X))
    assert len(set(keys)) == 7
    assert image_keys(check_images(X.astype(np.float32))) == keys
    assert image_keys(check_images([*X[::-1, :, :, np.newaxis]])) == keys[::-1]
    assert image_keys(check_images(X[:, :1])) != keys
    assert image_keys(check_images(X[:, :, ::-1])) != keys

"""Small fitted segmenters of every kind, and what is done to their files."""

import importlib.util
from functools import partial
from pathlib import Path

import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from membseg import (
    CalibratedSegmenter,
    CellSegmenter,
    DummySegmenter,
    EnsembleSegmenter,
    KerasSegmenter,
    PixelForestSegmenter,
    RidgeSegmenter,
    ThresholdSegmenter,
    TunedThresholdSegmenter,
    UNetSegmenter,
    make_membranes,
)
from membseg.calibration import RiskControlledSegmenter
from membseg.preprocessing import CLAHE, BackgroundFlattener, Denoiser

#: What any network needs for a fit in a second.
TINY = {"max_steps": 2, "batch_size": 2, "tta": "none", "precision": "float32", "random_state": 0}


def make_unet(**params):
    sizes = {"depth": 1, "base_filters": 4, "stem_stride": 1, "threshold": 0.5}
    return UNetSegmenter(**(sizes | TINY | params))


def make_forest(classifier=None, **params):
    classifier = classifier or RandomForestClassifier(n_estimators=3, max_depth=4)
    return PixelForestSegmenter(classifier, sigma_max=2.0, max_pixels=500, random_state=0, **params)


def wrap(cls, **params):
    return cls(ThresholdSegmenter(), cv=KFold(2), **params)


#: Those without a network: name -> how to make it.
PLAIN = {
    "threshold": partial(ThresholdSegmenter, method="hysteresis"),
    "dummy": DummySegmenter,
    "ridge": partial(RidgeSegmenter, scale=1.4),
    "forest": make_forest,
    "default forest": lambda: PixelForestSegmenter(sigma_max=2.0, max_pixels=300),
    "logistic pixels": lambda: make_forest(make_pipeline(StandardScaler(), LogisticRegression())),
    "ensemble": lambda: EnsembleSegmenter(
        [("a", ThresholdSegmenter()), ("b", RidgeSegmenter(scale=1.4))], weights=[1, 3]
    ),
    "temperature": lambda: wrap(CalibratedSegmenter),
    "sigmoid": lambda: wrap(CalibratedSegmenter, method="sigmoid"),
    "isotonic": lambda: wrap(CalibratedSegmenter, method="isotonic"),
    "beta": lambda: wrap(CalibratedSegmenter, method="beta"),
    "local": lambda: wrap(CalibratedSegmenter, method="local"),
    "tuned": lambda: wrap(TunedThresholdSegmenter, scoring="iou", closing=[0, 1]),
    "risk": lambda: wrap(RiskControlledSegmenter, max_missed=0.8, confidence=0.5),
    "cells": lambda: CellSegmenter(ThresholdSegmenter(), cv=KFold(2), tune="panoptic_quality"),
    "pipeline": lambda: make_pipeline(
        BackgroundFlattener(), CLAHE(), Denoiser(), ThresholdSegmenter()
    ),
    "calibrated pipeline": lambda: CalibratedSegmenter(
        make_pipeline(CLAHE(), ThresholdSegmenter()), cv=[([0, 1], [2, 3]), ([2, 3], [0, 1])]
    ),
}


@pytest.fixture(scope="session")
def slices():
    """Four synthetic slices and their masks."""
    return make_membranes(4, 32, 32, random_state=0)


@pytest.fixture(scope="session")
def plain(slices):
    """Every segmenter without a network, fitted; not to be changed."""
    return {name: make().fit(*slices) for name, make in PLAIN.items()}


@pytest.fixture(scope="session")
def unet(slices):
    """A small U-Net, fitted; not to be changed."""
    return make_unet().fit(*slices)


@pytest.fixture(scope="session")
def networks(slices, unet):
    """Segmenters around networks, fitted; not to be changed."""
    from membseg.networks import build_unet

    X, y = slices
    own = partial(build_unet, depth=1, base_filters=4)
    frozen = CalibratedSegmenter(FrozenEstimator(unet))
    with pytest.warns(match="learnt from"):
        frozen.fit(X, y)
    return {
        "unet": unet,
        "stack": make_unet(intensity_norm="stack").fit(X, y),
        "own": KerasSegmenter(own, **(TINY | {"threshold": 0.5})).fit(X, y),
        "started": make_unet(init_from=unet).fit(X, y),
        "frozen": frozen,
        "ensemble": EnsembleSegmenter(make_unet(), n_members=2, random_state=0).fit(X, y),
    }


@pytest.fixture(scope="session")
def fuzz():
    """The module that damages files, which runs by itself as well."""
    path = Path(__file__).with_name("fuzz.py")
    spec = importlib.util.spec_from_file_location("fuzz", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def make():
    """The factory of small U-Nets."""
    return make_unet

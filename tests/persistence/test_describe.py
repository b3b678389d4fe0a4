"""Estimators before they are fitted, as plain values."""

import json
from functools import partial

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline

from membseg import (
    CalibratedSegmenter,
    EnsembleSegmenter,
    KerasSegmenter,
    RidgeSegmenter,
    SliceBlockKFold,
    ThresholdSegmenter,
    UNetSegmenter,
)
from membseg.exceptions import InvalidTypeError, ModelFileError
from membseg.networks import build_unet
from membseg.persistence._describe import build_estimator, describe_estimator
from membseg.preprocessing import CLAHE

ESTIMATORS = [
    UNetSegmenter(depth=2, learning_rate=np.float64(1e-3)),
    make_pipeline(CLAHE(), ThresholdSegmenter()),
    CalibratedSegmenter(RidgeSegmenter(), cv=SliceBlockKFold(3)),
    EnsembleSegmenter([("a", ThresholdSegmenter())], weights=np.ones(1), cv=KFold(2)),
    KerasSegmenter(partial(build_unet, depth=1)),
    KerasSegmenter(build_unet),
    CLAHE(clip_limit=0.02),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_it_comes_back(estimator):
    described = json.loads(json.dumps(describe_estimator(estimator), allow_nan=False))
    built = build_estimator(described)
    assert str(built.get_params()) == str(estimator.get_params())
    assert describe_estimator(built) == described


def test_what_was_learnt_is_left_out(plain):
    fitted = plain["pipeline"]
    assert describe_estimator(fitted) == describe_estimator(clone(fitted))
    assert not hasattr(build_estimator(describe_estimator(fitted))[-1], "classes_")


def test_a_random_stream(plain):
    stream = np.random.default_rng(0)
    stream.random(7)
    built = build_estimator(describe_estimator(UNetSegmenter(random_state=stream)))
    assert built.random_state.random() == stream.random()


def test_values_that_are_not_finite():
    built = build_estimator(describe_estimator(ThresholdSegmenter(low=float("-inf"))))
    assert built.low == float("-inf")


@pytest.mark.parametrize("make", [lambda e: UNetSegmenter(init_from=e), FrozenEstimator])
def test_fitted_parts_cannot_be_described(make, plain):
    around = CalibratedSegmenter(make(plain["ridge"]))
    with pytest.raises(
        InvalidTypeError, match=r"cannot be described: it is a fitted .* holds no w"
    ):
        describe_estimator(around)


def test_functions_cannot_be_described():
    with pytest.raises(
        InvalidTypeError, match=r"build_fn of the estimator cannot be saved.*no code"
    ):
        describe_estimator(KerasSegmenter(lambda n_channels: None))


def test_large_arrays_cannot_be_described():
    ensemble = EnsembleSegmenter(ThresholdSegmenter(), weights=np.ones(20_000))
    with pytest.raises(InvalidTypeError, match="weights of the estimator cannot be saved"):
        describe_estimator(ensemble)


@pytest.mark.parametrize(
    ("description", "message"),
    [
        (None, "an estimator of it has other keys than an estimator has"),
        ({"type": "object", "class": "os.system", "parameters": {}}, "a class that no model file"),
        (
            {"type": "object", "class": "CLAHE", "parameters": {"fit": 1}},
            "a CLAHE here has no parameter 'fit'",
        ),
        (
            {
                "type": "object",
                "class": "sklearn.KFold",
                "parameters": {"n_splits": -1, "shuffle": False, "random_state": None},
            },
            "n_splits=2 or more",
        ),
    ],
)
def test_descriptions_of_nothing(description, message):
    with pytest.raises(ModelFileError, match=f"The estimator cannot be built: .*{message}"):
        build_estimator(description)

"""Every estimator of the package keeps the contract, alone and inside scikit-learn's wrappers."""

import inspect

import keras
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, KFold, RandomizedSearchCV
from sklearn.pipeline import Pipeline

import membseg.segmenters
from membseg import (
    CalibratedSegmenter,
    ThresholdSegmenter,
    TunedThresholdSegmenter,
    UNetSegmenter,
)
from membseg.base import SegmenterMixin
from membseg.calibration import RiskControlledSegmenter
from membseg.preprocessing import CLAHE
from membseg.segmenters import (
    DeepLabV3PlusSegmenter,
    DummySegmenter,
    EnsembleSegmenter,
    FCNSegmenter,
    KerasSegmenter,
    MaskRCNNSegmenter,
    MultiPathSegmenter,
    PixelForestSegmenter,
    RidgeSegmenter,
    SegNetSegmenter,
)
from membseg.testing import parametrize_with_segmenter_checks, wrapper_exemptions
from membseg.testing._fits import make_slices


def tiny_unet():
    return UNetSegmenter(
        depth=1,
        base_filters=4,
        stem_stride=1,
        max_steps=2,
        batch_size=2,
        tta="none",
        precision="float32",
    )


#: What any network needs for a fit in a second.
TINY = {"max_steps": 2, "batch_size": 2, "tta": "none", "precision": "float32"}

TINY_VARIANTS = [
    UNetSegmenter(
        depth=2, base_filters=2, stem_stride=1, skips="nested", deep_supervision=True, **TINY
    ),
    UNetSegmenter(
        depth=1,
        base_filters=2,
        stem_stride=1,
        block="residual",
        skips="attention",
        squeeze_excitation=True,
        bottleneck="transformer",
        stochastic_depth=0.2,
        **TINY,
    ),
]


def build_own(n_channels, seed):
    image = keras.Input((None, None, n_channels))
    options = {"padding": "same", "kernel_initializer": keras.initializers.HeNormal(seed)}
    x = keras.layers.Conv2D(4, 5, activation="relu", **options)(image)
    return keras.Model(image, keras.layers.Conv2D(1, 5, **options)(x))


TINY_CANDIDATES = [
    FCNSegmenter(base_filters=1, **TINY),
    DeepLabV3PlusSegmenter(base_filters=2, atrous_rate=1, norm_layer="none", **TINY),
    MultiPathSegmenter(n_paths=2, base_filters=2, norm_layer="none", **TINY),
    MultiPathSegmenter(mode="two_path", base_filters=2, norm_layer="none", **TINY),
    MaskRCNNSegmenter(
        base_filters=2,
        pyramid_filters=4,
        head_units=8,
        mask_filters=2,
        n_rois=8,
        max_steps=2,
        batch_size=1,
        precision="float32",
    ),
]


def tiny_forest():
    return PixelForestSegmenter(RandomForestClassifier(n_estimators=5, max_depth=6), sigma_max=4.0)


def search_of(segmenter, grid):
    return GridSearchCV(segmenter, grid, cv=KFold(2))


def pipeline_of(segmenter):
    return Pipeline([("contrast", CLAHE()), ("segmenter", segmenter)])


#: Segmenters around a segmenter, that are no ensembles.
WRAPPERS = (CalibratedSegmenter, RiskControlledSegmenter, TunedThresholdSegmenter)


def exemptions(estimator):
    if isinstance(estimator, KerasSegmenter):
        return {"check_tunables_are_scalars": "build_fn is a function"}
    if isinstance(estimator, WRAPPERS):
        return {"check_tunables_are_scalars": "cv is a splitter, since three slices allow no gap"}
    return wrapper_exemptions(estimator)


QUICK = [
    tiny_unet(),
    KerasSegmenter(build_own, **TINY),
    ThresholdSegmenter(),
    RidgeSegmenter(),
    tiny_forest(),
    *(DummySegmenter(strategy=strategy) for strategy in ("prior", "cell", "membrane")),
    EnsembleSegmenter(ThresholdSegmenter(), n_members=2),
    EnsembleSegmenter([("sharp", ThresholdSegmenter()), ("lines", RidgeSegmenter())]),
    CalibratedSegmenter(ThresholdSegmenter(), cv=KFold(2)),
    TunedThresholdSegmenter(ThresholdSegmenter(), scoring="iou", cv=KFold(2)),
    # Three or four slices prove little.
    RiskControlledSegmenter(ThresholdSegmenter(), max_missed=0.8, confidence=0.5, cv=KFold(2)),
    search_of(ThresholdSegmenter(), {"sigma": [0.5, 1.0]}),
    RandomizedSearchCV(ThresholdSegmenter(), {"sigma": [0.5, 1.0]}, n_iter=2, cv=KFold(2)),
    pipeline_of(ThresholdSegmenter()),
]


@parametrize_with_segmenter_checks(QUICK, expected_failed_checks=exemptions)
def test_contract(estimator, check):
    check(estimator)


#: Those that take longer: half a minute each.
SLOW = [
    SegNetSegmenter(depth=2, base_filters=2, **TINY),
    UNetSegmenter(max_steps=2, batch_size=2, precision="float32"),
    *TINY_VARIANTS,
    *TINY_CANDIDATES,
    search_of(tiny_unet(), {"learning_rate": [1e-3, 2e-3]}),
    pipeline_of(tiny_unet()),
    EnsembleSegmenter(tiny_unet(), n_members=2),
    search_of(pipeline_of(tiny_unet()), {"contrast__clip_limit": [0.01, 0.02]}),
]


@pytest.mark.slow
@parametrize_with_segmenter_checks(SLOW, expected_failed_checks=wrapper_exemptions)
def test_contract_of_larger_ones(estimator, check):
    check(estimator)


def test_no_segmenter_is_forgotten():
    public = [getattr(membseg.segmenters, name) for name in membseg.segmenters.__all__]
    segmenters = {c for c in public if inspect.isclass(c) and issubclass(c, SegmenterMixin)}
    tested = {type(e) for e in QUICK + SLOW if isinstance(e, SegmenterMixin)}
    assert segmenters | set(WRAPPERS) == tested


def test_names_of_tests_are_the_same_in_every_process():
    decorator = parametrize_with_segmenter_checks([KerasSegmenter(build_own)])
    names = [case.id for case in decorator.args[1]]
    assert all(name.startswith("KerasSegmenter(build_fn=<functionbuild_own>)-") for name in names)


def test_wrappers_are_exempt_by_name_and_segmenters_are_not():
    assert wrapper_exemptions(ThresholdSegmenter()) == {}
    of_search = set(wrapper_exemptions(search_of(ThresholdSegmenter(), {})))
    of_pipeline = set(wrapper_exemptions(pipeline_of(ThresholdSegmenter())))
    assert of_search - of_pipeline == {"check_tunables_are_scalars"}
    assert of_pipeline - of_search == {"check_fit_leaves_parameters"}


def test_the_slices_are_small_the_same_each_time_and_hold_both_classes():
    X, y = make_slices()
    again, _ = make_slices()
    assert X.shape == y.shape == (4, 32, 40)
    assert all(set(np.unique(mask)) == {0, 1} for mask in y)
    np.testing.assert_array_equal(X, again)
    assert not np.shares_memory(X, again)

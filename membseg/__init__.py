"""Membrane segmentation of microscopy slices as an ordinary scikit-learn estimator."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

#: Public name -> the room it lives in. Rooms are imported when a name is first used, so that
#: ``import membseg`` stays light.
_ROOM_OF = {
    "DeepLabV3PlusSegmenter": "segmenters",
    "DummySegmenter": "segmenters",
    "EnsembleSegmenter": "segmenters",
    "FCNSegmenter": "segmenters",
    "KerasSegmenter": "segmenters",
    "MultiPathSegmenter": "segmenters",
    "PixelForestSegmenter": "segmenters",
    "RidgeSegmenter": "segmenters",
    "SegNetSegmenter": "segmenters",
    "ThresholdSegmenter": "segmenters",
    "UNetSegmenter": "segmenters",
    "describe_dataset": "datasets",
    "fetch_isbi2012": "datasets",
    "make_membranes": "datasets",
    "train_val_test_split": "datasets",
    "check_labels": "datasets",
    "load_image_folder": "io",
    "load_stack": "io",
    "save_stack": "io",
    "get_scorer": "metrics",
    "isbi_challenge_scores": "metrics",
    "make_scoring": "metrics",
    "CalibratedSegmenter": "calibration",
    "TunedThresholdSegmenter": "calibration",
    "CoverageStratifiedKFold": "model_selection",
    "ImageKFold": "model_selection",
    "SliceBlockKFold": "model_selection",
    "cached": "model_selection",
    "compare_segmenters": "model_selection",
    "cross_val_predict_proba": "model_selection",
    "PixelClassifier": "pixels",
    "as_pixels": "pixels",
    "check_segmenter": "testing",
    "parametrize_with_segmenter_checks": "testing",
}

__all__ = [
    "CalibratedSegmenter",
    "CoverageStratifiedKFold",
    "DeepLabV3PlusSegmenter",
    "DummySegmenter",
    "EnsembleSegmenter",
    "FCNSegmenter",
    "ImageKFold",
    "KerasSegmenter",
    "MultiPathSegmenter",
    "PixelClassifier",
    "PixelForestSegmenter",
    "RidgeSegmenter",
    "SegNetSegmenter",
    "SliceBlockKFold",
    "ThresholdSegmenter",
    "TunedThresholdSegmenter",
    "UNetSegmenter",
    "as_pixels",
    "cached",
    "check_labels",
    "check_segmenter",
    "compare_segmenters",
    "cross_val_predict_proba",
    "describe_dataset",
    "fetch_isbi2012",
    "get_scorer",
    "isbi_challenge_scores",
    "load_image_folder",
    "load_stack",
    "make_membranes",
    "make_scoring",
    "parametrize_with_segmenter_checks",
    "save_stack",
    "train_val_test_split",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'membseg' has no attribute {name!r}")
    return getattr(import_module(f"membseg.{_ROOM_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

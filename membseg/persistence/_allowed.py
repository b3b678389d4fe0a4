"""The classes that a model file may name. Where they are stands here, and never in a file."""

import inspect
from importlib import import_module
from typing import Any

#: Name in files -> module. Names of scikit-learn's classes start with "sklearn.".
_MODULES = {
    "DeepLabV3PlusSegmenter": "membseg.segmenters",
    "DummySegmenter": "membseg.segmenters",
    "EnsembleSegmenter": "membseg.segmenters",
    "FCNSegmenter": "membseg.segmenters",
    "KerasSegmenter": "membseg.segmenters",
    "MaskRCNNSegmenter": "membseg.segmenters",
    "MultiPathSegmenter": "membseg.segmenters",
    "PixelForestSegmenter": "membseg.segmenters",
    "RidgeSegmenter": "membseg.segmenters",
    "SegNetSegmenter": "membseg.segmenters",
    "ThresholdSegmenter": "membseg.segmenters",
    "UNetSegmenter": "membseg.segmenters",
    "CalibratedSegmenter": "membseg.calibration",
    "RiskControlledSegmenter": "membseg.calibration",
    "TunedThresholdSegmenter": "membseg.calibration",
    "CellSegmenter": "membseg.instances",
    "BackgroundFlattener": "membseg.preprocessing",
    "CLAHE": "membseg.preprocessing",
    "Denoiser": "membseg.preprocessing",
    "CoverageStratifiedKFold": "membseg.model_selection",
    "ImageKFold": "membseg.model_selection",
    "SliceBlockKFold": "membseg.model_selection",
    "sklearn.Pipeline": "sklearn.pipeline",
    "sklearn.FrozenEstimator": "sklearn.frozen",
    "sklearn.StandardScaler": "sklearn.preprocessing",
    "sklearn.LogisticRegression": "sklearn.linear_model",
    "sklearn.RandomForestClassifier": "sklearn.ensemble",
    "sklearn.ExtraTreesClassifier": "sklearn.ensemble",
    "sklearn.DecisionTreeClassifier": "sklearn.tree",
    "sklearn.ExtraTreeClassifier": "sklearn.tree",
    "sklearn.GroupKFold": "sklearn.model_selection",
    "sklearn.KFold": "sklearn.model_selection",
    "sklearn.LeaveOneGroupOut": "sklearn.model_selection",
    "sklearn.LeaveOneOut": "sklearn.model_selection",
}

#: Builders of networks that a KerasSegmenter may have -> the segmenter that knows their sizes.
BUILDERS = {
    "build_deeplab": "DeepLabV3PlusSegmenter",
    "build_fcn": "FCNSegmenter",
    "build_multipath": "MultiPathSegmenter",
    "build_segnet": "SegNetSegmenter",
    "build_unet": "UNetSegmenter",
}


def class_named(name: Any) -> type:
    """Give the class of a name in a file.

    Parameters
    ----------
    name : object
        What a file says.

    Returns
    -------
    type
        The class.

    Raises
    ------
    ValueError
        If the name is not one of those that files may hold.
    """
    module = _MODULES.get(name) if isinstance(name, str) else None
    if module is None:
        raise ValueError(f"it names a class that no model file holds, {str(name)[:60]!r}")
    return getattr(import_module(module), name.rpartition(".")[2])


def name_of(thing: Any) -> str | None:
    """Give the name of an object's class in files, or None where files cannot hold it."""
    cls = type(thing)
    for name in (cls.__name__, f"sklearn.{cls.__name__}"):
        if name in _MODULES and class_named(name) is cls:
            return name
    return None


def parameter_names(cls: type) -> list[str]:
    """List the parameters of a class, as its signature has them."""
    signature = inspect.signature(cls)
    return [name for name, p in signature.parameters.items() if p.kind is not p.VAR_KEYWORD]


def builder_named(name: Any) -> Any:
    """Give a builder of networks by its name; ValueError for all others."""
    if not isinstance(name, str) or name not in BUILDERS:
        raise ValueError(f"it names a function that no model file holds, {str(name)[:60]!r}")
    return getattr(import_module("membseg.networks"), name)


def builder_name(function: Any) -> str | None:
    """Give the name of a builder of networks, or None where it is none of membseg's own."""
    name = getattr(function, "__name__", None)
    return name if name in BUILDERS and builder_named(name) is function else None

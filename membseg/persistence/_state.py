"""What fitted estimators have learnt: which attributes each class may have, and of which kind."""

from typing import Any

from membseg.exceptions import InvalidTypeError
from membseg.persistence import _kinds as kinds
from membseg.persistence._allowed import parameter_names
from membseg.persistence._kinds import Kind, array, instance, one_of, optional
from membseg.persistence._network_state import CONTINUATION, check_network_state

_CLASSES = array(1, 2)

_SEGMENTER = {
    "classes_": _CLASSES,
    "threshold_": kinds.SHARE,
    "n_channels_in_": kinds.POSITIVE,
    "_images_seen": kinds.TEXTS,
}
_BASELINE = _SEGMENTER | {"n_images_seen_": kinds.POSITIVE}
_NETWORK = _BASELINE | {
    "_weights": optional(kinds.ARRAYS),
    "_config": optional(kinds.CONFIG),
    "history_": kinds.ROWS,
    "best_epoch_": kinds.COUNT,
    "n_steps_": kinds.COUNT,
    "n_parameters_": kinds.COUNT,
    "batch_size_": kinds.COUNT,
    "patch_size_": kinds.COUNT,
    "intensity_": optional(instance("Intensity")),
    "fit_time_": kinds.NUMBER,
}
_FOREST = {
    "n_features_in_": kinds.POSITIVE,
    "n_outputs_": kinds.POSITIVE,
    "classes_": _CLASSES,
    "n_classes_": kinds.POSITIVE,
    "estimators_": Kind(
        "a list of trees",
        lambda value: isinstance(value, list) and bool(value) and all(map(_is_tree_model, value)),
    ),
    "estimator_": one_of("DecisionTreeClassifier", "ExtraTreeClassifier"),
    "_n_samples": kinds.COUNT,
    "_n_samples_bootstrap": optional(kinds.COUNT),
}
_TREE = {
    "n_features_in_": kinds.POSITIVE,
    "n_outputs_": kinds.POSITIVE,
    "classes_": _CLASSES,
    "n_classes_": kinds.POSITIVE,
    "max_features_": kinds.POSITIVE,
    "tree_": instance("Tree"),
}
_TRANSFORMER = {"n_channels_in_": kinds.POSITIVE}
_WRAPPER = _SEGMENTER | {"estimator_": kinds.FITTED}

#: Attributes that every fitted object of a class has.
_REQUIRED: dict[str, dict[str, Kind]] = {
    **dict.fromkeys(
        (
            "DeepLabV3PlusSegmenter",
            "FCNSegmenter",
            "KerasSegmenter",
            "MaskRCNNSegmenter",
            "MultiPathSegmenter",
            "SegNetSegmenter",
            "UNetSegmenter",
        ),
        _NETWORK,
    ),
    "DummySegmenter": _BASELINE | {"prior_": kinds.SHARE, "_logit": kinds.NUMBER},
    "ThresholdSegmenter": _BASELINE
    | {
        "sign_": kinds.NUMBER,
        "low_": optional(kinds.NUMBER),
        "high_": optional(kinds.NUMBER),
        "_response": instance("GreyResponse"),
    },
    "RidgeSegmenter": _BASELINE
    | {
        "scale_": kinds.NUMBER,
        "sign_": kinds.NUMBER,
        "_response": instance("RidgeResponse"),
        "_curve": instance("LogisticCurve"),
    },
    "PixelForestSegmenter": _BASELINE
    | {
        "estimator_": Kind(
            "a fitted classifier",
            lambda value: hasattr(value, "predict_proba") and not hasattr(value, "threshold_"),
        ),
        "n_pixels_": kinds.POSITIVE,
        "_features": instance("PixelFeatures"),
        "_offset": kinds.NUMBER,
    },
    "EnsembleSegmenter": _SEGMENTER | {"estimators_": kinds.ALL_FITTED, "weights_": array(1)},
    "CalibratedSegmenter": _WRAPPER | {"_curve": one_of("BetaCurve", "LocalCurve", "SklearnCurve")},
    "TunedThresholdSegmenter": _WRAPPER
    | {
        "curve_": instance("ThresholdCurve"),
        "closing_": kinds.COUNT,
        "min_size_": kinds.COUNT,
    },
    "RiskControlledSegmenter": _WRAPPER | {"missed_": kinds.NUMBER},
    "CellSegmenter": _SEGMENTER
    | {
        "segmenter_": kinds.FITTED,
        "seed_distance_": kinds.NUMBER,
        "merge_threshold_": kinds.SHARE,
        "wall_threshold_": kinds.SHARE,
    },
    **dict.fromkeys(("BackgroundFlattener", "CLAHE", "Denoiser"), _TRANSFORMER),
    **dict.fromkeys(("sklearn.RandomForestClassifier", "sklearn.ExtraTreesClassifier"), _FOREST),
    **dict.fromkeys(("sklearn.DecisionTreeClassifier", "sklearn.ExtraTreeClassifier"), _TREE),
    "sklearn.LogisticRegression": {
        "classes_": _CLASSES,
        "coef_": array(2),
        "intercept_": array(1, 1),
        "n_iter_": array(1),
        "n_features_in_": kinds.POSITIVE,
    },
    "sklearn.StandardScaler": {
        "mean_": optional(array(1)),
        "var_": optional(array(1)),
        "scale_": optional(array(1)),
        "n_samples_seen_": kinds.NUMBER,
        "n_features_in_": kinds.POSITIVE,
    },
}

#: Attributes that some of them have.
_OPTIONAL: dict[str, dict[str, Kind]] = {
    name: {
        "_intensity_norm": kinds.TEXT,
        "_prior_logit": kinds.NUMBER,
        "_going_on": CONTINUATION,
    }
    for name, required in _REQUIRED.items()
    if required is _NETWORK
} | {"CellSegmenter": {"trials_": kinds.ROWS}}

#: Attributes that are left behind: what fit alone needs, and what the constructor makes.
_LEFT = frozenset(
    {
        "_sklearn_version",
        "_skl_callbacks",
        "_sample_weight",
        "estimator",
        "estimator_params",
        "oob_decision_function_",
        "oob_score_",
    }
)


def _is_tree_model(value: Any) -> bool:
    return type(value).__name__ in ("DecisionTreeClassifier", "ExtraTreeClassifier")


def fitted_state(estimator: Any, class_name: str) -> dict[str, Any]:
    """Give the attributes that fit left, or an empty dict where there was none.

    Parameters
    ----------
    estimator : estimator or splitter
        Of an allowed class.
    class_name : str
        The class's name in files.

    Returns
    -------
    dict
        Name -> value.

    Raises
    ------
    InvalidTypeError
        If it has an attribute that files do not hold.
    """
    if class_name not in _REQUIRED:
        return {}
    left = _LEFT | set(parameter_names(type(estimator)))
    state = {k: v for k, v in estimator.__getstate__().items() if k not in left}
    known = _REQUIRED[class_name].keys() | _OPTIONAL.get(class_name, {}).keys()
    odd = sorted(set(state) - known)
    if odd:
        raise InvalidTypeError(
            f"segmenter cannot be saved: a model file holds no attribute {odd[0]} of a "
            f"{type(estimator).__name__}. Delete it (del segmenter.{odd[0]}), or keep the "
            "segmenter with pickle."
        )
    return state


def check_state(class_name: str, state: dict[str, Any]) -> None:
    """Check the attributes of a fitted estimator, each by itself.

    Parameters
    ----------
    class_name : str
        The class's name in files, an allowed one.
    state : dict
        Name -> value, from anybody.

    Raises
    ------
    ValueError
        If one is missing, unknown, or of another kind.
    """
    required = _REQUIRED.get(class_name, {})
    known = required | _OPTIONAL.get(class_name, {})
    missing, odd = sorted(required.keys() - state.keys()), sorted(state.keys() - known.keys())
    if missing:
        raise ValueError(f"{missing[0]} of a {class_name} is missing")
    if odd or not required:
        raise ValueError(f"a {class_name} of it has an unknown attribute, {odd[0][:60]!r}")
    for name, value in state.items():
        if not known[name].holds(value):
            raise ValueError(f"{name} of a {class_name} must be {known[name].text}")


def put_state(estimator: Any, class_name: str, state: dict[str, Any]) -> None:
    """Give an estimator its attributes, after they were checked against each other.

    Parameters
    ----------
    estimator : estimator
        New; changed in place.
    class_name : str
        The class's name in files.
    state : dict
        Checked by :func:`check_state`.

    Raises
    ------
    ValueError
        If attributes or parameters do not fit each other.
    """
    if hasattr(type(estimator), "_parameter_constraints"):
        estimator._validate_params()
    vars(estimator).update(state)
    if _REQUIRED[class_name] is _NETWORK:
        check_network_state(estimator)
    elif _REQUIRED[class_name] is _FOREST:
        estimator._sample_weight = None
        _check_forest(estimator)
    elif _REQUIRED[class_name] is _TREE:
        _check_tree(estimator)
    else:
        _check_sizes(estimator)
    if (
        class_name in _REQUIRED
        and "threshold_" in state
        and estimator.classes_[0] == (estimator.classes_[1])
    ):
        raise ValueError("classes_ must be two different values")


def _check_tree(model: Any) -> None:
    tree = model.tree_
    if (
        model.n_outputs_ != 1
        or model.n_classes_ != 2
        or tree.n_features != model.n_features_in_
        or tree.value.shape[2] != 2
    ):
        raise ValueError("a tree of it has other sizes than its estimator says")


def _check_forest(forest: Any) -> None:
    if forest.n_outputs_ != 1 or forest.n_classes_ != 2:
        raise ValueError("a forest of it has other sizes than it must have")
    for model in forest.estimators_:
        # scikit-learn's C code takes the features of the first tree for those of all.
        if not hasattr(model, "tree_") or model.n_features_in_ != forest.n_features_in_:
            raise ValueError("a tree of it is not fitted, or has other features than its forest")


def _check_sizes(estimator: Any) -> None:
    """Check the sizes of what is not walked by C code."""
    weights = getattr(estimator, "weights_", None)
    if weights is not None and len(weights) != len(estimator.estimators_):
        raise ValueError("weights_ of an EnsembleSegmenter must have one number a member")
    coef = getattr(estimator, "coef_", None)
    if coef is not None and coef.shape != (1, estimator.n_features_in_):
        raise ValueError("coef_ of a LogisticRegression has a wrong shape")
    curve = getattr(estimator, "curve_", None)
    if curve is not None and len(curve.thresholds) != len(curve.scores):
        raise ValueError("curve_ of a TunedThresholdSegmenter has two lengths")

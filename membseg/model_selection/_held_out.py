"""What is learnt after a segmenter is learnt from: maps of slices that it was not trained on."""

from dataclasses import dataclass
from typing import Any

from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from membseg.exceptions import DataWarning
from membseg.metrics._pairs import Pairs
from membseg.model_selection._out_of_fold import call_method, cross_val_predict_proba
from membseg.utils import (
    check_images,
    check_same_sizes,
    check_sample_weight,
    encode_masks,
    innermost,
    warn_user,
)
from membseg.utils._image_keys import image_keys


@dataclass(frozen=True)
class HeldOut:
    """A fitted segmenter, and maps that tell how it does on slices that it has not seen.

    Attributes
    ----------
    segmenter : segmenter
        Fitted on all images, or the frozen one.
    pairs : Pairs
        Encoded masks beside what was asked for of each image; beside nothing if that was nothing.
    n_channels : int
        Channels of the images.
    images_seen : list of str
        Keys of all images that anything was learnt from.
    """

    segmenter: Any
    pairs: Pairs
    n_channels: int
    images_seen: list[str]


def predict_held_out(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    method: str | None,
    cv: Any,
    n_jobs: int | None,
    sample_weight: Any,
    groups: Any,
) -> HeldOut:
    """Predict every image by a segmenter that was not fitted on it, and fit one on all.

    A segmenter in scikit-learn's ``FrozenEstimator`` is fitted already, and predicts as it is.

    Parameters
    ----------
    estimator : segmenter
        A segmenter, or a pipeline or search around one.
    X, y, sample_weight, groups
        As in fit.
    method : {"decision_function", "predict_membrane"} or None
        What the maps are. None: none are wanted, only the fitted segmenter.
    cv, n_jobs
        As :func:`membseg.cross_val_predict_proba` takes them.

    Returns
    -------
    HeldOut
        Maps, masks, and the fitted segmenter.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If images, masks or weights cannot be used, or a class is missing.
    NotFittedError
        If the frozen segmenter is not fitted.

    Warns
    -----
    DataWarning
        If the frozen segmenter learnt from some of the images.
    """
    frozen = isinstance(estimator, FrozenEstimator)
    if frozen:
        check_is_fitted(estimator)
    given = innermost(estimator)
    images = check_images(X)
    masks = encode_masks(
        y,
        membrane_label=getattr(given, "membrane_label", None),
        ignore_label=getattr(given, "ignore_label", None),
        classes=given.classes_ if frozen else None,
        two_classes=True,
    ).masks
    check_same_sizes(images.sizes, [mask.shape for mask in masks])
    weights = check_sample_weight(sample_weight, images.sizes)
    keys = image_keys(images)
    if frozen:
        before = [] if method is None else _warn_of_seen(estimator, X)
        maps = [] if method is None else list(call_method(estimator, method, X))
        return HeldOut(estimator, Pairs(masks, maps, weights), images.n_channels, before + keys)
    extra = {"sample_weight": sample_weight, "groups": groups}
    extra = {name: value for name, value in extra.items() if value is not None}
    maps = []
    if method is not None:
        maps = cross_val_predict_proba(
            estimator, X, y, cv=cv, groups=groups, method=method, n_jobs=n_jobs,
            params=extra or None,
        )  # fmt: skip
    fitted = clone(estimator).fit(X, y, **extra)
    return HeldOut(fitted, Pairs(masks, list(maps), weights), images.n_channels, keys)


def _warn_of_seen(estimator: Any, X: Any) -> list[str]:
    """Warn of images that a fitted segmenter learnt from; give the keys of all it learnt from."""
    while not hasattr(estimator, "_images_seen"):
        if hasattr(estimator, "steps"):
            # What the segmenter saw is what the steps before it made of the images.
            X = estimator[:-1].transform(X)
            estimator = estimator.steps[-1][1]
            continue
        names = ("best_estimator_", "estimator_", "estimator")
        inside = [getattr(estimator, name) for name in names if hasattr(estimator, name)]
        if not inside:
            return []
        estimator = inside[0]
    seen = estimator._images_seen
    known = set(seen)
    again = [i for i, key in enumerate(image_keys(check_images(X))) if key in known]
    if again:
        shown = ", ".join(f"X[{i}]" for i in again[:5]) + (", ..." if len(again) > 5 else "")
        warn_user(
            f"The frozen segmenter learnt from {len(again)} of the images of X ({shown}): on these "
            "it does better than on new ones. Give slices that it has not seen, or give it "
            "without FrozenEstimator, to be fitted out of fold.",
            DataWarning,
        )
    return list(seen)

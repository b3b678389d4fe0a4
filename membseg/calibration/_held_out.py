"""What calibration and thresholds are learnt from: maps of slices that were not trained on."""

from dataclasses import dataclass
from typing import Any

from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from membseg.metrics._pairs import Pairs
from membseg.model_selection import cross_val_predict_proba
from membseg.model_selection._out_of_fold import call_method
from membseg.utils import (
    check_images,
    check_same_sizes,
    check_sample_weight,
    encode_masks,
    innermost,
)


@dataclass(frozen=True)
class HeldOut:
    """A fitted segmenter, and maps that tell how it does on slices that it has not seen.

    Attributes
    ----------
    segmenter : segmenter
        Fitted on all images, or the frozen one.
    pairs : Pairs
        Encoded masks beside what was asked for of each image.
    n_channels : int
        Channels of the images.
    """

    segmenter: Any
    pairs: Pairs
    n_channels: int


def predict_held_out(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    method: str,
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
    method : {"decision_function", "predict_membrane"}
        What the maps are.
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
    if frozen:
        maps = call_method(estimator, method, X)
        return HeldOut(estimator, Pairs(masks, list(maps), weights), images.n_channels)
    extra = {"sample_weight": sample_weight, "groups": groups}
    extra = {name: value for name, value in extra.items() if value is not None}
    maps = cross_val_predict_proba(
        estimator, X, y, cv=cv, groups=groups, method=method, n_jobs=n_jobs, params=extra or None
    )
    fitted = clone(estimator).fit(X, y, **extra)
    return HeldOut(fitted, Pairs(masks, list(maps), weights), images.n_channels)

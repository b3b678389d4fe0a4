"""The contract that every segmenter obeys."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from membseg.exceptions import InvalidInputError
from membseg.metrics import iou_score
from membseg.utils import IGNORED, check_images, encode_masks, restore_layout

__all__ = ["SegmenterMixin"]


@dataclass(slots=True)
class SegmenterTags(Tags):
    """What scikit-learn and others may know of a segmenter without asking its class.

    Attributes
    ----------
    tile_exact : bool
        Whether prediction in tiles equals prediction of the whole image.

    Examples
    --------
    >>> from membseg import UNetSegmenter
    >>> UNetSegmenter(norm_layer="group").__sklearn_tags__().tile_exact
    False
    """

    tile_exact: bool = True


class SegmenterMixin:
    """Everything that follows from a segmenter's logits.

    A segmenter defines ``fit`` and ``decision_function``; after fit it has ``classes_``
    (``[cell value, membrane value]``) and ``threshold_``. This mixin adds the rest of the
    contract. It is no classifier to scikit-learn: a classifier's ``predict_proba`` would be
    indexed as a table.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator
    >>> from membseg.base import SegmenterMixin
    >>> class Darkness(SegmenterMixin, BaseEstimator):
    ...     def fit(self, X, y):
    ...         self.classes_, self.threshold_ = np.unique(y), 0.5
    ...         return self
    ...     def decision_function(self, X):
    ...         return (X.mean() - X).astype(np.float32)
    >>> X = np.array([[[0.0, 9.0], [9.0, 9.0]]])
    >>> Darkness().fit(X, X < 5).predict(X).tolist()
    [[[True, False], [False, False]]]
    """

    _estimator_type = "segmenter"

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that X is a stack of images and y is required."""
        plain = super().__sklearn_tags__()  # type: ignore[misc]  # BaseEstimator stands behind us
        tags = SegmenterTags(**{f.name: getattr(plain, f.name) for f in fields(plain)})
        tags.estimator_type = "segmenter"
        tags.target_tags.required = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

    def predict_proba(self, X: Any) -> Any:
        """Predict the probability of both classes for every pixel.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images of any real dtype, with the channels seen in fit.

        Returns
        -------
        ndarray of shape (n_images, 2, height, width), float32, or list of (2, height, width)
            Axis 1 follows ``classes_`` and sums to one: ``proba[:, 1]`` is the membrane map.
        """
        membrane = self.predict_membrane(X)
        if isinstance(membrane, list):
            return [np.stack([1 - p, p]) for p in membrane]
        return np.stack([1 - membrane, membrane], axis=1)

    def predict_membrane(self, X: Any, out: np.ndarray | None = None) -> Any:
        """Predict the probability of membrane for every pixel.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images of any real dtype, with the channels seen in fit.
        out : ndarray of shape (n_images, height, width) or None, default=None
            Where to write, for results larger than memory (a memory-mapped array, for example).

        Returns
        -------
        ndarray of shape (n_images, height, width), float32, or list of (height, width)
            Probabilities in [0, 1]; `out` itself if it was given.

        Raises
        ------
        InvalidInputError
            If `out` is no float array of the shape of the result.
        """
        if out is None:
            logits = self.decision_function(X)  # type: ignore[attr-defined]  # the host's
            return [_sigmoid(z) for z in logits] if isinstance(logits, list) else _sigmoid(logits)
        check_is_fitted(self)
        shape = None if isinstance(X, list | tuple) else tuple(np.shape(X)[:3])
        if not isinstance(out, np.ndarray) or out.shape != shape or out.dtype.kind != "f":
            got = getattr(out, "shape", type(out).__name__)
            raise InvalidInputError(
                f"out must be a float array of the shape of the membrane maps, {shape} (and X an "
                f"array, no list); got {got}, {getattr(out, 'dtype', 'no array')}."
            )
        for i in range(len(out)):
            out[i] = self.predict_membrane(X[i : i + 1])[0]
        return out

    def predict(self, X: Any) -> Any:
        """Predict masks: membrane where its probability is at least ``threshold_``.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images of any real dtype, with the channels seen in fit.

        Returns
        -------
        ndarray of shape (n_images, height, width) or list of (height, width)
            Masks with the values and the dtype of the y seen in fit.
        """
        check_is_fitted(self)
        stack = check_images(X)
        classes = self.classes_  # type: ignore[attr-defined]  # set by the host's fit
        threshold = self.threshold_  # type: ignore[attr-defined]  # set by the host's fit
        masks = []
        # One image at a time: the maps of a whole stack would be four times as large as its masks.
        for i in range(len(stack)):
            one = [X[i]] if stack.as_list else np.asanyarray(X)[i : i + 1]
            membrane = self.predict_membrane(one)[0] >= threshold
            masks.append(np.where(membrane, classes[1], classes[0]))
        return restore_layout(masks, as_list=stack.as_list)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Score by membrane IoU, counted over all pixels of the set.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images.
        y : array-like of shape (n_images, height, width) or list of (height, width) arrays
            True masks with the values seen in fit; ignored pixels do not count.
        sample_weight : array-like or None, default=None
            Weight of each image, or of each pixel.

        Returns
        -------
        float
            Intersection over union of membrane, in [0, 1]; higher is better.
        """
        classes = getattr(self, "classes_", None)
        predicted = encode_masks(self.predict(X), classes=classes, name="predict(X)")
        truth = encode_masks(y, classes=classes, ignore_label=getattr(self, "ignore_label", None))
        return float(
            iou_score(
                truth.masks,
                predicted.masks,
                membrane_label=1,
                ignore_label=IGNORED,
                sample_weight=sample_weight,
            )
        )


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    """Logistic function in float32 that does not overflow."""
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -80.0, 80.0)))

"""A segmenter as a classifier of pixels."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.pixels._pixel_stack import PixelStack

#: Marks pixels of an image that are not among those that fit was given.
_ABSENT = -1


class PixelClassifier(ClassifierMixin, BaseEstimator):
    """A segmenter that looks like a classifier of pixels to scikit-learn's tools.

    Its X is a :class:`PixelStack`, its y one label a pixel, 1 at membrane; :func:`as_pixels` makes
    both. Behind it the segmenter learns from whole images, in which pixels that are not in the
    stack have no label, and predicts whole images, of which those in the stack are picked.

    Parameters
    ----------
    segmenter : segmenter
        A segmenter, or a pipeline or search around one. Where it is fitted already, predictions
        need no fit.

    Attributes
    ----------
    segmenter_ : segmenter
        The segmenter that was fitted here. Its values of membrane and cell are 1 and 0.
    classes_ : ndarray of shape (2,)
        ``[0, 1]``.

    Notes
    -----
    ``membrane_label`` and ``ignore_label`` of the segmenter speak of masks with other values; in
    fit they are set to what the pixels' labels mean. A pixel that is in the stack twice counts
    once, unless its whole image is.

    Examples
    --------
    >>> from sklearn.model_selection import cross_val_score
    >>> from membseg import ThresholdSegmenter, make_membranes
    >>> from membseg.model_selection import ImageKFold
    >>> from membseg.pixels import PixelClassifier, as_pixels
    >>> X, y = make_membranes(4, 48, 48, random_state=0)
    >>> pixels = PixelClassifier(ThresholdSegmenter())
    >>> scores = cross_val_score(pixels, *as_pixels(X, y), cv=ImageKFold(2), scoring="roc_auc")
    >>> scores.shape
    (2,)
    """

    def __init__(self, segmenter: Any) -> None:
        self.segmenter = segmenter

    def fit(self, X: PixelStack, y: Any, sample_weight: Any = None) -> "PixelClassifier":
        """Fit the segmenter on the images of the pixels.

        Parameters
        ----------
        X : PixelStack of shape (n_pixels, n_channels)
            Pixels.
        y : array-like of shape (n_pixels,)
            1 at membrane, 0 at cell.
        sample_weight : array-like of shape (n_pixels,) or None, default=None
            Weight of each pixel.

        Returns
        -------
        self
            The fitted classifier.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If `X` is no stack of pixels, or labels or weights do not fit it.
        """
        _check_pixels(X)
        labels = _check_labels(y, len(X))
        weights = None if sample_weight is None else _check_length(sample_weight, len(X))
        images, masks, maps = [], [], []
        for number, pixels, rows in X.parts():
            image = X.image(number)
            images.append(image)
            masks.append(_spread(labels[rows], pixels, image.shape[:2], _ABSENT))
            if weights is not None:
                maps.append(_spread(weights[rows], pixels, image.shape[:2], 0))
        segmenter = _speak_of_pixels(clone(self.segmenter))
        given = {} if weights is None else {"sample_weight": maps}
        self.segmenter_ = segmenter.fit(images, masks, **given)
        return self

    @property
    def classes_(self) -> np.ndarray:
        """``[0, 1]``."""
        self._fitted()
        return np.array([0, 1])

    def decision_function(self, X: PixelStack) -> np.ndarray:
        """Predict the logit of membrane for every pixel.

        Parameters
        ----------
        X : PixelStack of shape (n_pixels, n_channels)
            Pixels.

        Returns
        -------
        ndarray of shape (n_pixels,), float32
            Logits.
        """
        segmenter = self._fitted()
        return self._pick(X, lambda image: segmenter.decision_function([image])[0], np.float32)

    def predict_proba(self, X: PixelStack) -> np.ndarray:
        """Predict the probability of both classes for every pixel.

        Parameters
        ----------
        X : PixelStack of shape (n_pixels, n_channels)
            Pixels.

        Returns
        -------
        ndarray of shape (n_pixels, 2), float64
            Columns are cell and membrane; they sum to one.
        """
        segmenter = self._fitted()
        membrane = self._pick(X, lambda image: segmenter.predict_proba([image])[0][1], np.float64)
        return np.stack([1 - membrane, membrane], axis=1)

    def predict(self, X: PixelStack) -> np.ndarray:
        """Predict the class of every pixel, at the segmenter's own threshold.

        Parameters
        ----------
        X : PixelStack of shape (n_pixels, n_channels)
            Pixels.

        Returns
        -------
        ndarray of shape (n_pixels,), int64
            1 at membrane, 0 at cell.
        """
        segmenter = self._fitted()
        membrane = segmenter.classes_[1]
        return self._pick(X, lambda image: segmenter.predict([image])[0] == membrane, np.int64)

    def __sklearn_is_fitted__(self) -> bool:
        """Whether it was fitted, or the segmenter was."""
        return hasattr(self, "segmenter_") or _is_fitted(self.segmenter)

    def _fitted(self) -> Any:
        check_is_fitted(self)
        return getattr(self, "segmenter_", self.segmenter)

    def _pick(self, X: PixelStack, predict: Any, dtype: Any) -> np.ndarray:
        """Predict image by image and pick the stack's pixels."""
        _check_pixels(X)
        result = np.empty(len(X), dtype=dtype)
        for number, pixels, rows in X.parts():
            result[rows] = predict(X.image(number)).reshape(-1)[pixels]
        return result


def _check_pixels(X: Any) -> None:
    if not isinstance(X, PixelStack):
        raise InvalidTypeError(
            f"X must be a PixelStack, as membseg.as_pixels gives it; got {type(X).__name__}. Write "
            "Xp, yp = as_pixels(X, y) and give Xp, or give images to the segmenter itself."
        )


def _check_length(values: Any, n_pixels: int, name: str = "sample_weight") -> np.ndarray:
    values = np.asarray(values)
    if values.shape != (n_pixels,):
        raise InvalidInputError(
            f"{name} must have shape (n_pixels,), ({n_pixels},); got {values.shape}. For images "
            "and masks use the segmenter itself, or as_pixels(X, y)."
        )
    return values


def _check_labels(y: Any, n_pixels: int) -> np.ndarray:
    labels = _check_length(y, n_pixels, "y")
    if not np.isin(labels, (0, 1)).all():
        raise InvalidInputError(
            "y must be 1 at membrane and 0 at cell, as membseg.as_pixels gives it; got other "
            "values. Write Xp, yp = as_pixels(X, y, membrane_label=...)."
        )
    return labels


def _spread(values: np.ndarray, pixels: Any, size: tuple[int, int], rest: int) -> np.ndarray:
    """Lay values of pixels out as an image, with the same number everywhere else."""
    kind = np.int8 if rest == _ABSENT else np.float64
    flat = np.full(size[0] * size[1], rest, dtype=kind)
    flat[pixels] = values
    return flat.reshape(size)


def _speak_of_pixels(segmenter: Any) -> Any:
    """Set what the values of masks mean, at whatever depth the parameters are."""
    meaning = {"membrane_label": 1, "ignore_label": _ABSENT}
    params = {
        name: meaning[name.rpartition("__")[2]]
        for name, value in segmenter.get_params(deep=True).items()
        if name.rpartition("__")[2] in meaning and value is not None
    }
    return segmenter.set_params(**params)


def _is_fitted(segmenter: Any) -> bool:
    try:
        check_is_fitted(segmenter)
    except NotFittedError:
        return False
    return True

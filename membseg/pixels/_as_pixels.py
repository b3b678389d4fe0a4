"""From images and masks to pixels and their labels."""

from typing import Any

import numpy as np

from membseg.pixels._pixel_stack import PixelStack
from membseg.utils import IGNORED, check_images, check_same_sizes, encode_masks


def as_pixels(
    X: Any, y: Any, *, membrane_label: Any = None, ignore_label: Any = None
) -> tuple[PixelStack, np.ndarray]:
    """Turn images and masks into pixels and labels, as scikit-learn's tools for classifiers want.

    With these, and with :class:`PixelClassifier` around a segmenter, calibration, threshold tuning,
    curves, confusion matrices and scorers of scikit-learn work as they are. Cross-validate with
    :class:`membseg.model_selection.ImageKFold`, so that no image is cut.

    Parameters
    ----------
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images of any real dtype.
    y : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks of two values.
    membrane_label : scalar or None, default=None
        The value of membrane in `y`; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y` without a label, which are left out. None takes -1 as such in
        signed integers that hold two other values.

    Returns
    -------
    Xp : PixelStack of shape (n_pixels, n_channels)
        The labelled pixels, image after image and row after row; holds views of `X`.
    yp : ndarray of shape (n_pixels,), int64
        1 at membrane, 0 at cell.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `X` or `y` cannot be used, or they differ in size.

    Examples
    --------
    >>> from sklearn.calibration import CalibratedClassifierCV
    >>> from membseg import ThresholdSegmenter, make_membranes
    >>> from membseg.model_selection import ImageKFold
    >>> from membseg.pixels import as_pixels
    >>> X, y = make_membranes(4, 48, 48, random_state=0)
    >>> Xp, yp = as_pixels(X, y)
    >>> pixels = ThresholdSegmenter().as_pixel_classifier()
    >>> calibrated = CalibratedClassifierCV(pixels, cv=ImageKFold(2)).fit(Xp, yp)
    >>> calibrated.predict_proba(Xp).shape
    (9216, 2)
    """
    stack = check_images(X)
    masks = encode_masks(y, membrane_label=membrane_label, ignore_label=ignore_label).masks
    check_same_sizes(stack.sizes, [mask.shape for mask in masks])
    labelled = [
        None if (inside := mask != IGNORED).all() else np.flatnonzero(inside) for mask in masks
    ]
    labels = [
        mask.ravel() if inside is None else mask.ravel()[inside]
        for mask, inside in zip(masks, labelled, strict=True)
    ]
    # int64, as scikit-learn's own labels; some of its metrics multiply them.
    return PixelStack(stack.images, labelled), np.concatenate(labels).astype(np.int64)

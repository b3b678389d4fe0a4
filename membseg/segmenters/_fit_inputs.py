"""Everything that fit is given, checked before anything expensive."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.utils import (
    IGNORED,
    ImageStack,
    MaskStack,
    check_images,
    check_same_sizes,
    check_sample_weight,
    encode_masks,
)


@dataclass(frozen=True)
class FitInputs:
    """Checked arguments of fit.

    Attributes
    ----------
    images : ImageStack
        The images.
    masks : MaskStack
        The masks, encoded, with both classes.
    weights : list or None
        Weight of each image or of its pixels.
    groups : array-like or None
        Specimen of each image, as given.
    validation : tuple (ImageStack, MaskStack) or None
        The caller's own validation part.
    """

    images: ImageStack
    masks: MaskStack
    weights: list[float | np.ndarray] | None
    groups: Any
    validation: tuple[ImageStack, MaskStack] | None


def check_fit_inputs(
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    groups: Any = None,
    validation_data: Any = None,
    membrane_label: Any = None,
    ignore_label: Any = None,
    classes: np.ndarray | None = None,
    n_channels: int | None = None,
) -> FitInputs:
    """Check what fit was given.

    Parameters
    ----------
    X, y, sample_weight, groups, validation_data
        As in fit.
    membrane_label, ignore_label : scalar or None, default=None
        Values of membrane and of unlabelled pixels in `y`.
    classes : ndarray of shape (2,) or None, default=None
        ``[cell, membrane]`` where that is known; `y` need not show both then.
    n_channels : int or None, default=None
        Channels that the images must have, where that is known.

    Returns
    -------
    FitInputs
        Views of the images, encoded masks, weights.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If anything cannot be used.
    """
    images = check_images(X, n_channels=n_channels)
    masks = encode_masks(
        y,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        classes=classes,
        two_classes=classes is None,
    )
    sizes = images.sizes
    check_same_sizes(sizes, [mask.shape for mask in masks.masks])
    weights = check_sample_weight(sample_weight, sizes)
    if weights is not None:
        masks, weights = _apply_weights(masks, weights, two_classes=classes is None)
    validation = None
    if validation_data is not None:
        validation = _check_validation(validation_data, images.n_channels, masks)
    return FitInputs(images, masks, weights, groups, validation)


def _apply_weights(
    masks: MaskStack, weights: list[float | np.ndarray], *, two_classes: bool
) -> tuple[MaskStack, list[float | np.ndarray]]:
    """Ignore pixels of zero weight everywhere, and scale the others to a mean of one."""
    full = [np.broadcast_to(w, m.shape) for w, m in zip(weights, masks.masks, strict=True)]
    codes = [np.where(w > 0, m, np.uint8(IGNORED)) for w, m in zip(full, masks.masks, strict=True)]
    counted = [w[c != IGNORED] for w, c in zip(full, codes, strict=True)]
    n_counted = sum(w.size for w in counted)
    if not n_counted:
        raise InvalidInputError(
            "sample_weight must be positive at some labelled pixel; got zero at all of them."
        )
    if two_classes and not 0 < replace(masks, masks=codes).membrane_fraction < 1:
        raise InvalidInputError(
            "sample_weight must be positive at some cell pixel and at some membrane pixel; it "
            "leaves one of the two classes only. Give weights to images that show both."
        )
    mean = sum(float(w.sum(dtype=np.float64)) for w in counted) / n_counted
    return replace(masks, masks=codes), [w / mean for w in weights]


def _check_validation(
    validation_data: Any, n_channels: int, masks: MaskStack
) -> tuple[ImageStack, MaskStack]:
    if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
        raise InvalidInputError(
            "validation_data must be a pair (X, y) of images and masks; got "
            f"{type(validation_data).__name__}."
        )
    images = check_images(validation_data[0], name="validation_data[0]", n_channels=n_channels)
    encoded = encode_masks(
        validation_data[1],
        classes=masks.classes,
        ignore_label=masks.ignore_label,
        name="validation_data[1]",
    )
    check_same_sizes(
        images.sizes,
        [mask.shape for mask in encoded.masks],
        names=("validation_data[0]", "validation_data[1]"),
    )
    return images, encoded

"""What images and masks an experiment was made with."""

import hashlib
from typing import Any

import numpy as np

from membseg.exceptions import RecordError
from membseg.utils import check_images, check_same_sizes, encode_masks
from membseg.utils._lazy import iterate_blocks


def fingerprint(
    X: Any, y: Any, *, classes: Any, ignore_label: Any, names: tuple[str, str]
) -> dict[str, Any]:
    """Describe a set so that another one can be told from it, image by image.

    Parameters
    ----------
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images.
    y : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks; what counts is what they mean, not their values.
    classes : ndarray of shape (2,) or None
        ``[cell, membrane]``.
    ignore_label : scalar or None
        The value of pixels without a label.
    names : tuple of str
        What images and masks are called in messages.

    Returns
    -------
    dict
        Sizes, dtype, channels, share of membrane, and a SHA-256 of each image and each mask.
    """
    stack = check_images(X, name=names[0])
    masks = encode_masks(y, classes=classes, ignore_label=ignore_label, name=names[1])
    check_same_sizes(stack.sizes, [mask.shape for mask in masks.masks], names=names)
    return {
        "n_images": len(stack),
        "sizes": [[int(height), int(width)] for height, width in stack.sizes],
        "dtype": str(np.result_type(*{image.dtype for image in stack.images})),
        "n_channels": stack.n_channels,
        "membrane_fraction": masks.membrane_fraction,
        "images": [digest(image) for image in stack.images],
        "masks": [digest(mask[..., np.newaxis]) for mask in masks.masks],
    }


def digest(image: Any) -> str:
    """SHA-256 of an image's shape, dtype and pixels; images in files are read in pieces.

    Parameters
    ----------
    image : ndarray or LazyImage of shape (height, width, channels)
        The image.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    found = hashlib.sha256(f"{tuple(image.shape)} {np.dtype(image.dtype).str}".encode())
    for block in iterate_blocks(image):
        found.update(np.ascontiguousarray(block).tobytes())
    return found.hexdigest()


def short_digest(data: dict[str, Any]) -> str:
    """Twelve digits that stand for a whole set, for tables."""
    text = " ".join([*data["images"], *data["masks"]])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def check_same_data(
    recorded: dict[str, Any], found: dict[str, Any], names: tuple[str, str]
) -> None:
    """Refuse data that are not those of a record, naming the first image that differs.

    Parameters
    ----------
    recorded, found : dict
        As from :func:`fingerprint`.
    names : tuple of str
        What images and masks are called in messages.

    Raises
    ------
    RecordError
        If anything differs.
    """
    way_out = "Give the data that the record was made with, in the same order."
    for what, text in (("n_images", "images"), ("n_channels", "channel(s)"), ("dtype", "pixels")):
        if recorded[what] != found[what]:
            raise RecordError(
                f"{names[0]} must hold {recorded[what]} {text}, as the record says; got "
                f"{found[what]}. {way_out}"
            )
    for name, what in zip(names, ("images", "masks"), strict=True):
        pairs = enumerate(zip(recorded[what], found[what], strict=True))
        different = [i for i, (old, new) in pairs if old != new]
        if different:
            listed = ", ".join(map(str, different[:5])) + (", ..." if len(different) > 5 else "")
            raise RecordError(
                f"{name} must be the {what} of the record; number {listed} (from 0) of "
                f"{len(found[what])} differ from them. {way_out}"
            )

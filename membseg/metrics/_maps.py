"""Checks of maps: membrane probabilities, and scores that may be masks as well."""

from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.utils import check_images


def check_maps(y_prob: Any, *, name: str) -> list[np.ndarray]:
    """Maps of probability, one (height, width) float array an image, all within [0, 1]."""
    maps = list_maps(y_prob, name=name, column=1)
    for i, image in enumerate(maps):
        if image.dtype.kind != "f":
            raise InvalidTypeError(
                f"{name} must hold probabilities as floats in [0, 1]; {name}[{i}] has dtype "
                f"{image.dtype}. For grey values up to 255 write {name} / 255."
            )
        if image.min() < 0 or image.max() > 1:
            raise InvalidInputError(
                f"{name} must hold probabilities in [0, 1]; {name}[{i}] runs from "
                f"{image.min():g} to {image.max():g}. For logits write "
                f"scipy.special.expit({name})."
            )
    return maps


def list_maps(y_map: Any, *, name: str, column: int) -> list[np.ndarray]:
    """Finite maps, one (height, width) array an image.

    `column` is where predict_proba has the map's class, for the message.
    """
    if isinstance(y_map, list | tuple):
        images: Any = [np.asanyarray(image) for image in y_map]
        for i, image in enumerate(images):
            if image.ndim != 2:
                raise InvalidInputError(
                    f"Each map in the list {name} must have shape (height, width); {name}[{i}] "
                    f"has shape {image.shape}. For the result of predict_proba write "
                    f"[p[{column}] for p in {name}]."
                )
        images = [image[..., np.newaxis] for image in images]
    else:
        images = np.asanyarray(y_map)
        if images.ndim != 3:
            hint = "np.newaxis" if images.ndim == 2 else f":, {column}"
            what = "a single map" if images.ndim == 2 else "the result of predict_proba"
            raise InvalidInputError(
                f"{name} must hold one map an image, shape (n_images, height, width); got shape "
                f"{images.shape}. For {what} write {name}[{hint}]."
            )
        images = images[..., np.newaxis]
    # As images of one channel, so that no narrow map is taken for a colour image.
    return [image[..., 0] for image in check_images(images, name=name).images]


def holds_masks(y_score: Any) -> bool:
    """Whether scores are masks: no floats, or floats of two values of which one is not in [0, 1].

    Other floats are probabilities, also where they are all 0 and 1.
    """
    arrays = y_score if isinstance(y_score, list | tuple) else [y_score]
    arrays = [np.asanyarray(array) for array in arrays]
    if any(array.dtype.kind != "f" for array in arrays):
        return True
    if not any(((array < 0) | (array > 1)).any() for array in arrays):
        return False
    values = np.unique(np.concatenate([np.unique(array) for array in arrays]))
    return len(values) <= 2

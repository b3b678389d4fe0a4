"""Small things that are done to maps: stacks of them, or lists where images differ in size."""

from collections.abc import Callable
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError

#: Probabilities stay between these, whose logits are -20 and 16.6: float32 has no number closer
#: to 1.
LEAST, MOST = 2e-9, 1 - 6e-8


def each(function: Callable[..., Any], *maps: Any, **options: Any) -> Any:
    """Apply a function to stacks of maps, or image by image to lists of them."""
    if isinstance(maps[0], list):
        return [function(*images, **options) for images in zip(*maps, strict=True)]
    return function(*maps, **options)


def logit(probability: Any) -> Any:
    """Logit that stays finite, in the dtype of the probabilities."""
    kind = np.asarray(probability).dtype.type
    inside = np.clip(probability, kind(LEAST), kind(MOST))
    return np.log(inside) - np.log1p(-inside)


def take_membrane(proba: Any) -> Any:
    """Take the maps of membrane out of what ``predict_proba`` gave, and refuse what is none.

    Parameters
    ----------
    proba : ndarray of shape (n_images, 2, height, width) or list of (2, height, width) arrays
        Probabilities of cell and membrane.

    Returns
    -------
    ndarray of shape (n_images, height, width) or list of (height, width)
        Probabilities of membrane.

    Raises
    ------
    InvalidInputError
        If these are no probabilities of two classes.
    """
    if isinstance(proba, list):
        return [_check_two(image)[1] for image in proba]
    return _check_two(proba)[:, 1]


def _check_two(proba: np.ndarray) -> np.ndarray:
    if proba.ndim < 3 or proba.shape[-3] != 2:
        raise InvalidInputError(
            "predict_proba must give probabilities of two classes, shape (n_images, 2, height, "
            f"width), or a list of (2, height, width); the estimator's gave shape {proba.shape}."
        )
    low, high = float(proba.min()), float(proba.max())
    sums = proba.sum(axis=-3)
    if not (low >= 0 and high <= 1 and np.allclose(sums, 1, atol=1e-3)):
        raise InvalidInputError(
            "predict_proba must give probabilities: in [0, 1], and one in sum over the two "
            f"classes; the estimator's run from {low:g} to {high:g}, with sums from "
            f"{float(sums.min()):g} to {float(sums.max()):g}. Logits belong to decision_function."
        )
    return proba

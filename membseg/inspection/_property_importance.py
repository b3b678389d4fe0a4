"""How much a score owes to properties of the images."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.inspection._importance import ImportanceResult, measure_importance
from membseg.inspection._properties import PROPERTIES
from membseg.metrics._checks import check_number


def property_importance(
    segmenter: Any,
    X: Any,
    y: Any,
    *,
    properties: Sequence[str] | None = None,
    strength: float = 1.0,
    scoring: Any = "iou",
    n_repeats: int = 5,
    random_state: Any = None,
) -> ImportanceResult:
    """Destroy one property of the images after the other, and see how far the score falls.

    Parameters
    ----------
    segmenter : segmenter
        Fitted; a pipeline or search around one will do.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images, with the channels seen in fit.
    y : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks.
    properties : sequence of str or None, default=None
        Some of "brightness", "contrast", "illumination", "blur", "noise", "scale" and
        "orientation"; None takes all.
    strength : float, default=1.0
        How thoroughly, above 0; see the notes.
    scoring : str or callable, default="iou"
        A name in :data:`membseg.metrics.SCORERS`, or ``scorer(estimator, X, y)``; higher is better.
    n_repeats : int, default=5
        How often, with other draws, 1 or more.
    random_state : int, Generator, RandomState or None, default=None
        Where chance comes from.

    Returns
    -------
    ImportanceResult
        By property, mean and spread of the fall.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If images, masks or a parameter cannot be used, or a property is unknown.

    Notes
    -----
    Every image of every repeat has a draw of its own, with s for `strength` and sd for the standard
    deviation of the image's grey values: brightness, all pixels by s sd times a normal number;
    contrast, differences from the mean times 4 to the power of -s to s; illumination, a ramp from
    -s sd to s sd in any direction; blur, a Gaussian of s to 3 s px; noise, s sd; scale, enlarged or
    shrunk by 2 to the power of s/2 to s, with the mask; orientation, turned by quarters and
    mirrored, with the mask, whatever the strength. Images become floats, so that nothing is
    clipped. Brightness and contrast cost a segmenter nothing that normalises images.

    Examples
    --------
    >>> from membseg import RidgeSegmenter, make_membranes, property_importance
    >>> X, y = make_membranes(4, 48, 48, random_state=0)
    >>> segmenter = RidgeSegmenter(scale=2.0).fit(X[:2], y[:2])
    >>> names = ("brightness", "noise")
    >>> found = property_importance(
    ...     segmenter, X[2:], y[2:], properties=names, n_repeats=2, random_state=0
    ... )
    >>> bool(abs(found.mean[0]) < 1e-6), bool(found.mean[1] > 0)
    (True, True)
    """
    names = _check_properties(properties)
    check_number(strength, "strength", low=0, open_low=True)

    def spoil(
        name: str, images: list[np.ndarray], masks: list[np.ndarray], rng: np.random.Generator
    ) -> Any:
        destroy = PROPERTIES[name]
        pairs = [
            destroy(image.astype(np.float64), mask, strength, rng)
            for image, mask in zip(images, masks, strict=True)
        ]
        return [image for image, _ in pairs], [mask for _, mask in pairs]

    return measure_importance(
        segmenter, X, y, names, spoil,
        scoring=scoring, n_repeats=n_repeats, random_state=random_state,
    )  # fmt: skip


def _check_properties(properties: Any) -> tuple[str, ...]:
    names = tuple(PROPERTIES) if properties is None else properties
    listed = ", ".join(PROPERTIES)
    if isinstance(names, str) or not len(names):
        raise InvalidInputError(
            f"properties must be a sequence of some of {listed}; got {properties!r}."
        )
    for name in names:
        if name not in PROPERTIES:
            raise InvalidInputError(f"properties must be some of {listed}; got {name!r}.")
    return tuple(names)

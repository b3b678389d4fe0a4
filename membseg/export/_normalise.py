"""Normalisation of intensities inside an exported graph."""

from typing import Any

import numpy as np

#: Axes of height and width.
_FIELD = (1, 2)


def normalise_images(images: Any, mode: str, intensity: Any) -> Any:
    """Normalise images as :func:`membseg.utils.fit_intensity` does, in float32.

    Parameters
    ----------
    images : tensor of shape (n, height, width, channels), float32
        Pixels as they are.
    mode : {"image", "percentile", "stack", "none"}
        The segmenter's `intensity_norm`.
    intensity : Intensity or None
        Offset and scale: the map of "stack".

    Returns
    -------
    tensor of shape (n, height, width, channels)
        What the network is fed with.
    """
    if mode == "none":
        return images
    if mode == "image":
        return _standardise(images)
    if mode == "percentile":
        return _stretch(images)
    return (images - intensity.offset.astype(np.float32)) * intensity.scale.astype(np.float32)


def _standardise(images: Any) -> Any:
    """Give each channel of each image zero mean and unit variance."""
    from keras import ops

    # Twice: the mean of large numbers is rounded in float32, that of what is left hardly.
    centred = images - _mean(images)
    centred = centred - _mean(centred)
    spread = ops.sqrt(_mean(ops.square(centred)))
    least, most = ops.min(images, _FIELD, keepdims=True), ops.max(images, _FIELD, keepdims=True)
    return centred * _inverse(spread, most > least)


def _mean(images: Any) -> Any:
    """Give the mean of each channel of each image."""
    from keras import ops

    # Of each row, then of these: plain sums of millions of numbers lose digits in float32.
    return ops.mean(ops.mean(images, 2, keepdims=True), 1, keepdims=True)


def _stretch(images: Any) -> Any:
    """Bring the 1st percentile of each channel of each image to -1 and the 99th to 1."""
    from keras import ops

    n, height, width, channels = ops.shape(images)
    pixels = ops.reshape(images, (n, height * width, channels))
    pixels = ops.transpose(pixels, (0, 2, 1))
    high = _first_percentile_from_the_top(pixels, height * width)
    low = -_first_percentile_from_the_top(-pixels, height * width)
    # The extremes where nearly all pixels are alike.
    alike = ops.equal(low, high)
    low = ops.where(alike, ops.min(pixels, -1), low)
    high = ops.where(alike, ops.max(pixels, -1), high)
    low, high = (ops.reshape(bound, (n, 1, 1, channels)) for bound in (low, high))
    return (images - (low + high) / 2) * _inverse((high - low) / 2, high > low)


def _first_percentile_from_the_top(values: Any, count: Any) -> Any:
    """Give the number that one per cent of so many values reach, along the last axis."""
    from keras import ops

    # In whole numbers: float32 cannot tell the places of large images.
    place, rest = (count - 1) // 100, ops.cast((count - 1) % 100, "float32") / 100
    largest, _ = ops.top_k(values, ops.minimum(place + 2, count))
    following = ops.minimum(place + 1, count - 1)
    here, there = ops.take(largest, place, axis=-1), ops.take(largest, following, axis=-1)
    return here + (there - here) * rest


def _inverse(spread: Any, varies: Any) -> Any:
    """Give 1 / spread, and 0 where a channel is constant."""
    from keras import ops

    ones = ops.ones_like(spread)
    return ops.where(varies, ones / ops.where(varies, spread, ones), ops.zeros_like(spread))

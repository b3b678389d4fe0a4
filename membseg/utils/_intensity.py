"""Intensity normalisation: once an image (or stack), never a tile."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.exceptions import DataWarning, InvalidInputError
from membseg.utils._lazy import LARGEST_BLOCK, iterate_blocks
from membseg.utils._warn import warn_user

#: What the parameter `intensity_norm` may be.
INTENSITY_NORMS = ("image", "percentile", "stack", "none")

#: Values that an integer of 16 bits can have.
_N_LEVELS = 2**16


@dataclass(frozen=True)
class Intensity:
    """An affine map of intensities, one offset and scale a channel.

    Attributes
    ----------
    offset, scale : ndarray of shape (channels,), float64
        A pixel becomes ``(pixel - offset) * scale``.
    """

    offset: np.ndarray
    scale: np.ndarray

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Map pixels of shape (..., channels) to float32."""
        # What float32 cannot hold exactly must lose its offset before it is rounded.
        exact = np.can_cast(pixels.dtype, np.float32)
        dtype = np.float32 if exact else np.float64
        moved = pixels.astype(dtype) - self.offset.astype(dtype)
        return (moved * self.scale.astype(dtype)).astype(np.float32)


def fit_intensity(images: list[Any], mode: str) -> list[Intensity]:
    """Find the map of each image.

    Large images (more than 2**24 values) are read piece by piece. Their percentiles are exact where
    pixels have 8 or 16 bits; else they are those of a regular grid of some 2**24 values.

    Parameters
    ----------
    images : list of (ndarray or LazyImage) of shape (height, width, channels)
        Images of any real dtype.
    mode : {"image", "percentile", "stack", "none"}
        Zero mean and unit variance of each image; the 1st and 99th percentile of each image to
        -1 and 1; zero mean and unit variance of all images together; unchanged.

    Returns
    -------
    list of Intensity
        One map an image.

    Warns
    -----
    DataWarning
        If an image holds one constant value, so that there is nothing to see in it.
    """
    if mode == "none":
        return [no_change(images[0].shape[2])] * len(images)
    if mode == "stack":
        return [_pool([_moments(image) for image in images])] * len(images)
    pairs = []
    for image in images:
        plan = StatisticsPlan.of(image.shape, image.dtype, mode)
        pairs.append(plan.combine([plan.look(block) for block in iterate_blocks(image)]))
    _warn_constant([i for i, (_, spread) in enumerate(pairs) if not np.any(spread > 0)])
    return [_to_map(center, spread) for center, spread in pairs]


def no_change(n_channels: int) -> Intensity:
    """Give the map that leaves pixels as they are."""
    return Intensity(np.zeros(n_channels), np.ones(n_channels))


@dataclass(frozen=True)
class StatisticsPlan:
    """How the map of one image is found from pieces of it that are looked at one by one.

    Attributes
    ----------
    kind : {"moments", "histogram", "sample"}
        What is kept of a piece: mean and variance; how often each value occurs; pixels.
    stride : int
        Every so manieth row and column goes into the sample.
    low : int
        The least value that the histogram counts.
    """

    kind: str
    stride: int = 1
    low: int = 0

    @classmethod
    def of(cls, shape: tuple[int, ...], dtype: Any, mode: str) -> "StatisticsPlan":
        """Choose the plan of an image, by its shape (height, width, channels) and dtype."""
        if mode == "image":
            return cls("moments")
        size = math.prod(shape)
        if size <= LARGEST_BLOCK:
            return cls("sample")
        dtype = np.dtype(dtype)
        if dtype.kind in "iu" and dtype.itemsize <= 2:
            return cls("histogram", low=int(np.iinfo(dtype).min))
        return cls("sample", stride=math.ceil(math.sqrt(size / LARGEST_BLOCK)))

    def look(self, block: np.ndarray) -> tuple[Any, ...]:
        """Keep what matters of a piece of shape (rows, columns, channels)."""
        if self.kind == "moments":
            return _block_moments(block)
        if self.kind == "histogram":
            channels = block.reshape(-1, block.shape[2]).T.astype(np.int64) - self.low
            return tuple(np.bincount(values, minlength=_N_LEVELS) for values in channels)
        sample = block[:: self.stride, :: self.stride].reshape(-1, block.shape[2])
        return sample.astype(np.float64), block.min((0, 1)), block.max((0, 1))

    def combine(self, parts: list[tuple[Any, ...]]) -> tuple[np.ndarray, np.ndarray]:
        """Give center and spread of each channel from all pieces of the image."""
        if self.kind == "moments":
            _, mean, variance = _combine(parts)
            return mean, np.sqrt(variance)
        if self.kind == "histogram":
            counts = [sum(channel) for channel in zip(*parts, strict=True)]
            low, high = np.transpose([_count_percentiles(n) for n in counts]) + self.low
        else:
            samples, least, largest = zip(*parts, strict=True)
            low, high = np.percentile(np.concatenate(samples), (1, 99), axis=0)
            alike = low == high
            # The extremes where nearly all pixels are alike.
            low = np.where(alike, np.min(least, axis=0), low)
            high = np.where(alike, np.max(largest, axis=0), high)
        return (low + high) / 2, (high - low) / 2

    def map_of(self, parts: list[tuple[Any, ...]]) -> Intensity:
        """Give the map from all pieces of the image."""
        return _to_map(*self.combine(parts))


def _count_percentiles(counts: np.ndarray) -> tuple[float, float]:
    """Give the 1st and 99th percentile of 0, 1, ... from how often each occurs, or the extremes."""
    last = np.cumsum(counts) - 1
    places = np.array([0.01, 0.99]) * last[-1]
    below = np.searchsorted(last, np.floor(places))
    above = np.searchsorted(last, np.ceil(places))
    low, high = below + (above - below) * (places - np.floor(places))
    if low == high:
        low, high = np.flatnonzero(counts)[[0, -1]]
    return float(low), float(high)


def _moments(image: Any) -> tuple[int, np.ndarray, np.ndarray]:
    """Count, mean and variance of each channel of an image."""
    return _combine([_block_moments(block) for block in iterate_blocks(image)])


def _block_moments(block: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
    values = block.reshape(-1, block.shape[2])
    with np.errstate(over="ignore", invalid="ignore"):
        mean = values.mean(axis=0, dtype=np.float64)
        return len(values), mean, values.var(axis=0, dtype=np.float64)


def _combine(parts: Sequence[tuple[Any, ...]]) -> tuple[int, np.ndarray, np.ndarray]:
    """Count, mean and variance of all parts together, from each part's own."""
    if len(parts) == 1:
        return parts[0][0], parts[0][1], parts[0][2]
    counts = np.array([n for n, _, _ in parts], dtype=np.float64)[:, np.newaxis]
    means = np.stack([mean for _, mean, _ in parts])
    variances = np.stack([variance for _, _, variance in parts])
    with np.errstate(over="ignore", invalid="ignore"):
        mean = (counts * means).sum(0) / counts.sum()
        variance = (counts * (variances + (means - mean) ** 2)).sum(0) / counts.sum()
    return int(counts.sum()), mean, variance


def _pool(parts: list[tuple[int, np.ndarray, np.ndarray]]) -> Intensity:
    """Mean and variance of all images together, from each image's own."""
    _, mean, variance = _combine(parts)
    return _to_map(mean, np.sqrt(variance))


def _to_map(center: np.ndarray, spread: np.ndarray) -> Intensity:
    if not (np.isfinite(center).all() and np.isfinite(spread).all()):
        raise InvalidInputError(
            "X must hold values whose variance is a finite number; got larger ones. Divide X, "
            "e.g. by np.max(np.abs(X))."
        )
    # A constant channel carries nothing: it becomes zero instead of a division by zero.
    scale = np.divide(1.0, spread, out=np.zeros_like(spread, dtype=np.float64), where=spread > 0)
    return Intensity(center.astype(np.float64), scale)


def _warn_constant(numbers: list[int]) -> None:
    if numbers:
        shown = ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")
        warn_user(
            f"{len(numbers)} image(s) of X hold one constant value (number {shown}): nothing can "
            "be seen in them. Check the files, or leave these images out.",
            DataWarning,
        )

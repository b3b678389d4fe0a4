"""Intensity normalisation: once an image (or stack), never a tile."""

from dataclasses import dataclass

import numpy as np

from membseg.exceptions import DataWarning, InvalidInputError
from membseg.utils._warn import warn_user

#: What the parameter `intensity_norm` may be.
INTENSITY_NORMS = ("image", "percentile", "stack", "none")


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


def fit_intensity(images: list[np.ndarray], mode: str) -> list[Intensity]:
    """Find the map of each image.

    Parameters
    ----------
    images : list of ndarray of shape (height, width, channels)
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
        n_channels = images[0].shape[2]
        same = Intensity(np.zeros(n_channels), np.ones(n_channels))
        return [same] * len(images)
    if mode == "stack":
        return [_pool([_moments(image) for image in images])] * len(images)
    if mode == "percentile":
        bounds = [_percentiles(image) for image in images]
        pairs = [((low + high) / 2, (high - low) / 2) for low, high in bounds]
    else:
        pairs = [(mean, np.sqrt(variance)) for _, mean, variance in map(_moments, images)]
    _warn_constant([i for i, (_, spread) in enumerate(pairs) if not np.any(spread > 0)])
    return [_to_map(center, spread) for center, spread in pairs]


def _percentiles(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the 1st and 99th percentile, or the extremes where nearly all pixels are alike."""
    values = image.reshape(-1, image.shape[2]).astype(np.float64)
    low, high = np.percentile(values, (1, 99), axis=0)
    alike = low == high
    return np.where(alike, values.min(0), low), np.where(alike, values.max(0), high)


def _moments(image: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
    values = image.reshape(-1, image.shape[2])
    with np.errstate(over="ignore", invalid="ignore"):
        mean = values.mean(axis=0, dtype=np.float64)
        return len(values), mean, values.var(axis=0, dtype=np.float64)


def _pool(parts: list[tuple[int, np.ndarray, np.ndarray]]) -> Intensity:
    """Mean and variance of all images together, from each image's own."""
    counts = np.array([n for n, _, _ in parts], dtype=np.float64)[:, np.newaxis]
    means = np.stack([mean for _, mean, _ in parts])
    variances = np.stack([variance for _, _, variance in parts])
    mean = (counts * means).sum(0) / counts.sum()
    variance = (counts * (variances + (means - mean) ** 2)).sum(0) / counts.sum()
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

"""Intensity normalisation: once an image (or stack), never a tile."""

from dataclasses import dataclass

import numpy as np

from membseg.exceptions import DataWarning
from membseg.utils._warn import warn_user

#: What the parameter `intensity_norm` may be.
INTENSITY_NORMS = ("image", "percentile", "stack", "none")


@dataclass(frozen=True)
class Intensity:
    """An affine map of intensities, one offset and scale a channel.

    Attributes
    ----------
    offset, scale : ndarray of shape (channels,), float32
        A pixel becomes ``(pixel - offset) * scale``.
    """

    offset: np.ndarray
    scale: np.ndarray

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Map pixels of shape (..., channels) to float32."""
        return (pixels.astype(np.float32) - self.offset) * self.scale


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
        same = Intensity(np.zeros(n_channels, np.float32), np.ones(n_channels, np.float32))
        return [same] * len(images)
    if mode == "stack":
        return [_pool([_moments(image) for image in images])] * len(images)
    if mode == "percentile":
        bounds = [np.percentile(image, (1, 99), axis=(0, 1)) for image in images]
        pairs = [((low + high) / 2, (high - low) / 2) for low, high in bounds]
    else:
        pairs = [(mean, np.sqrt(variance)) for _, mean, variance in map(_moments, images)]
    _warn_constant([i for i, (_, spread) in enumerate(pairs) if not np.any(spread > 0)])
    return [_to_map(center, spread) for center, spread in pairs]


def _moments(image: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
    values = image.reshape(-1, image.shape[2])
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
    # A constant channel carries nothing: it becomes zero instead of a division by zero.
    scale = np.divide(1.0, spread, out=np.zeros_like(spread, dtype=np.float64), where=spread > 0)
    return Intensity(center.astype(np.float32), scale.astype(np.float32))


def _warn_constant(numbers: list[int]) -> None:
    if numbers:
        shown = ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")
        warn_user(
            f"{len(numbers)} image(s) of X hold one constant value (number {shown}): nothing can "
            "be seen in them. Check the files, or leave these images out.",
            DataWarning,
        )

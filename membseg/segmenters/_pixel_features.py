"""Features of pixels, band by band, and the pixels that a classifier learns from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.utils import Intensity

#: Features are computed for bands of rows of about so many pixels.
_BAND_PIXELS = 2**20

#: Rows above and below a band beyond the blur: derivatives of second order and Sobel's filter.
_DERIVATIVES = 3


@dataclass(frozen=True)
class PixelFeatures:
    """Intensity, edges and texture of pixels at several scales.

    Attributes
    ----------
    sigma_min, sigma_max : float
        Standard deviation of the finest and of the coarsest blur, in pixels; those between
        double each time.
    """

    sigma_min: float
    sigma_max: float

    def bands(
        self, image: Any, intensity: Intensity, n_workers: int
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """Compute the features of an image in bands of rows.

        The features are those of the whole image: bands are read with their surroundings.

        Parameters
        ----------
        image : ndarray or LazyImage of shape (height, width, channels)
            The image.
        intensity : Intensity
            Its normalisation.
        n_workers : int
            Threads that compute.

        Yields
        ------
        rows : slice
            Rows of the image.
        features : ndarray of shape (n_rows * width, n_features), float32
            Features of their pixels.
        """
        height, width = image.shape[:2]
        # As far as skimage's Gaussian reaches.
        halo = int(4.0 * self.sigma_max + 0.5) + _DERIVATIVES
        n_rows = max(_BAND_PIXELS // width, 1)
        for top in range(0, height, n_rows):
            bottom = min(top + n_rows, height)
            first = max(top - halo, 0)
            # In float64 whatever the dtype of the image: where that decided how features are
            # rounded, equal images of other dtypes would grow other trees.
            window = np.asarray(image[first : bottom + halo, 0:width]).astype(np.float64)
            planes = self._compute(intensity.apply(window), n_workers)
            features = planes[top - first : bottom - first]
            yield slice(top, bottom), features.reshape(-1, features.shape[-1])

    def _compute(self, pixels: np.ndarray, n_workers: int) -> np.ndarray:
        """Give the features of (height, width, channels) as (height, width, n_features)."""
        from skimage.feature import multiscale_basic_features

        height, width = pixels.shape[:2]
        # Differences need two pixels along each axis.
        padding = [(0, int(height < 2)), (0, int(width < 2)), (0, 0)]
        padded = np.pad(pixels, padding, mode="edge") if min(height, width) < 2 else pixels
        planes = multiscale_basic_features(
            padded,
            True,
            True,
            True,
            self.sigma_min,
            self.sigma_max,
            None,
            n_workers,  # by position: scikit-image renamed it
            channel_axis=-1,
        )
        return np.asarray(planes[:height, :width], dtype=np.float32)


def draw_pixels(
    masks: list[np.ndarray], max_pixels: int | None, sampling: str, rng: np.random.Generator
) -> tuple[list[np.ndarray], np.ndarray]:
    """Draw labelled pixels without repetition.

    Parameters
    ----------
    masks : list of ndarray of shape (height, width), uint8
        Encoded masks that hold both classes: 0 cell, 1 membrane, 255 ignored.
    max_pixels : int or None
        Most pixels to draw; None for all.
    sampling : {"random", "balanced"}
        Whether the classes come in their own proportion or as many of each.
    rng : numpy.random.Generator
        Where chance comes from.

    Returns
    -------
    positions : list of ndarray of int
        For each image the drawn pixels, as sorted places in the flattened mask.
    rates : ndarray of shape (2,)
        Share of the cell pixels and of the membrane pixels that were drawn, in (0, 1].
    """
    counts = np.array([[np.count_nonzero(mask == code) for mask in masks] for code in (0, 1)])
    totals = counts.sum(axis=1)
    wanted = _share_out(int(totals[0]), int(totals[1]), max_pixels, sampling)
    parts: list[list[np.ndarray]] = [[] for _ in masks]
    for code in (0, 1):
        chosen = np.sort(rng.choice(totals[code], wanted[code], replace=False))
        ends = np.cumsum(counts[code])
        starts = ends - counts[code]
        for i, mask in enumerate(masks):
            here = chosen[slice(*np.searchsorted(chosen, (starts[i], ends[i])))] - starts[i]
            parts[i].append(np.flatnonzero(mask == code)[here])
    return [np.sort(np.concatenate(part)) for part in parts], np.array(wanted) / totals


def _share_out(
    n_cell: int, n_membrane: int, max_pixels: int | None, sampling: str
) -> tuple[int, int]:
    """Give how many pixels of cell and of membrane to draw; at least one of each."""
    n_all = n_cell + n_membrane
    if max_pixels is None or n_all <= max_pixels:
        return n_cell, n_membrane
    most = int(max_pixels)
    if sampling == "random":
        membrane = min(max(round(most * n_membrane / n_all), 1), most - 1)
        return most - membrane, membrane
    cell = min(n_cell, most - min(n_membrane, most // 2))
    return cell, min(n_membrane, most - cell)

"""Slices of a rare kind, drawn as often as those of a common one."""

from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

#: The middle of an image, at most so many pixels a side, is looked at.
_SIDE = 512

#: Images whose logarithms of sharpness differ by less than about this are of one kind.
_WIDTH = 0.4

#: A pixel of a rare kind is drawn at most so many times as often as one of a common kind: a single
#: slice that is out of focus must not be half of what a network sees.
_MOST = 8.0


def kind_weights(images: list[Any], n_labelled: np.ndarray) -> np.ndarray:
    """Give weights that make all kinds of sharpness equally likely, as far as that is wise.

    Slices of one stack may differ in focus, or some may have been filtered. A network that sees few
    of one kind learns little of what to do with it.

    Parameters
    ----------
    images : list of ndarray of shape (height, width, channels)
        Images of any real dtype; only their middles are read.
    n_labelled : ndarray of shape (n_images,)
        Labelled pixels of each, the weight that it has in a kind.

    Returns
    -------
    ndarray of shape (n_images,), float64
        From 1 to 8; all alike where all images are of one kind.
    """
    kinds = np.log([_sharpness(image) for image in images])
    alike = np.exp(-0.5 * ((kinds[:, np.newaxis] - kinds) / _WIDTH) ** 2)
    # How many labelled pixels are of the kind of each image.
    of_kind = alike @ np.maximum(n_labelled, 1)
    return np.minimum(of_kind.max() / of_kind, _MOST)


def _sharpness(image: Any) -> float:
    """Give the power of what a blur of one pixel takes away, over the power of what it leaves."""
    starts = [max(0, (length - _SIDE) // 2) for length in image.shape[:2]]
    rows, columns = (slice(start, start + _SIDE) for start in starts)
    pixels = np.asarray(image[rows, columns], dtype=np.float64).mean(axis=2)
    blurred = gaussian_filter(pixels - pixels.mean(), 1.0)
    left = blurred.var()
    fine = (pixels - pixels.mean() - blurred).var()
    # Of a constant image nothing can be said: in the middle of what there is.
    return float(np.clip(fine / left, 1e-4, 1e4)) if left > 0 else 0.1

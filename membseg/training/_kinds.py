"""Slices of a rare kind, drawn as often as those of a common one."""

from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

#: Windows of so many pixels a side are looked at, so many along each side of an image.
_SIDE, _N_WINDOWS = 96, 3

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
        Images of any real dtype; only a few windows of each are read.
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
    fine = left = 0.0
    for rows in _windows(image.shape[0]):
        for columns in _windows(image.shape[1]):
            pixels = np.asarray(image[rows, columns], dtype=np.float64).mean(axis=2)
            pixels -= pixels.mean()
            blurred = gaussian_filter(pixels, 1.0)
            fine += (pixels - blurred).var()
            left += blurred.var()
    # Of a constant image nothing can be said: in the middle of what there is.
    return float(np.clip(fine / left, 1e-4, 1e4)) if left > 0 else 0.1


def _windows(length: int) -> list[slice]:
    """Spread windows over a side, from end to end."""
    starts = np.linspace(0, max(length - _SIDE, 0), _N_WINDOWS).astype(int)
    return [slice(start, start + _SIDE) for start in np.unique(starts).tolist()]

"""Grey values of images, free of their units, and whether membranes are dark in them."""

from typing import Any

import numpy as np

from membseg.segmenters._fit_inputs import FitInputs

#: An image whose grey values, at most one, spread less than this is constant but for rounding.
_FLAT = 1e-12


def grey_values(image: Any) -> np.ndarray:
    """Average the channels of an image, scaled to at most one.

    Parameters
    ----------
    image : array-like of shape (height, width, channels)
        Pixels of any real dtype.

    Returns
    -------
    ndarray of shape (height, width), float64
        Means over the channels, times a power of two. That changes no digit of them, and keeps
        squares of large values from overflowing.
    """
    pixels = np.asarray(image).astype(np.float64)
    exponent = np.frexp(np.abs(pixels).max())[1]
    return np.ldexp(pixels, -exponent).mean(axis=2)


def spread_of(grey: np.ndarray) -> float:
    """Give the standard deviation of grey values; exactly zero for a constant image."""
    spread = float(grey.std())
    return spread if spread > _FLAT else 0.0


def standard_grey(image: Any) -> np.ndarray:
    """Give an image's grey values with zero mean and unit variance; zeros for a constant image."""
    grey = grey_values(image)
    spread = spread_of(grey)
    return (grey - grey.mean()) / spread if spread else np.zeros_like(grey)


def membrane_sign(inputs: FitInputs) -> float:
    """Tell from the masks whether membranes are bright, 1, or dark, -1.

    The difference of the mean grey values of membrane and cell, in standard deviations of the
    image, summed over the images that show both; -1 where no image does.
    """
    contrast = 0.0
    weights: Any = inputs.weights or [1.0] * len(inputs.images)
    for image, mask, weight in zip(inputs.images.images, inputs.masks.masks, weights, strict=True):
        full = np.broadcast_to(weight, mask.shape)
        membrane, cell = full * (mask == 1), full * (mask == 0)
        if membrane.any() and cell.any():
            grey = standard_grey(image)
            difference = np.average(grey, weights=membrane) - np.average(grey, weights=cell)
            contrast += difference * full[mask <= 1].mean()
    return 1.0 if contrast > 0 else -1.0

"""Images and masks as pictures that stand inside a page."""

import base64
from typing import Any

import imageio.v3 as iio
import numpy as np

#: Grey values are stretched between these quantiles, so that a few bright pixels hide nothing.
_DARKEST, _BRIGHTEST = 0.005, 0.995

#: Okabe and Ito's orange, which people of any colour vision tell from grey, and their vermilion.
_MEMBRANE = (230, 159, 0)
_DOUBT = (213, 94, 0)

#: Doubt is shown in so many steps: what an eye can tell apart, and small as a file.
_STEPS = 8


def image_picture(image: Any) -> str:
    """Show an image: of three channels in colour, else the mean over its channels in grey.

    Parameters
    ----------
    image : ndarray or LazyImage of shape (height, width, channels)
        The image.

    Returns
    -------
    str
        A PNG file as a data URI.
    """
    pixels = np.asarray(image).astype(np.float64)
    if pixels.shape[2] != 3:
        pixels = pixels.mean(axis=2)
    low, high = np.quantile(pixels, [_DARKEST, _BRIGHTEST])
    if high <= low:
        low, high = pixels.min(), pixels.max()
    span = high - low if high > low else 1.0
    return _as_uri(np.rint(255 * np.clip((pixels - low) / span, 0, 1)).astype(np.uint8))


def mask_picture(membrane: np.ndarray) -> str:
    """Show the membrane of a mask (bool, True at membrane), and nothing elsewhere."""
    return _as_uri(_coloured(_MEMBRANE, 255 * membrane.astype(np.uint8)))


def doubt_picture(entropy: np.ndarray) -> str:
    """Show doubt (entropy in bits, from 0 to 1): the more, the less can be seen through it."""
    steps = np.rint(_STEPS * entropy) / _STEPS
    return _as_uri(_coloured(_DOUBT, np.rint(255 * steps).astype(np.uint8)))


def _coloured(colour: tuple[int, int, int], opacity: np.ndarray) -> np.ndarray:
    """Give a picture of one colour; what cannot be seen is black, which packs well."""
    channels = [np.where(opacity > 0, np.uint8(value), np.uint8(0)) for value in colour]
    return np.stack([*channels, opacity], axis=-1)


def _as_uri(pixels: np.ndarray) -> str:
    content = iio.imwrite("<bytes>", pixels, plugin="pillow", extension=".png")
    return "data:image/png;base64," + base64.b64encode(content).decode()

"""Colours that remain apart for colour-blind eyes and on grey prints, and pictures made of them."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from membseg.utils import IGNORED

#: Okabe and Ito (2008), Color Universal Design.
ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE, BLACK = "#0072B2", "#D55E00", "#CC79A7", "#000000"

#: Membrane that is right, invented and missed. They differ in lightness too, and all are lighter
#: than the dimmed slice below them.
AGREEMENT = {"true positive": SKY, "false positive": YELLOW, "false negative": VERMILLION}
#: What is said to be membrane, over the slice.
MEMBRANE = ORANGE
#: Merges come from missed membrane and splits from invented, so that they share these colours.
EVENTS = {"merge": VERMILLION, "split": YELLOW}

#: Brightness that the slice keeps below colours, and the share of the overlay's colour.
DIM, OPAQUE = 0.45, 0.6
#: Percentiles of grey values that become black and white.
_DARKEST, _LIGHTEST = 0.5, 99.5
#: Value of mask pixels without a label, between membrane (black) and cell (white).
_NO_LABEL = 0.75


def as_rgb(colour: str) -> np.ndarray:
    """Give red, green and blue in [0, 1] of a colour such as "#0072B2"."""
    return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def stretch_grey(image: Any) -> np.ndarray:
    """Give a (height, width[, channels]) image as grey values in [0, 1]; channels are averaged."""
    grey = np.asarray(image).astype(np.float64)
    grey = grey.mean(axis=2) if grey.ndim == 3 else grey
    low, high = np.percentile(grey, [_DARKEST, _LIGHTEST])
    if high <= low:
        return np.full(grey.shape, 0.5)
    return np.clip((grey - low) / (high - low), 0, 1)


def paint_grey(grey: np.ndarray) -> np.ndarray:
    """Give grey values in [0, 1] as a (height, width, 3) picture."""
    return np.repeat(grey[..., np.newaxis], 3, axis=2)


def paint_mask(codes: np.ndarray) -> np.ndarray:
    """Paint a mask: membrane black, cell white, and grey where there is no label."""
    return paint_grey(np.where(codes == IGNORED, _NO_LABEL, codes != 1))


def paint_overlay(grey: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Lay the membrane of a mask over the slice."""
    picture = paint_grey(grey)
    membrane = codes == 1
    picture[membrane] = OPAQUE * as_rgb(MEMBRANE) + (1 - OPAQUE) * picture[membrane]
    return picture


def find_agreement(truth: np.ndarray, guess: np.ndarray) -> dict[str, np.ndarray]:
    """Give where membrane is right, invented and missed, by the names of `AGREEMENT`."""
    labelled = truth != IGNORED
    return {
        "true positive": (truth == 1) & (guess == 1),
        "false positive": labelled & (truth != 1) & (guess == 1),
        "false negative": (truth == 1) & (guess != 1),
    }


def paint_agreement(
    grey: np.ndarray, truth: np.ndarray, guess: np.ndarray, bright: np.ndarray | None = None
) -> np.ndarray:
    """Paint where two masks agree, over the slice; it is dimmed where `bright` is not True."""
    kept = DIM if bright is None else np.where(bright, 1.0, DIM)
    picture = paint_grey(grey * kept)
    for name, where in find_agreement(truth, guess).items():
        # Opaque: only then are the colours those that were chosen to be apart.
        picture[where] = as_rgb(AGREEMENT[name])
    return picture


#: Steps of hue and lightness from one number to the next: those of the plane's sequence that
#: leaves the fewest gaps (M. Roberts, "The unreasonable effectiveness of quasirandom sequences",
#: 2018).
_HUE_STEP, _LIGHT_STEP = 0.7548776662466927, 0.5698402909980532
#: Lightness of cells and how colourful they are, in OKLab (B. Ottosson, "A perceptual color space
#: for image processing", 2020); all hues of these can be shown.
_LIGHTNESS, _CHROMA = (0.5, 0.92), 0.11
_OKLAB_TO_LMS = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_LMS_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def colour_of_ids(ids: Iterable[int] | np.ndarray) -> np.ndarray:
    """Give each number a colour that depends on nothing else.

    Parameters
    ----------
    ids : iterable of int
        Numbers of cells.

    Returns
    -------
    ndarray of shape (n, 3), float64
        Red, green and blue in [0, 1]. Numbers near each other differ in hue and in lightness.
    """
    numbers = np.asarray(list(ids), dtype=np.float64)
    hue = 2 * np.pi * ((numbers * _HUE_STEP) % 1)
    low, high = _LIGHTNESS
    light = low + (high - low) * ((numbers * _LIGHT_STEP) % 1)
    lab = np.stack([light, _CHROMA * np.cos(hue), _CHROMA * np.sin(hue)], axis=1)
    linear = np.clip(((lab @ _OKLAB_TO_LMS.T) ** 3) @ _LMS_TO_RGB.T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)

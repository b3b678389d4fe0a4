"""Ways of destroying one property of an image, and leaving the others."""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.transform import resize

#: No image becomes smaller than so many pixels a side.
_LEAST_SIDE = 16

Pair = tuple[np.ndarray, np.ndarray]
Destroyer = Callable[[np.ndarray, np.ndarray, float, np.random.Generator], Pair]


def _brightness(
    image: np.ndarray, mask: np.ndarray, strength: float, rng: np.random.Generator
) -> Pair:
    """Make all pixels brighter or darker by one amount."""
    return image + strength * rng.normal() * image.std(), mask


def _contrast(
    image: np.ndarray, mask: np.ndarray, strength: float, rng: np.random.Generator
) -> Pair:
    """Stretch or squeeze grey values about their mean, by up to a factor of four."""
    mean = image.mean(axis=(0, 1))
    return mean + (image - mean) * 4.0 ** (strength * rng.uniform(-1, 1)), mask


def _illumination(
    image: np.ndarray, mask: np.ndarray, strength: float, rng: np.random.Generator
) -> Pair:
    """Light the image from one side."""
    rows, columns = (np.linspace(-1, 1, n) for n in image.shape[:2])
    angle = rng.uniform(0, 2 * np.pi)
    ramp = np.add.outer(np.sin(angle) * rows, np.cos(angle) * columns)
    return image + strength * image.std() * ramp.reshape(ramp.shape + (1,) * (image.ndim - 2)), mask


def _blur(image: np.ndarray, mask: np.ndarray, strength: float, rng: np.random.Generator) -> Pair:
    """Blur by 1 to 3 px."""
    sigma = strength * rng.uniform(1, 3)
    return gaussian_filter(image, (sigma, sigma, 0)[: image.ndim], mode="reflect"), mask


def _noise(image: np.ndarray, mask: np.ndarray, strength: float, rng: np.random.Generator) -> Pair:
    """Add white noise with the standard deviation of the image."""
    return image + strength * image.std() * rng.standard_normal(image.shape), mask


def _scale(image: np.ndarray, mask: np.ndarray, strength: float, rng: np.random.Generator) -> Pair:
    """Enlarge or shrink by a factor of 1.4 to 2, image and mask."""
    factor = 2.0 ** (strength * rng.choice([-1, 1]) * rng.uniform(0.5, 1))
    size = tuple(max(round(n * factor), min(n, _LEAST_SIDE)) for n in image.shape[:2])
    seen = resize(image, size, order=1, anti_aliasing=factor < 1, preserve_range=True)
    places = [(np.arange(n) + 0.5) * m // n for n, m in zip(size, image.shape[:2], strict=True)]
    return seen, mask[np.ix_(*(p.astype(int) for p in places))]


def _orientation(
    image: np.ndarray, mask: np.ndarray, strength: float, rng: np.random.Generator
) -> Pair:
    """Turn by quarters and mirror, image and mask: no pixel changes its value."""
    turns, flip = divmod(int(rng.integers(1, 8)), 2)
    turned = [np.rot90(array, turns) for array in (image, mask)]
    image, mask = [array[:, ::-1] if flip else array for array in turned]
    return image, mask


#: What can be destroyed, in the order of tables. Images are floats.
PROPERTIES: dict[str, Destroyer] = {
    "brightness": _brightness,
    "contrast": _contrast,
    "illumination": _illumination,
    "blur": _blur,
    "noise": _noise,
    "scale": _scale,
    "orientation": _orientation,
}

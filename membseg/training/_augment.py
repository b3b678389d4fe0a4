"""Random views of training patches, made on the fly and only after the split."""

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from membseg.exceptions import InvalidInputError
from membseg.training._mix import MIXING_STEPS

#: Spacing of the random displacements of the elastic deformation, in pixels.
_ELASTIC_SPACING = 48

#: Weights of three neighbouring pixels whose mean is a mild blur.
_BINOMIAL = (0.25, 0.5, 0.25)

#: A patch: pixels (height, width, channels) and targets (height, width, 2), both float32.
Patch = tuple[np.ndarray, np.ndarray]


def _flips(image: np.ndarray, target: np.ndarray, rng: np.random.Generator, _: float) -> Patch:
    for axis in (0, 1):
        if rng.random() < 0.5:
            image, target = np.flip(image, axis), np.flip(target, axis)
    return image, target


def _d4(image: np.ndarray, target: np.ndarray, rng: np.random.Generator, strength: float) -> Patch:
    turns = int(rng.integers(4))
    return _flips(np.rot90(image, turns), np.rot90(target, turns), rng, strength)


def _intensity(
    image: np.ndarray, target: np.ndarray, rng: np.random.Generator, strength: float
) -> Patch:
    gain = np.exp(rng.uniform(-0.25, 0.25) * strength)
    offset = rng.normal(0.0, 0.1 * strength)
    return (image * gain + offset).astype(np.float32), target


def _sharpness(
    image: np.ndarray, target: np.ndarray, rng: np.random.Generator, strength: float
) -> Patch:
    # From a mild blur (-1: the smoothed image itself) to twice the fine detail on top: slices of
    # one stack often differ in just that, since some were filtered and others were not.
    amount = np.float32(rng.uniform(-1.0, 2.0) * strength)
    return image + amount * (image - _smooth(image)), target


def _smooth(image: np.ndarray) -> np.ndarray:
    """Binomial filter of 3 x 3 pixels (sigma 0.7 px), cheaper than a Gaussian of any sigma."""
    rows = ndimage.correlate1d(image, _BINOMIAL, axis=0, mode="nearest")
    return ndimage.correlate1d(rows, _BINOMIAL, axis=1, mode="nearest")


def _noise(
    image: np.ndarray, target: np.ndarray, rng: np.random.Generator, strength: float
) -> Patch:
    sigma = rng.uniform(0.0, 0.3 * strength)
    return image + rng.normal(0.0, sigma, image.shape).astype(np.float32), target


def _blur(
    image: np.ndarray, target: np.ndarray, rng: np.random.Generator, strength: float
) -> Patch:
    sigma = rng.uniform(0.0, 1.2 * strength)
    return ndimage.gaussian_filter(image, (sigma, sigma, 0)), target


def _elastic(
    image: np.ndarray, target: np.ndarray, rng: np.random.Generator, strength: float
) -> Patch:
    height, width = image.shape[:2]
    grid = [max(4, size // _ELASTIC_SPACING + 2) for size in (height, width)]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    coordinates = []
    for base in (rows, columns):
        coarse = rng.normal(0.0, 4.0 * strength, grid)
        zoom = (height / grid[0], width / grid[1])
        coordinates.append(base + ndimage.zoom(coarse, zoom, order=3))
    # Targets and weights stay what they are (two values, zero weight): nearest neighbour.
    return _warp(image, coordinates, 1), _warp(target, coordinates, 0)


def _scale(
    image: np.ndarray, target: np.ndarray, rng: np.random.Generator, strength: float
) -> Patch:
    factor = np.exp(rng.uniform(-0.2, 0.2) * strength)
    axes = [
        (np.arange(size) - (size - 1) / 2) * factor + (size - 1) / 2 for size in image.shape[:2]
    ]
    coordinates = list(np.meshgrid(*axes, indexing="ij"))
    return _warp(image, coordinates, 1), _warp(target, coordinates, 0)


def _warp(pixels: np.ndarray, coordinates: list[np.ndarray], order: int) -> np.ndarray:
    planes = [
        ndimage.map_coordinates(pixels[..., k], coordinates, order=order, mode="mirror")
        for k in range(pixels.shape[2])
    ]
    return np.stack(planes, axis=-1)


_STEPS: dict[str, Callable[[np.ndarray, np.ndarray, np.random.Generator, float], Patch]] = {
    "flips": _flips,
    "d4": _d4,
    "scale": _scale,
    "elastic": _elastic,
    "intensity": _intensity,
    "sharpness": _sharpness,
    "blur": _blur,
    "noise": _noise,
}

#: Steps that move pixels, and labels with them; the others change grey values.
GEOMETRIC_STEPS = ("flips", "d4", "scale", "elastic")

#: Steps that leave two patches in three as they are: they cost time or move the distribution.
_OCCASIONAL = ("scale", "elastic", "blur", "noise")


def parse_augmentation(augmentation: str) -> list[str]:
    """Split a recipe such as ``"d4+intensity"`` into its steps.

    Parameters
    ----------
    augmentation : str
        ``"none"``, or steps joined by ``+``: flips, d4 (flips and quarter turns), scale,
        elastic, intensity, sharpness, blur, noise, mixup, cutmix.

    Returns
    -------
    list of str
        The steps in the order in which they are applied.

    Raises
    ------
    InvalidInputError
        If a step is unknown.
    """
    if augmentation == "none":
        return []
    steps, known = augmentation.split("+"), (*_STEPS, *MIXING_STEPS)
    for step in steps:
        if step not in known:
            raise InvalidInputError(
                f"augmentation must be 'none' or steps joined by '+' out of {', '.join(known)}; "
                f"got {augmentation!r} with the unknown step {step!r}."
            )
    return [step for step in known if step in steps]


def augment_patch(
    image: np.ndarray,
    target: np.ndarray,
    steps: list[str],
    strength: float,
    rng: np.random.Generator,
) -> Patch:
    """Make a random view of one square patch.

    Parameters
    ----------
    image : ndarray of shape (size, size, channels), float32
        Normalised pixels.
    target : ndarray of shape (size, size, 2), float32
        Target and weight.
    steps : list of str
        As from :func:`parse_augmentation`; mixup and cutmix, which take two patches, are left to
        :func:`mix_batch`.
    strength : float
        Multiplies displacements, gains, sharpening, blur and noise; 1 is the recipe's own size.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    (ndarray, ndarray)
        The view of both.
    """
    for step in steps:
        if step in MIXING_STEPS or (step in _OCCASIONAL and rng.random() > 1 / 3):
            continue
        image, target = _STEPS[step](image, target, rng, strength)
    return image, target

"""Masks with known defects, to learn what bad masks look like."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import ndimage

from membseg.quality._trace import EIGHT, trace_membranes

#: A defect makes a mask of a mask; the second argument is its strength, in (0, 1].
Defect = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]


def erode(mask: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Make membranes thinner, by 1 to 3 px on either side."""
    return ndimage.binary_erosion(mask, _disk(1 + round(2 * strength)), border_value=1)


def dilate(mask: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Make membranes thicker, by 1 to 4 px on either side."""
    return ndimage.binary_dilation(mask, _disk(1 + round(3 * strength)))


def shift(mask: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Move the mask by 2 to 16 px in any direction; what comes in is mirrored."""
    angle, far = rng.uniform(0, 2 * np.pi), 2 + 14 * strength
    rows, columns = np.round(far * np.array([np.sin(angle), np.cos(angle)])).astype(int)
    most = min(int(np.ceil(far)), *(n - 1 for n in mask.shape))
    rows, columns = (int(np.clip(n, -most, most)) for n in (rows, columns))
    padded = np.pad(mask, most, mode="symmetric")
    height, width = mask.shape
    return padded[most - rows : most - rows + height, most - columns : most - columns + width]


def cut_gaps(mask: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Cut gaps of 4 to 14 px through membranes, up to 8 per 1000 px of them."""
    lines = np.argwhere(trace_membranes(mask).skeleton)
    if not len(lines):
        return mask
    n_gaps = max(1, round(8e-3 * strength * len(lines)))
    result = mask.copy()
    for row, column in lines[rng.integers(len(lines), size=n_gaps)]:
        _stamp(result, row, column, rng.uniform(4, 14) / 2, False)
    return result


def add_specks(mask: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Put dots of 2 to 8 px into cells, up to 800 per megapixel."""
    cells = np.argwhere(~ndimage.binary_dilation(mask, EIGHT))
    if not len(cells):
        return mask
    result = mask.copy()
    n_specks = max(1, round(8e-4 * strength * mask.size))
    for row, column in cells[rng.integers(len(cells), size=n_specks)]:
        _stamp(result, row, column, rng.uniform(2, 8) / 2, True)
    return result


def add_walls(mask: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Draw straight walls across the image where there are none, up to 10."""
    result = mask.copy()
    height, width = mask.shape
    rows, columns = np.mgrid[:height, :width]
    for _ in range(max(1, round(10 * strength))):
        angle = rng.uniform(0, np.pi)
        row, column = rng.uniform(0, height), rng.uniform(0, width)
        across = (rows - row) * np.cos(angle) - (columns - column) * np.sin(angle)
        along = (rows - row) * np.sin(angle) + (columns - column) * np.cos(angle)
        result |= (np.abs(across) <= 2) & (np.abs(along) <= max(height, width) / 4)
    return result


def drop_walls(mask: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Empty up to six regions, each a fifth as wide as the image, of all membrane."""
    result = mask.copy()
    for _ in range(max(1, round(6 * strength))):
        row, column = (rng.uniform(0, n) for n in mask.shape)
        _stamp(result, row, column, min(mask.shape) / 10, False)
    return result


def add_noise(mask: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Blur the mask, add smooth noise, and cut anew: from ragged borders to nothing but noise."""
    blur = rng.uniform(0.7, 3.0)
    noise = ndimage.gaussian_filter(rng.normal(size=mask.shape), rng.uniform(0.5, 3.0))
    noise *= 2.0 * strength / max(float(noise.std()), 1e-12)
    level = ndimage.gaussian_filter(mask.astype(np.float64), blur) + noise
    return level >= np.quantile(level, max(0.0, 1 - mask.mean() * rng.uniform(0.7, 1.5)))


#: Defects by name.
DEFECTS: dict[str, Defect] = {
    "eroded": erode,
    "dilated": dilate,
    "shifted": shift,
    "gaps": cut_gaps,
    "specks": add_specks,
    "false walls": add_walls,
    "missing walls": drop_walls,
    "noisy": add_noise,
}


def plant_defects(
    mask: np.ndarray, n_masks: int, rng: np.random.Generator
) -> Iterator[tuple[str, np.ndarray]]:
    """Give so many masks with a defect each, of all kinds in turn and of any strength.

    Every third mask has a second defect on top of the first.
    """
    names = list(DEFECTS)
    order: list[Any] = []
    while len(order) < n_masks:
        order += rng.permutation(names).tolist()
    for i, name in enumerate(order[:n_masks]):
        bad = DEFECTS[name](mask, _strength(rng), rng)
        if i % 3 == 2:
            other = names[rng.integers(len(names))]
            name, bad = f"{name} and {other}", DEFECTS[other](bad, _strength(rng) / 2, rng)
        yield name, bad


def _strength(rng: np.random.Generator) -> float:
    # Weak defects are as common as strong ones on a scale of ratios.
    return float(0.05 ** rng.uniform())


def _disk(radius: int) -> np.ndarray:
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.hypot(rows, columns) <= radius + 0.25


def _stamp(mask: np.ndarray, row: float, column: float, radius: float, value: bool) -> None:
    """Set all pixels within a radius of a place."""
    reach = int(np.ceil(radius))
    top, left = max(int(row) - reach, 0), max(int(column) - reach, 0)
    part = mask[top : int(row) + reach + 2, left : int(column) + reach + 2]
    rows, columns = np.ogrid[: part.shape[0], : part.shape[1]]
    part[np.hypot(rows + top - row, columns + left - column) <= radius] = value

"""The many ways to compare a net's maps with masks, and what each of them calls accuracy or IoU.

The net's map is the probability of cell, as in the recipe that is retraced; a mask is true at
cells. A reading is a set of slices, a way to compare, a metric and a class.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Compared:
    """Two pictures that somebody holds against each other.

    Attributes
    ----------
    guess, truth : ndarray of the same shape
        Values of prediction and mask.
    top : float
        The value that stands for cell in `truth`; 0 stands for membrane.
    one_scale : bool
        Whether the largest value of `guess` means the same as that of `truth`.
    """

    guess: np.ndarray
    truth: np.ndarray
    top: float = 1.0
    one_scale: bool = True


def compare_masks(maps: np.ndarray, cells: np.ndarray, threshold: float) -> Compared:
    """Cut the maps, as one should."""
    return Compared(cut(maps, threshold), cells)


def compare_maps(maps: np.ndarray, cells: np.ndarray, threshold: float) -> Compared:
    """Forget to cut: probabilities beside 0 and 1."""
    return Compared(maps, cells.astype(maps.dtype))


def compare_pictures(maps: np.ndarray, cells: np.ndarray, threshold: float) -> Compared:
    """Save the maps as pictures of 8 bit, rounded; hold them against the masks' files."""
    return Compared(to_picture(maps), np.where(cells, 255, 0).astype(np.uint8), 255.0)


def compare_cut_off_pictures(maps: np.ndarray, cells: np.ndarray, threshold: float) -> Compared:
    """The same where the picture is made by ``(255 * maps).astype("uint8")``, which rounds down."""
    picture = (255 * maps).astype(np.uint8)
    return Compared(picture, np.where(cells, 255, 0).astype(np.uint8), 255.0)


def compare_scales(maps: np.ndarray, cells: np.ndarray, threshold: float) -> Compared:
    """Hold pictures of 0 to 255 against masks that were divided by 255."""
    return Compared(to_picture(maps), cells.astype(np.uint8), 1.0, one_scale=False)


def compare_truncated(maps: np.ndarray, cells: np.ndarray, threshold: float) -> Compared:
    """Turn probabilities into whole numbers by ``maps.astype("uint8")``: all below 1 become 0."""
    return Compared(maps.astype(np.uint8), cells.astype(np.uint8))


def compare_non_zero(maps: np.ndarray, cells: np.ndarray, threshold: float) -> Compared:
    """Use probabilities as truth values, as ``np.logical_and(maps, cells)``: all but 0 are true."""
    return Compared(maps != 0, cells)


def compare_swapped(maps: np.ndarray, cells: np.ndarray, threshold: float) -> Compared:
    """Hold masks of cells against masks of membranes."""
    return Compared(cut(maps, threshold), ~cells)


def compare_mispaired(maps: np.ndarray, cells: np.ndarray, threshold: float) -> Compared:
    """Hold each mask against that of the next slice, as files listed in another order do."""
    return Compared(cut(maps, threshold), np.roll(cells, -1, axis=0))


#: Name -> what is compared, for tables.
TREATMENTS: dict[str, tuple[str, Callable[[np.ndarray, np.ndarray, float], Compared]]] = {
    "mask": ("masks, cut at the threshold", compare_masks),
    "map": ("maps, never cut", compare_maps),
    "picture": ("8-bit pictures of the maps, masks of 0 and 255", compare_pictures),
    "picture_cut_off": ("the same, rounded down", compare_cut_off_pictures),
    "scales": ("8-bit pictures of the maps, masks of 0 and 1", compare_scales),
    "truncated": ("maps turned into whole numbers", compare_truncated),
    "non_zero": ("maps as truth values", compare_non_zero),
    "swapped": ("masks, polarity swapped", compare_swapped),
    "mispaired": ("masks, of the wrong slices", compare_mispaired),
}

#: Whose share is counted: each class, the mean of the two, or both in one count.
CLASSES = ("cell", "membrane", "mean", "pooled")


def cut(maps: np.ndarray, threshold: float) -> np.ndarray:
    """Make masks, true at cells; membrane is where its probability reaches the threshold."""
    return 1 - maps < threshold


def to_picture(maps: np.ndarray) -> np.ndarray:
    """Make the picture that programs save of a map: 0 to 255, rounded, uint8."""
    return np.rint(255 * maps).astype(np.uint8)


def accuracy(compared: Compared) -> dict[str, float]:
    """Count pixels whose two values are equal, ``np.mean(guess == truth)``.

    Returns
    -------
    dict of str to float
        The share among the pixels of each class, the mean of the two, and among all pixels.
    """
    right = compared.guess == compared.truth
    is_cell = compared.truth == compared.top
    cell, membrane = float(right[is_cell].mean()), float(right[~is_cell].mean())
    return {
        "cell": cell,
        "membrane": membrane,
        "mean": (cell + membrane) / 2,
        "pooled": float(right.mean()),
    }


def iou(compared: Compared) -> dict[str, float]:
    """Divide what both have by what any has; products and sums where values are no masks.

    Returns
    -------
    dict of str to float
        Of each class, the mean of the two, and with the counts of both added up; empty where
        prediction and mask have different scales, since the formula then has no meaning.
    """
    if not compared.one_scale:
        return {}
    guess, truth = (
        np.asarray(picture, np.float64) / compared.top
        for picture in (compared.guess, compared.truth)
    )
    both, any_ = zip(_overlap(guess, truth), _overlap(1 - guess, 1 - truth), strict=True)
    cell, membrane = (_share(*counts) for counts in zip(both, any_, strict=True))
    return {
        "cell": cell,
        "membrane": membrane,
        "mean": (cell + membrane) / 2,
        "pooled": _share(sum(both), sum(any_)),
    }


#: Name -> metric.
METRICS = {"accuracy": accuracy, "iou": iou}


def read_all(maps: np.ndarray, cells: np.ndarray, threshold: float) -> dict[str, Any]:
    """Take every reading of one set of slices.

    Parameters
    ----------
    maps : ndarray of shape (n, height, width), float32
        Probability of cell, in [0, 1].
    cells : ndarray of shape (n, height, width), bool
        True at cells.
    threshold : float
        Probability of membrane from which on a pixel is membrane.

    Returns
    -------
    dict
        Treatment -> metric -> class -> value.
    """
    return {
        name: {
            metric: measure(compare(maps, cells, threshold)) for metric, measure in METRICS.items()
        }
        for name, (_, compare) in TREATMENTS.items()
    }


def count_levels(maps: np.ndarray, cells: np.ndarray) -> dict[str, list[int]]:
    """Count the 256 grey levels of the saved pictures, in cells and in membranes."""
    picture = to_picture(maps)
    return {
        name: np.bincount(picture[where], minlength=256).tolist()
        for name, where in (("cell", cells), ("membrane", ~cells))
    }


def _overlap(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    both = float(np.sum(first * second))
    return both, float(first.sum() + second.sum()) - both


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 1.0

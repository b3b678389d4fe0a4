"""What little of an image a model is shown, and what it is asked about the mask."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, label, laplace

from membseg.datasets._polarity import looks_inverted
from membseg.utils import IGNORED

#: A corner is this share of the shorter side, and a border so much; at least so many pixels.
_CORNER, _BORDER, _LEAST = 1 / 8, 1 / 32, (8, 2)

#: A patch is seen as so many means a side.
_MEANS = 8

#: Patches inside of the image that corners are compared with, along each axis.
_INSIDE = 3


@dataclass(frozen=True, eq=False)
class View:
    """What a model is shown of every image.

    Attributes
    ----------
    name : str
        What it is called.
    features : ndarray of shape (n_images, n_features), float64
        What is seen.
    controls : list of ndarray of shape (n_images, n_features), float64
        What is seen at places of the same kind where nothing can be hidden; empty where there are
        none.
    """

    name: str
    features: np.ndarray
    controls: list[np.ndarray]


def see_views(images: list[np.ndarray], masks: list[np.ndarray]) -> list[View]:
    """Show the four corners, the border, and the brightness of every image.

    Parameters
    ----------
    images : list of ndarray of shape (height, width, channels)
        Images, 32 px a side or more.
    masks : list of ndarray of shape (height, width), uint8
        Encoded masks, which tell where brightness is measured.

    Returns
    -------
    list of View
        Six views.
    """
    greys = [np.asarray(image, np.float64).mean(axis=2) for image in images]
    corners = [_corners(grey) for grey in greys]
    inside = [_inner_patches(grey) for grey in greys]
    controls = [np.array(patches) for patches in zip(*inside, strict=True)]
    views = [
        View(name, np.array([one[k] for one in corners]), controls)
        for k, name in enumerate(
            ("top left corner", "top right corner", "bottom left corner", "bottom right corner")
        )
    ]
    rings = np.array([_ring(grey) for grey in greys])
    inner = np.array([_ring(_crop(grey, 1 / 4)) for grey in greys])
    views.append(View("border", rings, [inner]))
    means = np.array([_brightness(*pair) for pair in zip(greys, masks, strict=True)])
    return [*views, View("mean brightness", means, [])]


def mask_statistics(masks: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Give numbers about every mask, away from the corners and the border.

    Parameters
    ----------
    masks : list of ndarray of shape (height, width), uint8
        Encoded masks.

    Returns
    -------
    dict of str to ndarray of shape (n_images,), float64
        Share of membrane; polarity, 1 where membrane and cell look swapped; mean distance inside
        the membrane; cells per pixel. Statistics that do not vary are left out.
    """
    middles = [_crop(mask, _CORNER) for mask in masks]
    table = {
        "membrane fraction": [_fraction(mask) for mask in middles],
        "polarity": [float(_fraction(m) > 0.5 or looks_inverted([m])) for m in middles],
        "thickness": [_thickness(mask) for mask in middles],
        "number of cells": [label(mask == 0)[1] / mask.size for mask in middles],
    }
    return {name: np.array(v) for name, v in table.items() if np.ptp(v) > 1e-12}


def _crop(array: np.ndarray, share: float) -> np.ndarray:
    rows, columns = (max(1, round(share * n)) for n in array.shape)
    return array[rows:-rows, columns:-columns]


def _fraction(mask: np.ndarray) -> float:
    labelled = np.count_nonzero(mask != IGNORED)
    return np.count_nonzero(mask == 1) / labelled if labelled else 0.0


def _thickness(mask: np.ndarray) -> float:
    membrane = mask == 1
    return float(distance_transform_edt(membrane)[membrane].mean()) if membrane.any() else 0.0


def _side(grey: np.ndarray) -> int:
    return max(_LEAST[0], round(_CORNER * min(grey.shape)))


def _corners(grey: np.ndarray) -> list[np.ndarray]:
    n = _side(grey)
    return [_describe(grey[rows, columns]) for rows in _ends(n) for columns in _ends(n)]


def _ends(n: int) -> tuple[slice, slice]:
    return slice(0, n), slice(-n, None)


def _inner_patches(grey: np.ndarray) -> list[np.ndarray]:
    n = _side(grey)
    rows, columns = (
        np.linspace(n, max(n, length - 2 * n), _INSIDE).astype(int) for length in grey.shape
    )
    return [_describe(grey[r : r + n, c : c + n]) for r in rows for c in columns]


def _describe(patch: np.ndarray) -> np.ndarray:
    """Means of blocks, and what is lost in them."""
    blocks = _block_means(patch, (_MEANS, _MEANS))
    texture = np.abs(laplace(patch)).mean()
    return np.array([*blocks, patch.mean(), patch.std(), patch.min(), patch.max(), texture])


def _block_means(patch: np.ndarray, counts: tuple[int, int]) -> np.ndarray:
    edges = [
        np.arange(m) * n // m for n, m in zip(patch.shape, counts, strict=True)
    ]  # where blocks start
    sums = np.add.reduceat(np.add.reduceat(patch, edges[0], axis=0), edges[1], axis=1)
    sizes = [np.diff([*e, n]) for e, n in zip(edges, patch.shape, strict=True)]
    return (sums / np.multiply.outer(*sizes)).ravel()


def _ring(grey: np.ndarray) -> np.ndarray:
    n = max(_LEAST[1], round(_BORDER * min(grey.shape)))
    strips = [grey[:n], grey[-n:], grey[:, :n].T, grey[:, -n:].T]
    parts = [_block_means(strip, (1, 2 * _MEANS)) for strip in strips]
    more = [(s.mean(), s.std(), np.abs(laplace(s)).mean()) for s in strips]
    return np.concatenate([*parts, *more])


def _brightness(grey: np.ndarray, mask: np.ndarray) -> list[float]:
    """Halfway between membrane and cell: more membrane alone does not make an image darker."""
    known = [grey[mask == value] for value in (0, 1)]
    middles = [float(np.median(values)) for values in known if values.size]
    return [float(np.mean(middles)) if middles else float(np.median(grey))]

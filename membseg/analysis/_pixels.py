"""Right and wrong pixels of images, counted by where they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from membseg.quality._inputs import standard_grey
from membseg.quality._trace import trace_membranes
from membseg.utils import IGNORED

#: Bounds of distances from the image's edge, in pixels.
_DISTANCES = (0.0, 4.0, 8.0, 16.0, 32.0, 64.0)

#: Brightness is that of the surroundings: the mean under a Gaussian of so many pixels.
_AROUND = 8.0


@dataclass(frozen=True, eq=False)
class Judged:
    """One image, its true mask and its predicted one.

    Attributes
    ----------
    number : int
        The image's number.
    image : ndarray of shape (height, width, channels)
        Its pixels.
    truth : ndarray of shape (height, width), uint8
        0 cell, 1 membrane, 255 without a label.
    guess : ndarray of shape (height, width), bool
        True at predicted membrane.
    """

    number: int
    image: Any
    truth: np.ndarray
    guess: np.ndarray


def count_where(one: Judged, where: Any = ...) -> np.ndarray:
    """Count in some pixels: labelled ones, membrane, missed membrane, invented membrane."""
    truth, guess = one.truth[where], one.guess[where]
    membrane, cell = truth == 1, truth == 0
    return np.array([
        np.count_nonzero(truth != IGNORED), np.count_nonzero(membrane),
        np.count_nonzero(membrane & ~guess), np.count_nonzero(cell & guess),
    ])  # fmt: skip


def rates(counts: np.ndarray) -> dict[str, Any]:
    """Turn such counts into a part of a row; NaN where there is nothing to count."""
    n_pixels, n_membrane, missed, invented = (int(n) for n in counts)
    return {
        "n_pixels": n_pixels,
        "n_membrane": n_membrane,
        "error": _ratio(missed + invented, n_pixels),
        "missed": _ratio(missed, n_membrane),
        "invented": _ratio(invented, n_pixels - n_membrane),
    }


def by_border(images: Sequence[Judged]) -> list[dict[str, Any]]:
    """Errors by the distance (px) of a pixel's middle from the image's edge."""
    return _by_bins(images, [_edge_distance(one) for one in images], np.array(_DISTANCES))


def by_thickness(images: Sequence[Judged], n_bins: int) -> list[dict[str, Any]]:
    """Errors at true membrane by its local thickness (px); bins hold like numbers of pixels."""
    values = [_thickness(one) for one in images]
    # To half a pixel, since most widths are nearly whole ones and bins between would say nothing.
    return _by_bins(images, values, np.unique(np.floor(2 * _quantiles(values, n_bins)) / 2))


def by_brightness(images: Sequence[Judged], n_bins: int) -> list[dict[str, Any]]:
    """Errors by the brightness around, in standard deviations of the image's grey values."""
    values = [ndimage.gaussian_filter(standard_grey(one.image), _AROUND) for one in images]
    return _by_bins(images, values, _quantiles(values, n_bins))


def by_z(images: Sequence[Judged], n_bins: int) -> list[dict[str, Any]]:
    """Errors by the number of the image, in runs of neighbouring images."""
    n_runs = min(n_bins, len(images))
    rows = []
    for run in np.array_split(np.arange(len(images)), n_runs):
        counts = np.sum([count_where(images[i]) for i in run], axis=0)
        bounds = {"low": images[run[0]].number, "high": images[run[-1]].number}
        rows.append(bounds | {"n_images": len(run)} | rates(counts))
    return rows


def by_region(images: Sequence[Judged], size: int) -> list[dict[str, Any]]:
    """Errors in squares of so many pixels, those with most wrong pixels first."""
    rows = []
    for one in images:
        height, width = one.truth.shape
        for top in range(0, height, size):
            for left in range(0, width, size):
                bottom, right = min(top + size, height), min(left + size, width)
                counts = count_where(one, (slice(top, bottom), slice(left, right)))
                if counts[0]:
                    place = {"image": one.number, "row0": top, "column0": left}
                    place |= {"row1": bottom, "column1": right}
                    rows.append(place | {"n_wrong": int(counts[2:].sum())} | rates(counts))
    return sorted(rows, key=lambda row: -row["n_wrong"])


def _by_bins(
    images: Sequence[Judged], values: Sequence[np.ndarray], bounds: np.ndarray
) -> list[dict[str, Any]]:
    """Count pixels by a value of theirs; those of value NaN are left out."""
    counts = np.zeros((len(bounds), 4), dtype=np.int64)
    highest = -np.inf
    for one, value in zip(images, values, strict=True):
        known = np.isfinite(value)
        place = np.searchsorted(bounds, np.where(known, value, 0), side="right") - 1
        place = np.where(known, np.maximum(place, 0), -1)
        counts += [count_where(one, place == i) for i in range(len(bounds))]
        highest = max(highest, float(np.max(value, where=known, initial=-np.inf)))
    upper = [*bounds[1:], max(highest, bounds[-1])]
    return [
        {"low": float(low), "high": float(high)} | rates(count)
        for low, high, count in zip(bounds, upper, counts, strict=True)
        if count[0]
    ]


def _quantiles(values: Sequence[np.ndarray], n_bins: int) -> np.ndarray:
    """Lower bounds of bins that hold like numbers of pixels, as far as equal values allow."""
    pooled = np.concatenate([value[np.isfinite(value)] for value in values])
    if not pooled.size:
        return np.zeros(1)
    return np.unique(np.quantile(pooled, np.arange(n_bins) / n_bins))


def _edge_distance(one: Judged) -> np.ndarray:
    height, width = one.truth.shape
    rows, columns = (0.5 + np.minimum(np.arange(n), np.arange(n)[::-1]) for n in (height, width))
    return np.minimum(rows[:, np.newaxis], columns)


def _thickness(one: Judged) -> np.ndarray:
    """Width of the true membrane at each of its pixels, that of the nearest middle; else NaN."""
    membrane = one.truth == 1
    trace = trace_membranes(membrane)
    # Where the image's edge cuts a membrane lengthwise, its width is not known.
    known = trace.skeleton & (trace.width / 2 <= trace.edge_distance)
    if not known.any():
        return np.full(membrane.shape, np.nan)
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    return np.where(membrane, trace.width[tuple(nearest)], np.nan)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")

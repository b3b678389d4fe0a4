"""What predictions lose where a part of the image is covered."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from membseg.exceptions import InvalidInputError
from membseg.inspection._regions import check_region
from membseg.model_selection._out_of_fold import call_method
from membseg.model_selection._stacks import check_count
from membseg.utils import check_images
from membseg.utils._one_view import set_one_view

#: Covered images that are predicted at once.
_AT_ONCE = 16

#: Side of windows in large images, in pixels.
_LARGEST = 32

#: A window is a shortcut where covering it changes the rest of the image so many times as much as
#: covering others does (median).
_TIMES = 5.0


@dataclass(frozen=True)
class Shortcut:
    """A window that decides about the rest of its image.

    Attributes
    ----------
    image : int
        Number of the image.
    top, left, size : int
        The window, in pixels.
    effect : float
        Mean change of membrane probability away from the window while it is covered, in [0, 1].
    usual : float
        The median of that over the windows of the image.
    """

    image: int
    top: int
    left: int
    size: int
    effect: float
    usual: float

    def __str__(self) -> str:
        return (
            f"image {self.image}: covering {self.size} x {self.size} px at row {self.top}, column "
            f"{self.left} changes membrane probability elsewhere by {self.effect:.2f} (usually "
            f"{self.usual:.3f})"
        )


@dataclass(frozen=True, eq=False)
class OcclusionResult:
    """What covering each window of each image changes; from :func:`occlusion_map`.

    Attributes
    ----------
    maps : ndarray of shape (n_images, height, width), float32, or list of (height, width)
        For each pixel the mean effect of the windows that cover it.
    effects : list of ndarray of shape (n_rows, n_columns), float64
        The effect of each window: the fall of the region's mean membrane probability; without a
        region the mean change of membrane probability away from the window.
    tops, lefts : list of ndarray of int
        First row, and first column, of the windows of each image, in pixels.
    size : int
        Side of a window in pixels.
    has_region : bool
        Whether a region was asked about.
    """

    maps: Any
    effects: list[np.ndarray]
    tops: list[np.ndarray]
    lefts: list[np.ndarray]
    size: int
    has_region: bool

    def shortcuts(self, limit: float = 0.1) -> list[Shortcut]:
        """List windows that decide about the rest of their image, as a planted mark does.

        Parameters
        ----------
        limit : float, default=0.1
            Least mean change of membrane probability away from the window; it must also be five
            times the median over the windows of the image.

        Returns
        -------
        list of Shortcut
            The strongest first; empty where every part of an image matters about itself only.

        Raises
        ------
        InvalidInputError
            If effects are those on a region.
        """
        if self.has_region:
            raise InvalidInputError(
                "Shortcuts are told from effects elsewhere, and this result is about a region. Ask "
                "occlusion_map with region=None."
            )
        found = []
        for i, effects in enumerate(self.effects):
            usual = float(np.median(effects))
            for row, column in np.argwhere(effects >= max(limit, _TIMES * usual)):
                place = (int(self.tops[i][row]), int(self.lefts[i][column]))
                found.append(Shortcut(i, *place, self.size, float(effects[row, column]), usual))
        return sorted(found, key=lambda shortcut: -shortcut.effect)


def occlusion_map(
    segmenter: Any,
    X: Any,
    *,
    region: Any = None,
    size: int | None = None,
    stride: int | None = None,
    fill: str = "mean",
) -> OcclusionResult:
    """Cover the images window by window, and see what becomes of the prediction.

    Any segmenter will do, since it is only asked for predictions (in one view). With a region, the
    effect of a window is the fall of the region's mean membrane probability. Without one it is how
    much predictions change on average *elsewhere*, farther from the window than `size`: little,
    unless the segmenter reads there what it should not.

    Parameters
    ----------
    segmenter : segmenter
        Fitted; a pipeline or search around one will do.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images, with the channels seen in fit.
    region : None, (row, column) or array-like of bool, default=None
        A pixel, the same in every image; or a mask of shape (height, width), (n_images, height,
        width), or a list of masks.
    size : int or None, default=None
        Side of the windows in pixels, at most a quarter of the shorter side of the images. None
        takes an eighth of it, at most 32.
    stride : int or None, default=None
        Pixels from one window to the next; None takes `size`. Each window costs a prediction.
    fill : {"mean", "blur"}, default="mean"
        What covers a window: each channel's mean, or the image without anything finer than `size`.

    Returns
    -------
    OcclusionResult
        Maps and effects; ``shortcuts()`` lists windows that decide about the rest of the image.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If images, region or a parameter cannot be used.
    NotFittedError
        Before fit.

    Notes
    -----
    The segmenter normalises the covered image as it would any other.

    References
    ----------
    Zeiler and Fergus (2014), "Visualizing and Understanding Convolutional Networks", ECCV,
    doi 10.1007/978-3-319-10590-1_53.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, make_membranes, occlusion_map
    >>> X, y = make_membranes(3, 48, 48, random_state=0)
    >>> found = occlusion_map(ThresholdSegmenter().fit(X[:2], y[:2]), X[2:])
    >>> found.maps.shape, found.effects[0].shape, found.shortcuts()
    ((1, 48, 48), (8, 8), [])
    """
    stack = check_images(X)
    size, step = _check_windows(size, stride, min(min(s) for s in stack.sizes), fill)
    images = [np.asarray(image) for image in X]
    weights: list[Any] = [None] * len(images)
    if region is not None:
        weights = list(check_region(region, stack.sizes, list, None))
    plain = copy.deepcopy(segmenter)
    set_one_view(plain)
    maps, effects, tops, lefts = [], [], [], []
    for image, weight in zip(images, weights, strict=True):
        rows, columns = (_starts(n, size, step) for n in image.shape[:2])
        found = _effects(plain, image, weight, rows, columns, size, fill)
        maps.append(_spread(found, rows, columns, size, image.shape[:2]))
        effects.append(found)
        tops.append(rows)
        lefts.append(columns)
    result: Any = maps if stack.as_list else np.stack(maps)
    return OcclusionResult(result, effects, tops, lefts, size, region is not None)


def _check_windows(size: Any, stride: Any, shortest: int, fill: Any) -> tuple[int, int]:
    if size is None:
        size = max(1, min(_LARGEST, shortest // 8))
    size = check_count(size, "size", least=1, advice="It is the side of a window in pixels.")
    if 4 * size > shortest:
        raise InvalidInputError(
            f"size must be at most a quarter of the shorter side of the images, {shortest} px; got "
            f"{size}. Give a smaller one, or larger images."
        )
    if fill not in ("mean", "blur"):
        raise InvalidInputError(f"fill must be 'mean' or 'blur'; got {fill!r}.")
    if stride is None:
        return size, size
    step = check_count(stride, "stride", least=1, advice="None takes the size of a window.")
    if step > size:
        raise InvalidInputError(
            f"stride must be at most size={size}, so that every pixel is covered once; got {step}."
        )
    return size, step


def _starts(length: int, size: int, step: int) -> np.ndarray:
    starts = np.arange(0, length - size + 1, step)
    # The last window ends with the image.
    return starts if starts[-1] == length - size else np.append(starts, length - size)


def _effects(
    segmenter: Any,
    image: np.ndarray,
    weight: np.ndarray | None,
    rows: np.ndarray,
    columns: np.ndarray,
    size: int,
    fill: str,
) -> np.ndarray:
    before = _predict(segmenter, [image])[0]
    windows = [(top, left) for top in rows for left in columns]
    found = []
    for places, maps in _predict_covered(segmenter, image, windows, size, fill):
        for place, after in zip(places, maps, strict=True):
            if weight is not None:
                found.append(float((weight * (before - after)).sum()))
            else:
                far = _away(place, size, before.shape)
                found.append(float(np.abs(before - after)[far].mean()))
    return np.array(found).reshape(len(rows), len(columns))


def _predict(segmenter: Any, images: list[np.ndarray]) -> list[np.ndarray]:
    return [np.asarray(m, np.float64) for m in call_method(segmenter, "predict_membrane", images)]


def _predict_covered(
    segmenter: Any, image: np.ndarray, windows: list[tuple[int, int]], size: int, fill: str
) -> Iterator[tuple[list[tuple[int, int]], list[np.ndarray]]]:
    cover = _cover(image, size, fill)
    for start in range(0, len(windows), _AT_ONCE):
        places = windows[start : start + _AT_ONCE]
        covered = []
        for top, left in places:
            one = image.copy()
            window = (slice(top, top + size), slice(left, left + size))
            one[window] = cover[window]
            covered.append(one)
        yield places, _predict(segmenter, covered)


def _cover(image: np.ndarray, size: int, fill: str) -> np.ndarray:
    """Give what stands in place of the image, in its dtype."""
    exact = image.astype(np.float64)
    if fill == "mean":
        cover = np.broadcast_to(exact.mean(axis=(0, 1)), image.shape)
    else:
        sigma = (size, size, 0) if image.ndim == 3 else (size, size)
        cover = gaussian_filter(exact, sigma)
    return (np.rint(cover) if image.dtype.kind in "biu" else cover).astype(image.dtype)


def _away(place: tuple[int, int], size: int, shape: tuple[int, ...]) -> np.ndarray:
    """Tell which pixels are farther than a window's size from it."""
    far = np.ones(shape, dtype=bool)
    rows, columns = (slice(max(0, start - size), start + 2 * size) for start in place)
    far[rows, columns] = False
    return far


def _spread(
    effects: np.ndarray, rows: np.ndarray, columns: np.ndarray, size: int, shape: tuple[int, ...]
) -> np.ndarray:
    """Give each pixel the mean effect of its windows."""
    total, count = np.zeros(shape), np.zeros(shape)
    for row, top in enumerate(rows):
        for column, left in enumerate(columns):
            window = (slice(top, top + size), slice(left, left + size))
            total[window] += effects[row, column]
            count[window] += 1
    return (total / count).astype(np.float32)

"""Whether masks lie on the lines of their images."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import ndimage, signal

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.metrics._checks import check_number
from membseg.quality._inputs import check_pair, membranes_are_dark, standard_grey
from membseg.quality._trace import REACH

#: Strong ridges are so large a share of the pixels, and those where there may be a wall.
_STRONG, _SOME = 0.1, 1 / 3

#: Side of the blocks that are moved by themselves, in pixels.
_BLOCK = 128


@dataclass(frozen=True, eq=False)
class EdgeAlignment:
    """How well one mask lies on the ridges of its image; from :func:`edge_alignment`.

    Attributes
    ----------
    on, off : float
        Mean ridge response at membrane and at cell; NaN where there is none of it.
    contrast : float
        Their difference in standard deviations of the response; NaN where one is missing.
    shifts : ndarray of shape (n_blocks, 2), int64
        Rows and columns by which each block of the mask would lie best on the ridges. Blocks with
        membrane and without response, or without membrane, are left out.
    """

    on: float
    off: float
    contrast: float
    shifts: np.ndarray

    @property
    def shift(self) -> float:
        """Length of the median of the blocks' shifts, in pixels; NaN without blocks."""
        if not len(self.shifts):
            return float("nan")
        return float(np.hypot(*np.median(self.shifts, axis=0)))


def edge_alignment(
    X: Any,
    masks: Any,
    *,
    scale: float = 2.0,
    dark: bool | None = None,
    max_shift: int = 8,
    membrane_label: Any = None,
) -> list[EdgeAlignment]:
    """Measure whether masks lie on the ridges of their images.

    Parameters
    ----------
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images.
    masks : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks of two values, one an image.
    scale : float, default=2.0
        Standard deviation, in pixels, of the Gaussian of the ridge filter: about a third to a half
        of the membranes' width.
    dark : bool or None, default=None
        Whether membranes are dark. None: whether the images are darker at the masks' membrane than
        elsewhere, all images together.
    max_shift : int, default=8
        Largest shift that is tried, in pixels, along each axis.
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger.

    Returns
    -------
    list of EdgeAlignment
        One an image.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If images and masks do not fit each other, or a number cannot be used.

    Notes
    -----
    The response is that of Sato's filter [1]_ on the image at zero mean and unit variance. Blocks
    of 128 x 128 pixels are moved over it one by one, and the place with the largest sum of
    response under the mask is taken.

    References
    ----------
    .. [1] Sato et al. (1998), "Three-dimensional multi-scale line filter for segmentation and
       visualization of curvilinear structures in medical images", doi
       10.1016/S1361-8415(98)80009-1.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg import make_membranes
    >>> from membseg.quality import edge_alignment
    >>> X, y = make_membranes(1, 96, 96, random_state=0)
    >>> (right,) = edge_alignment(X, y)
    >>> (moved,) = edge_alignment(X, np.roll(y, 5, axis=2))
    >>> right.contrast > moved.contrast, right.shift, moved.shift
    (True, 0.0, 5.0)
    """
    check_number(scale, "scale", low=0, open_low=True)
    check_number(max_shift, "max_shift", low=0)
    if dark is not None and not isinstance(dark, bool | np.bool_):
        raise InvalidTypeError(f"dark must be True, False or None; got {dark!r}.")
    if int(max_shift) != max_shift:
        raise InvalidInputError(f"max_shift must be a whole number of pixels; got {max_shift!r}.")
    images, membranes = check_pair(X, masks, membrane_label=membrane_label)
    greys = [standard_grey(image) for image in images.images]
    is_dark = membranes_are_dark(greys, membranes) if dark is None else bool(dark)
    return [
        alignment_of(ridge_response(grey, scale, is_dark), membrane, int(max_shift))
        for grey, membrane in zip(greys, membranes, strict=True)
    ]


def ridge_response(grey: np.ndarray, scale: float, dark: bool) -> np.ndarray:
    """How much pixels look as if they lay on a line: zero or more."""
    from skimage.filters import sato

    return sato(grey, sigmas=[scale], black_ridges=dark, mode="reflect")


def alignment_of(ridge: np.ndarray, membrane: np.ndarray, max_shift: int = 8) -> EdgeAlignment:
    """Alignment of one mask with a ridge response."""
    on, off, contrast = on_and_off(ridge, membrane)
    return EdgeAlignment(on, off, contrast, _block_shifts(ridge, membrane, max_shift))


def on_and_off(values: np.ndarray, membrane: np.ndarray) -> tuple[float, float, float]:
    """Means at membrane and at cell, and their difference in standard deviations."""
    if membrane.all() or not membrane.any():
        mean, nan = float(values.mean()), float("nan")
        return (mean, nan, nan) if membrane.any() else (nan, mean, nan)
    on, off, spread = values[membrane].mean(), values[~membrane].mean(), values.std()
    return float(on), float(off), float((on - off) / spread) if spread > 0 else 0.0


def _block_shifts(ridge: np.ndarray, membrane: np.ndarray, most: int) -> np.ndarray:
    """Best shift of each block; of equally good ones the shortest."""
    padded = np.pad((ridge - ridge.mean()).astype(np.float32), most, mode="symmetric")
    offsets = np.mgrid[-most : most + 1, -most : most + 1].reshape(2, -1).T
    lengths = np.hypot(*offsets.T)
    shifts = []
    for rows, columns in _blocks(membrane.shape):
        block = membrane[rows, columns]
        around = padded[rows.start : rows.stop + 2 * most, columns.start : columns.stop + 2 * most]
        if not block.any() or block.all() or not np.ptp(around):
            continue
        sums = signal.correlate(around, block.astype(np.float32), mode="valid", method="fft")
        # The transform rounds; what is equal up to that is equal.
        best = sums.ravel() >= sums.max() - 1e-5 * np.abs(sums).max()
        shifts.append(offsets[best][np.argmin(lengths[best])])
    return np.array(shifts, dtype=np.int64).reshape(-1, 2)


def _blocks(shape: tuple[int, ...]) -> list[tuple[slice, slice]]:
    """Cut an image into blocks of nearly the same size."""
    cuts = [np.linspace(0, n, max(1, round(n / _BLOCK)) + 1).astype(int) for n in shape]
    rows, columns = ([slice(int(a), int(b)) for a, b in pairwise(c)] for c in cuts)
    return [(r, c) for r in rows for c in columns]


def strong_ridges(ridge: np.ndarray) -> np.ndarray:
    """Pixels whose response is among the largest tenth."""
    return ridge > np.quantile(ridge, 1 - _STRONG)


def far_from_ridges(ridge: np.ndarray) -> np.ndarray:
    """Pixels around which no response is among the largest third."""
    return ndimage.maximum_filter(ridge, size=2 * REACH + 1) < np.quantile(ridge, 1 - _SOME)

"""Weights that stress the thin walls between cells."""

import math
import numbers
from typing import Any

import numpy as np
from scipy import ndimage

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.utils import IGNORED, encode_masks
from membseg.utils._images import restore_layout


def border_weights(
    y: Any,
    *,
    w0: float = 10.0,
    sigma: float = 5.0,
    membrane_label: Any = None,
    ignore_label: Any = None,
) -> Any:
    """Weigh pixels by how near their two nearest cells are, as the paper of the U-Net does [1]_.

    For ``fit(X, y, sample_weight=border_weights(y))``.

    Parameters
    ----------
    y : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks of two values; images may differ in size.
    w0 : float, default=10.0
        What is added at most to the weight 1 that each pixel has, at least 0.
    sigma : float, default=5.0
        Width in pixels of the walls that are stressed, above 0.
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels without a label; None takes -1 as such in signed integers that hold
        two other values.

    Returns
    -------
    ndarray of shape (n_images, height, width) or list of (height, width) arrays, float32
        Weight of each pixel, in [1, 1 + w0], and 0 where it is ignored; a list for a list.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `y`, `w0` or `sigma` cannot be used.

    Notes
    -----
    Equation 2 of the paper, ``1 + w0 exp(-(d1 + d2)**2 / (2 sigma**2))``, where d1 and d2 are
    the Euclidean distances to the borders of the nearest and of the second nearest cell. The
    paper's weight of classes is 1 here; the loss "balanced_bce" has one. Cells are the
    connected parts of what is not membrane, neighbours in rows and columns; a cell's border are
    its pixels with membrane above, below, left or right. With fewer than two cells in an image
    all weights are 1.

    References
    ----------
    .. [1] O. Ronneberger, P. Fischer and T. Brox, "U-Net: convolutional networks for biomedical
       image segmentation", MICCAI 2015, doi 10.1007/978-3-319-24574-4_28.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.losses import border_weights
    >>> y = np.zeros((1, 1, 9), dtype=int)
    >>> y[0, 0, 4] = 1
    >>> border_weights(y)[0, 0].round().tolist()
    [4.0, 6.0, 8.0, 10.0, 10.0, 10.0, 8.0, 6.0, 4.0]
    """
    _check_number(w0, "w0", above=False)
    _check_number(sigma, "sigma", above=True)
    stack = encode_masks(y, membrane_label=membrane_label, ignore_label=ignore_label)
    weights = [_weigh(mask, float(w0), float(sigma)) for mask in stack.masks]
    return restore_layout(weights, as_list=stack.as_list)


def _check_number(value: Any, name: str, *, above: bool) -> None:
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise InvalidTypeError(f"{name} must be a number; got {value!r}.")
    if not math.isfinite(value) or value < 0 or (above and value == 0):
        allowed = "above 0" if above else "of at least 0"
        raise InvalidInputError(f"{name} must be a finite number {allowed}; got {value!r}.")


def _weigh(mask: np.ndarray, w0: float, sigma: float) -> np.ndarray:
    first, second = _two_distances(*_borders(mask))
    weights = 1 + w0 * np.exp(-((first + second) ** 2) / (2 * sigma**2))
    weights[mask == IGNORED] = 0
    return weights.astype(np.float32)


def _borders(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where borders are, and the number of the cell there, from 0 on without gaps."""
    cells, _ = ndimage.label(mask == 0)
    border = (cells > 0) & ndimage.binary_dilation(mask == 1)
    numbers_there = np.zeros(mask.shape, dtype=np.intp)
    numbers_there[border] = np.unique(cells[border], return_inverse=True)[1]
    return border, numbers_there


def _two_distances(border: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances to the borders of the nearest and the second nearest cell; inf without one."""
    first = second = np.full(border.shape, np.inf)
    n_bits = int(cells.max()).bit_length()
    if n_bits == 0:
        # One border or none: there is no second one.
        return first, second
    first, nearest = ndimage.distance_transform_edt(~border, return_indices=True)
    owner = cells[tuple(nearest)]
    # Two cells differ in some bit of their numbers, so the second nearest is the nearest of those
    # that differ from the first in one: a few distance transforms, however many cells there are.
    for bit in range(n_bits):
        there, own = cells >> bit & 1, owner >> bit & 1
        to_zeros, to_ones = (
            ndimage.distance_transform_edt(~(border & (there == value))) for value in (0, 1)
        )
        second = np.minimum(second, np.where(own == 1, to_zeros, to_ones))
    return first, second

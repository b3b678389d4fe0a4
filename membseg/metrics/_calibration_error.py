"""How far probabilities are from frequencies."""

import numbers
from typing import Any

import numpy as np
from scipy import ndimage

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.metrics._checks import check_number
from membseg.metrics._pairs import Pairs, averaged, check_average, pair_maps
from membseg.utils import IGNORED

#: Neighbours in rows and columns.
_CROSS = ndimage.generate_binary_structure(2, 1)


def expected_calibration_error(
    y_true: Any,
    y_prob: Any,
    *,
    n_bins: int = 15,
    border: float | None = None,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
    average: str = "dataset",
) -> float:
    """Expected calibration error of the membrane probability [1]_.

    Parameters
    ----------
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values; images may differ in size.
    y_prob : float array-like of shape (n_images, height, width) or list of (height, width) arrays
        Maps of membrane probability in [0, 1], such as ``predict_proba(X)[:, 1]``.
    n_bins : int, default=15
        Bins of equal width.
    border : float or None, default=None
        Distance in pixels; only pixels within it of a true border count. None takes all pixels.
    membrane_label : scalar or None, default=None
        The value of membrane in `y_true`; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label; they are left out.
    sample_weight : None, array-like of shape (n_images,) or of the shape of `y_true`, default=None
        Weights of images or pixels.
    average : {"dataset", "image"}, default="dataset"
        Over all pixels of all images, or the mean of the images' values.

    Returns
    -------
    float
        In [0, 1], lower is better; 0.0 where `border` leaves no pixel.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, maps, weights, `n_bins`, `border` or `average` cannot be used.

    Notes
    -----
    Bin number ``floor(y_prob * n_bins)``, and the last one for a probability of 1. In each bin
    the distance between the mean probability and the share of true membrane; of these the mean,
    weighted by the pixels (or their weights) in the bins. A border pixel is a labelled pixel
    with one of the other class above, below, left or right.

    References
    ----------
    .. [1] M. P. Naeini, G. F. Cooper and M. Hauskrecht, "Obtaining well calibrated probabilities
       using Bayesian binning", AAAI 2015, doi 10.1609/aaai.v29i1.9602.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import expected_calibration_error
    >>> y_true = np.array([[[0, 1, 1, 0]]])
    >>> y_prob = np.array([[[0.1, 0.9, 0.3, 0.5]]])
    >>> round(expected_calibration_error(y_true, y_prob), 3)
    0.35
    """
    check_bins(n_bins)
    if border is not None:
        check_number(border, "border", low=0)
    check_average(average)
    pairs = pair_maps(
        y_true,
        y_prob,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
    )
    if border is not None:
        near = [near_border(truth, border) for truth in pairs.truth]
        pairs = Pairs(near, pairs.guess, pairs.weights)
        if not any((truth != IGNORED).any() for truth in near):
            return 0.0
    return averaged(pairs, lambda part: calibration_error(part, n_bins), average)


def calibration_error(pairs: Pairs, n_bins: int = 15) -> float:
    """Error of encoded pairs."""
    truth, prob, weights = pairs.flat()
    prob = prob.astype(np.float64)
    bins = np.minimum((prob * n_bins).astype(np.intp), n_bins - 1)
    weights = np.ones(truth.size) if weights is None else weights / weights.sum()
    gaps = np.bincount(bins, weights=weights * (prob - truth), minlength=n_bins)
    return float(np.abs(gaps).sum() / weights.sum())


def near_border(truth: np.ndarray, border: float) -> np.ndarray:
    """The encoded truth, without labels farther than `border` from a true border."""
    cell, membrane = truth == 0, truth == 1
    edge = (membrane & ndimage.binary_dilation(cell, _CROSS)) | (
        cell & ndimage.binary_dilation(membrane, _CROSS)
    )
    if not edge.any():
        return np.full_like(truth, IGNORED)
    near = ndimage.distance_transform_edt(~edge) <= border
    return np.where(near, truth, np.uint8(IGNORED))


def check_bins(n_bins: Any) -> None:
    """Refuse what is no whole number of at least 1."""
    if isinstance(n_bins, bool) or not isinstance(n_bins, numbers.Integral):
        raise InvalidTypeError(f"n_bins must be a whole number; got {n_bins!r}.")
    if n_bins < 1:
        raise InvalidInputError(f"n_bins must be at least 1; got {n_bins}.")

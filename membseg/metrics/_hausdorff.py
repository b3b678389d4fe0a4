"""Distance between the membranes of two masks."""

import math
from typing import Any

import numpy as np
from scipy import ndimage

from membseg.metrics._checks import check_number
from membseg.metrics._pairs import Pairs, image_mean, pair_masks
from membseg.utils import IGNORED


def hausdorff_distance(
    y_true: Any,
    y_pred: Any,
    *,
    percentile: float = 95,
    pixel_size: float = 1.0,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
) -> float:
    """Hausdorff distance of membranes, by default at the 95th percentile.

    Parameters
    ----------
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values; images may differ in size.
    y_pred : array-like or list, as `y_true`
        Predicted masks.
    percentile : float, default=95
        Percentile of the distances of either direction; 100 is the Hausdorff distance itself.
    pixel_size : float, default=1.0
        Side of a pixel, in the unit of the result; 1.0 gives pixels.
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label; they
        are taken as cell.
    sample_weight : None, array-like of shape (n_images,) or of the shape of `y_true`, default=None
        Weights of images in the mean. Of a map of pixel weights the mean is taken, and pixels of
        weight zero count as unlabelled.

    Returns
    -------
    float
        Mean over images, in units of `pixel_size`, lower is better; never infinite.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, weights, `percentile` or `pixel_size` cannot be used.

    Notes
    -----
    In each image: the distance from every membrane pixel of one mask to the nearest membrane
    pixel of the other, its percentile (linear interpolation), and the larger of the two
    directions. All membrane pixels count, not only their boundary. Without membrane in both masks
    the distance is 0.0; without membrane in one of them it is the image's diagonal.

    References
    ----------
    .. [1] D. P. Huttenlocher, G. A. Klanderman and W. J. Rucklidge, "Comparing images using the
       Hausdorff distance", IEEE PAMI 15(9), 1993, doi 10.1109/34.232073.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import hausdorff_distance
    >>> y = np.zeros((1, 9, 9), int)
    >>> y[:, 4] = 1
    >>> hausdorff_distance(y, np.roll(y, 3, axis=1))
    3.0
    >>> hausdorff_distance(y, np.roll(y, 3, axis=1), pixel_size=4.0)
    12.0
    """
    check_number(percentile, "percentile", low=0, high=100)
    check_number(pixel_size, "pixel_size", low=0, open_low=True)
    pairs = pair_masks(
        y_true,
        y_pred,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
    )
    return image_mean(pairs, lambda part: hausdorff(part, percentile)) * pixel_size


def hausdorff(pair: Pairs, percentile: float = 95) -> float:
    """Distance in one image, in pixels."""
    truth = pair.truth[0] == 1
    guess = (pair.guess[0] == 1) & (pair.truth[0] != IGNORED)
    if not truth.any() or not guess.any():
        return 0.0 if truth.any() == guess.any() else math.hypot(*truth.shape)
    return max(_directed(truth, guess, percentile), _directed(guess, truth, percentile))


def _directed(points: np.ndarray, others: np.ndarray, percentile: float) -> float:
    distances = ndimage.distance_transform_edt(~others)[points]
    return float(np.percentile(distances, percentile))

"""Agreement of membrane boundaries within a tolerance."""

from typing import Any

import numpy as np
from scipy import ndimage

from membseg.metrics._checks import check_number
from membseg.metrics._pairs import Pairs, image_mean, pair_masks
from membseg.utils import IGNORED

#: Neighbours in rows and columns.
_CROSS = ndimage.generate_binary_structure(2, 1)


def boundary_f1_score(
    y_true: Any,
    y_pred: Any,
    *,
    tolerance: float = 2,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
) -> float:
    """F1 score of membrane boundaries that match within a tolerance [1]_.

    Parameters
    ----------
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values; images may differ in size.
    y_pred : array-like or list, as `y_true`
        Predicted masks.
    tolerance : float, default=2
        Distance in pixels up to which boundary pixels match.
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label; they
        are no boundary.
    sample_weight : None, array-like of shape (n_images,) or of the shape of `y_true`, default=None
        Weights of images in the mean. Of a map of pixel weights the mean is taken, and pixels of
        weight zero count as unlabelled.

    Returns
    -------
    float
        Mean over images, in [0, 1], higher is better.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, weights or `tolerance` cannot be used.

    Notes
    -----
    The boundary of a mask is its membrane pixels with a cell pixel above, below, left or right.
    Precision is the share of predicted boundary pixels with a true one within the tolerance
    (Euclidean), recall the converse, and the score their harmonic mean, in each image. One mask
    without a boundary scores 0.0; where both have none, 1.0 if they are equal and 0.0 if not.

    References
    ----------
    .. [1] G. Csurka, D. Larlus and F. Perronnin, "What is a good evaluation measure for semantic
       segmentation?", BMVC 2013, doi 10.5244/C.27.32.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import boundary_f1_score
    >>> y = np.zeros((1, 9, 9), int)
    >>> y[:, 4] = 1
    >>> boundary_f1_score(y, np.roll(y, 2, axis=1)), boundary_f1_score(y, np.roll(y, 3, axis=1))
    (1.0, 0.0)
    """
    check_number(tolerance, "tolerance", low=0)
    pairs = pair_masks(
        y_true,
        y_pred,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
    )
    return image_mean(pairs, lambda part: boundary_f1(part, tolerance))


def boundary_f1(pair: Pairs, tolerance: float = 2) -> float:
    """Score of one image."""
    truth = pair.truth[0]
    labelled = truth != IGNORED
    guess = np.where(labelled, pair.guess[0], np.uint8(IGNORED))
    true_edge, guessed_edge = find_boundary(truth), find_boundary(guess)
    if not true_edge.any() and not guessed_edge.any():
        return float(np.array_equal(truth, guess))
    if not true_edge.any() or not guessed_edge.any():
        return 0.0
    precision = _share_near(guessed_edge, true_edge, tolerance)
    recall = _share_near(true_edge, guessed_edge, tolerance)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def find_boundary(codes: np.ndarray) -> np.ndarray:
    """Membrane pixels of an encoded mask that have a cell pixel beside them."""
    return (codes == 1) & ndimage.binary_dilation(codes == 0, _CROSS)


def _share_near(points: np.ndarray, others: np.ndarray, tolerance: float) -> float:
    return float(np.mean(ndimage.distance_transform_edt(~others)[points] <= tolerance))

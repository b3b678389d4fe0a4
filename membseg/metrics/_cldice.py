"""clDice: overlap of membranes with skeletons."""

from typing import Any

import numpy as np
from skimage.morphology import skeletonize

from membseg.metrics._pairs import Pairs, image_mean, pair_masks
from membseg.utils import IGNORED


def cldice_score(
    y_true: Any,
    y_pred: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
) -> float:
    """Share of each mask's skeleton that lies within the other mask, clDice [1]_.

    Parameters
    ----------
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values; images may differ in size.
    y_pred : array-like or list, as `y_true`
        Predicted masks.
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label; they
        are taken as cell, and no skeleton is counted there.
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
        If masks, weights cannot be used.

    Notes
    -----
    Topology precision is the share of the predicted mask's skeleton inside the true mask,
    topology sensitivity the share of the true mask's skeleton inside the predicted mask; clDice
    is their harmonic mean, in each image. Gaps and false branches cost, width does not. Without
    membrane in both masks it is 1.0, in one of them 0.0. Skeletons are those of
    :func:`skimage.morphology.skeletonize`, which leaves something of every mask.

    References
    ----------
    .. [1] S. Shit et al., "clDice - a novel topology-preserving loss function for tubular
       structure segmentation", CVPR 2021, doi 10.1109/CVPR46437.2021.01629.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import cldice_score, dice_score
    >>> y = np.zeros((1, 9, 9), int)
    >>> y[:, 4] = 1
    >>> wide = y + np.roll(y, 1, axis=1) + np.roll(y, -1, axis=1)
    >>> round(cldice_score(y, wide), 2), round(dice_score(y, wide), 2)
    (0.93, 0.5)
    """
    pairs = pair_masks(
        y_true,
        y_pred,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
    )
    return image_mean(pairs, cldice)


def cldice(pair: Pairs) -> float:
    """ClDice of one image."""
    labelled = pair.truth[0] != IGNORED
    truth = pair.truth[0] == 1
    guess = (pair.guess[0] == 1) & labelled
    if not truth.any() or not guess.any():
        return float(truth.any() == guess.any())
    precision = _share_inside(skeletonize(guess)[labelled], truth[labelled])
    sensitivity = _share_inside(skeletonize(truth)[labelled], guess[labelled])
    total = precision + sensitivity
    return 2 * precision * sensitivity / total if total else 0.0


def _share_inside(skeleton: np.ndarray, mask: np.ndarray) -> float:
    return float(np.mean(mask[skeleton]))

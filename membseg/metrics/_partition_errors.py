"""Adapted Rand error and variation of information of label images."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.metrics._label_images import pair_label_images
from membseg.metrics._overlaps import compress
from membseg.metrics._partitions import Shares, count_shares


@dataclass(frozen=True)
class VariationOfInformation:
    """Variation of information in bits, each at least 0, lower is better.

    Parameters
    ----------
    split : float
        Entropy of the prediction given the truth: large where true cells fall apart.
    merge : float
        Entropy of the truth given the prediction: large where cells run together.
    """

    split: float
    merge: float

    @property
    def total(self) -> float:
        """Sum of both."""
        return self.split + self.merge


def adapted_rand_error(labels_true: Any, labels_pred: Any) -> float:
    """Adapted Rand error [1]_ of label images, as scikit-image counts it.

    Parameters
    ----------
    labels_true : int array-like of shape (n_images, height, width), or list of 2-D arrays
        True label images: a number for each cell, 0 elsewhere. Images may differ in size.
    labels_pred : array-like or list, as `labels_true`
        Predicted label images.

    Returns
    -------
    float
        Mean over images, in [0, 1], lower is better.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If label images cannot be used.

    See Also
    --------
    v_rand_score : The challenge's score of masks and maps, after thinning.

    Notes
    -----
    On the pixels of true cells, one less the F score of the pairs of different pixels that lie in
    one cell. Predicted 0 is a region like any other: unlike V_Rand, which is otherwise one less
    this error, membranes are not thinned and 0 pixels are not parts of their own. An image without
    pairs has an error of 0.0 if it also has no predicted cell or a single true pixel, else 1.0.

    References
    ----------
    .. [1] I. Arganda-Carreras et al., "Crowdsourcing the creation of image segmentation
       algorithms for connectomics", Frontiers in Neuroanatomy 9:142, 2015,
       doi 10.3389/fnana.2015.00142.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import adapted_rand_error
    >>> true = np.array([[[1, 1, 1, 0, 2, 2, 2]]])
    >>> adapted_rand_error(true, true), round(adapted_rand_error(true, np.ones_like(true)), 3)
    (0.0, 0.429)
    """
    pairs = zip(*pair_label_images(labels_true, labels_pred), strict=True)
    return float(np.mean([rand_error(truth, guess) for truth, guess in pairs]))


def variation_of_information(labels_true: Any, labels_pred: Any) -> VariationOfInformation:
    """Variation of information [1]_ of label images, in bits.

    Parameters
    ----------
    labels_true : int array-like of shape (n_images, height, width), or list of 2-D arrays
        True label images: a number for each cell, 0 elsewhere. Images may differ in size.
    labels_pred : array-like or list, as `labels_true`
        Predicted label images.

    Returns
    -------
    VariationOfInformation
        Its two parts, means over images; lower is better.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If label images cannot be used.

    See Also
    --------
    v_info_score : The challenge's score of masks and maps, after thinning.

    Notes
    -----
    On the pixels of true cells; predicted 0 is a region like any other. An image without true
    cells has 0 in both parts.

    References
    ----------
    .. [1] M. Meila, "Comparing clusterings: an information based distance", Journal of
       Multivariate Analysis 98(5), 2007, doi 10.1016/j.jmva.2006.11.013.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import variation_of_information
    >>> true = np.array([[[1, 1, 0, 2, 2]]])
    >>> variation_of_information(true, np.ones_like(true))
    VariationOfInformation(split=0.0, merge=1.0)
    """
    pairs = zip(*pair_label_images(labels_true, labels_pred), strict=True)
    parts = np.mean([information_parts(truth, guess) for truth, guess in pairs], axis=0)
    return VariationOfInformation(*map(float, parts))


def rand_error(truth: np.ndarray, guess: np.ndarray) -> float:
    """Adapted Rand error of one image."""
    shares = _shares_of(truth, guess)
    if shares is None or shares.n == 1:
        return float(shares is None and bool(guess.any()))
    # A pixel makes no pair with itself.
    both, of_truth, of_guess = (total - 1 / shares.n for total in shares.pair_sums())
    if of_truth + of_guess <= _NO_PAIRS:
        return 0.0
    return float(np.clip(1 - 2 * both / (of_truth + of_guess), 0.0, 1.0))


#: Sums of squared shares up to this are rounding: every region is a single pixel.
_NO_PAIRS = 1e-12


def information_parts(truth: np.ndarray, guess: np.ndarray) -> tuple[float, float]:
    """Split and merge of one image, in bits."""
    shares = _shares_of(truth, guess)
    if shares is None:
        return 0.0, 0.0
    of_truth, of_guess, of_both = shares.entropies()
    # Never negative but for rounding.
    split, merge = (max(of_both - part, 0.0) / np.log(2) for part in (of_truth, of_guess))
    return split, merge


def _shares_of(truth: np.ndarray, guess: np.ndarray) -> Shares | None:
    """Shares of regions; predicted 0 is one of them."""
    return count_shares(compress(truth)[1], compress(guess)[1] + 1)

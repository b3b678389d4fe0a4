"""V_Rand and V_Info of membrane masks and membrane probabilities."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.metrics._checks import check_number
from membseg.metrics._cuts import cut_maps, score_best, score_cut
from membseg.metrics._maps import holds_masks
from membseg.metrics._pairs import pair_maps, pair_masks


@dataclass(frozen=True)
class PartitionScore:
    """A score of partitions and what it is made of; each in [0, 1], higher is better.

    Parameters
    ----------
    score : float
        V_Rand or V_Info: the mean over slices of the slices' scores.
    merge : float
        Low where cells that are apart in truth run together.
    split : float
        Low where true cells fall apart.
    """

    score: float
    merge: float
    split: float


def v_rand_score(
    y_true: Any,
    y_score: Any,
    *,
    threshold: str | float = "best",
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
) -> float:
    """V_Rand after border thinning, the ISBI 2012 challenge's foreground-restricted Rand score.

    Parameters
    ----------
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values; images may differ in size.
    y_score : array-like or list, as `y_true`
        Maps of **membrane** probability (floats, all within [0, 1]), or predicted masks of any
        two values.
    threshold : "best" or float, default="best"
        A number is a membrane probability: pixels of at least that are membrane, one cut is
        scored. "best" takes the largest of the challenge's 11 cuts of the cell probability
        1 - y_score, as the published figures do; it is chosen on the data that is scored.
    membrane_label : scalar or None, default=None
        The value of membrane in masks; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label; they are dropped, like true membrane.
    sample_weight : None, array-like of shape (n_images,) or of the shape of `y_true`, default=None
        Weights of images in the mean. Of a map of pixel weights the mean is taken, and pixels of
        weight zero count as unlabelled.

    Returns
    -------
    float
        Mean over slices, in [0, 1], higher is better.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, maps, weights or `threshold` cannot be used.

    See Also
    --------
    isbi_challenge_scores : The definition, on cell maps, and the table of all thresholds.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import v_rand_score
    >>> y = np.zeros((1, 9, 9))
    >>> y[:, 4] = 1
    >>> v_rand_score(y, y)
    1.0
    >>> v_rand_score(y, 0.3 * y, threshold=0.5) < 0.7
    True
    """
    return _parts(
        "v_rand",
        y_true,
        y_score,
        threshold,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
    ).score


def v_info_score(
    y_true: Any,
    y_score: Any,
    *,
    threshold: str | float = "best",
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
) -> float:
    """V_Info after border thinning, the ISBI 2012 challenge's score of information.

    Parameters
    ----------
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values; images may differ in size.
    y_score : array-like or list, as `y_true`
        Maps of **membrane** probability (floats, all within [0, 1]), or predicted masks of any
        two values.
    threshold : "best" or float, default="best"
        A number is a membrane probability: pixels of at least that are membrane, one cut is
        scored. "best" takes the largest of the challenge's 11 cuts of the cell probability
        1 - y_score, as the published figures do; it is chosen on the data that is scored.
    membrane_label : scalar or None, default=None
        The value of membrane in masks; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label; they are dropped, like true membrane.
    sample_weight : None, array-like of shape (n_images,) or of the shape of `y_true`, default=None
        Weights of images in the mean. Of a map of pixel weights the mean is taken, and pixels of
        weight zero count as unlabelled.

    Returns
    -------
    float
        Mean over slices, in [0, 1], higher is better; 0.0 for slices of one cell.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, maps, weights or `threshold` cannot be used.

    See Also
    --------
    isbi_challenge_scores : The definition, on cell maps, and the table of all thresholds.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import v_info_score
    >>> y = np.zeros((1, 9, 9))
    >>> y[:, 4] = 1
    >>> v_info_score(y, y)
    1.0
    >>> v_info_score(y, 0.3 * y, threshold=0.5)
    0.0
    """
    return _parts(
        "v_info",
        y_true,
        y_score,
        threshold,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
    ).score


def v_rand_parts(
    y_true: Any,
    y_score: Any,
    *,
    threshold: str | float = "best",
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
) -> PartitionScore:
    """V_Rand after border thinning, with its merge and split scores.

    Parameters
    ----------
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values; images may differ in size.
    y_score : array-like or list, as `y_true`
        Maps of **membrane** probability (floats, all within [0, 1]), or predicted masks of any
        two values.
    threshold : "best" or float, default="best"
        A number is a membrane probability: pixels of at least that are membrane, one cut is
        scored. "best" takes the largest of the challenge's 11 cuts of the cell probability
        1 - y_score, as the published figures do; it is chosen on the data that is scored.
    membrane_label : scalar or None, default=None
        The value of membrane in masks; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label; they are dropped, like true membrane.
    sample_weight : None, array-like of shape (n_images,) or of the shape of `y_true`, default=None
        Weights of images in the mean. Of a map of pixel weights the mean is taken, and pixels of
        weight zero count as unlabelled.

    Returns
    -------
    PartitionScore
        The score at its threshold with its merge and split scores there, means over slices.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, maps, weights or `threshold` cannot be used.

    See Also
    --------
    isbi_challenge_scores : The definition, on cell maps, and the table of all thresholds.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import v_rand_parts
    >>> y = np.zeros((1, 9, 9))
    >>> y[:, 4] = 1
    >>> gap = y.copy()
    >>> gap[:, :, 4] = 0
    >>> v_rand_parts(y, gap).split
    1.0
    """
    return _parts(
        "v_rand",
        y_true,
        y_score,
        threshold,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
    )


def v_info_parts(
    y_true: Any,
    y_score: Any,
    *,
    threshold: str | float = "best",
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
) -> PartitionScore:
    """V_Info after border thinning, with its merge and split scores.

    Parameters
    ----------
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values; images may differ in size.
    y_score : array-like or list, as `y_true`
        Maps of **membrane** probability (floats, all within [0, 1]), or predicted masks of any
        two values.
    threshold : "best" or float, default="best"
        A number is a membrane probability: pixels of at least that are membrane, one cut is
        scored. "best" takes the largest of the challenge's 11 cuts of the cell probability
        1 - y_score, as the published figures do; it is chosen on the data that is scored.
    membrane_label : scalar or None, default=None
        The value of membrane in masks; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label; they are dropped, like true membrane.
    sample_weight : None, array-like of shape (n_images,) or of the shape of `y_true`, default=None
        Weights of images in the mean. Of a map of pixel weights the mean is taken, and pixels of
        weight zero count as unlabelled.

    Returns
    -------
    PartitionScore
        The score at its threshold with its merge and split scores there, means over slices.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, maps, weights or `threshold` cannot be used.

    See Also
    --------
    isbi_challenge_scores : The definition, on cell maps, and the table of all thresholds.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import v_info_parts
    >>> y = np.zeros((1, 9, 9))
    >>> y[:, 4] = 1
    >>> gap = y.copy()
    >>> gap[:, :, 4] = 0
    >>> v_info_parts(y, gap)
    PartitionScore(score=0.0, merge=0.0, split=1.0)
    """
    return _parts(
        "v_info",
        y_true,
        y_score,
        threshold,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
    )


def _parts(
    kind: str, y_true: Any, y_score: Any, threshold: str | float, **options: Any
) -> PartitionScore:
    best = isinstance(threshold, str)
    if not best:
        check_number(threshold, "threshold", low=0, high=1)
    elif threshold != "best":
        raise InvalidInputError(
            f'threshold must be "best" or a number in [0, 1]; got {threshold!r}.'
        )
    is_mask = holds_masks(y_score)
    pairs = (pair_masks if is_mask else pair_maps)(y_true, y_score, name="y_score", **options)
    if not best and not is_mask:
        pairs = cut_maps(pairs, float(threshold))
    result = score_best(pairs) if best else score_cut(pairs)
    i = int(np.argmax(result.table[kind]))
    names = (kind, f"{kind}_merge", f"{kind}_split")
    return PartitionScore(*(float(result.table[name][i]) for name in names))

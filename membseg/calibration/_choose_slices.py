"""Which slices to label next."""

from typing import Any

import numpy as np

from membseg.calibration._uncertainty import predict_uncertainty
from membseg.exceptions import InvalidInputError
from membseg.model_selection._stacks import check_count
from membseg.utils import check_images


def choose_slices(
    estimator: Any, X: Any, n_slices: int = 1, *, method: str = "single", gap: int = 0
) -> np.ndarray:
    """Choose the slices whose labels a segmenter would learn most from.

    They are the most doubtful ones [1]_, apart from each other: neighbours show the same cells,
    and are doubtful together.

    Parameters
    ----------
    estimator : segmenter
        Fitted, on the slices that are labelled already.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Slices without labels, in z order. They are predicted one by one.
    n_slices : int, default=1
        How many to choose, 1 or more.
    method : {"single", "views", "members", "dropout"}, default="single"
        Whose answers the doubt is taken from, as in :func:`predict_uncertainty`. With "dropout"
        the choice can differ from call to call.
    gap : int, default=0
        Least number of slices between two chosen ones, 0 or more.

    Returns
    -------
    ndarray of shape (n_slices,), int64
        Their numbers in `X`, the most doubtful first.

    Raises
    ------
    InvalidInputError
        If `X` has not so many slices with that gap, or `method` is unknown.
    InvalidTypeError
        If `n_slices` or `gap` is no integer, or the estimator does not give such answers.

    Notes
    -----
    A slice's doubt is the mean of `total` over its pixels (`image_scores` of
    :class:`Uncertainty`). The most doubtful slice is taken first, then the most doubtful of those
    that are far enough from all that were taken, and so on; a slice is passed over where the rest
    would not hold as many as are still to come. Slices that are doubtful because
    nobody could label them (noise, a fold in the section) are chosen too: look before labelling.

    References
    ----------
    .. [1] Lewis and Gale (1994), "A Sequential Algorithm for Training Text Classifiers", SIGIR
       '94, doi 10.1007/978-1-4471-2099-5_1.

    Examples
    --------
    >>> from membseg import RidgeSegmenter, make_membranes
    >>> from membseg.calibration import choose_slices
    >>> X, y = make_membranes(6, 48, 48, random_state=0)
    >>> segmenter = RidgeSegmenter().fit(X[:1], y[:1])
    >>> chosen = choose_slices(segmenter, X[1:], 2, gap=1)
    >>> chosen.shape, bool(abs(chosen[0] - chosen[1]) > 1)
    ((2,), True)
    """
    n_slices = check_count(n_slices, "n_slices", least=1, advice="Give a number of slices.")
    gap = check_count(gap, "gap", least=0, advice="Give a number of slices, or 0.")
    # Pixels are looked at slice by slice, when they are predicted.
    n_images = len(check_images(X, finite=False))
    most = _n_apart(np.ones(n_images, dtype=bool), gap)
    if n_slices > most:
        raise InvalidInputError(
            f"n_slices must be at most {most} with gap={gap} and {n_images} slices in X; got "
            f"{n_slices}. Choose fewer, or a smaller gap."
        )
    parts = (predict_uncertainty(estimator, X[i : i + 1], method=method) for i in range(n_images))
    scores = np.array([part.image_scores[0] for part in parts])
    return _most_apart(scores, n_slices, gap)


def _most_apart(scores: np.ndarray, n_slices: int, gap: int) -> np.ndarray:
    """Places of high scores more than `gap` places apart, the highest first."""
    free = np.ones(len(scores), dtype=bool)
    chosen: list[int] = []
    for place in np.argsort(-scores, kind="stable"):
        left = free.copy()
        left[max(place - gap, 0) : place + gap + 1] = False
        if free[place] and _n_apart(left, gap) >= n_slices - len(chosen) - 1:
            chosen.append(int(place))
            free = left
        if len(chosen) == n_slices:
            break
    return np.array(chosen, dtype=np.int64)


def _n_apart(free: np.ndarray, gap: int) -> int:
    """How many of the free places, more than `gap` apart, can be had at most."""
    n_found, next_place = 0, 0
    for place in np.flatnonzero(free).tolist():
        if place >= next_place:
            n_found, next_place = n_found + 1, place + gap + 1
    return n_found

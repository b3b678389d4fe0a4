"""Folds for our own tools: made once, checked before any fit, the same for everybody."""

from typing import Any

import numpy as np
from sklearn.model_selection import check_cv
from sklearn.utils import check_consistent_length

from membseg.exceptions import InvalidInputError
from membseg.model_selection._slice_block import SliceBlockKFold
from membseg.model_selection._stacks import stack_numbers
from membseg.utils import check_images

#: Folds without a wish of the caller's.
_N_SPLITS = 5


def make_folds(cv: Any, X: Any, y: Any, groups: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Make the folds of a cross-validation.

    Parameters
    ----------
    cv : int, splitter, iterable of (train, test), or None
        None: five blocks with a gap of one slice, or as many as there can be. An int: so many.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images in z order.
    y : array-like or None
        Masks.
    groups : array-like of shape (n_images,) or None
        The stack of each slice.

    Returns
    -------
    list of (ndarray, ndarray)
        Training and test indices.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `X` is no stack of images, `groups` has another length, or the slices are too few.
    """
    n_images = len(check_images(X, finite=False))
    stack_numbers(groups, n_images)
    check_consistent_length(X, y)
    if cv is None:
        return _default_folds(n_images, groups)
    if isinstance(cv, bool | int | np.integer):
        # An int is KFold to scikit-learn, whose blocks touch.
        cv = SliceBlockKFold(cv, gap=1)  # type: ignore[arg-type]  # numpy's integers are fine
    folds = check_cv(cv, y).split(X, y, groups)
    return [(_as_indices(train), _as_indices(test)) for train, test in folds]


def takes_groups(cv: Any) -> bool:
    """Whether a splitter makes use of groups; scikit-learn's others warn where they get some."""
    if not hasattr(cv, "get_metadata_routing"):
        return True
    return "groups" in cv.get_metadata_routing().split.requests


def _as_indices(part: Any) -> np.ndarray:
    """Take what scikit-learn takes: indices in any sequence, or a mask."""
    part = np.asarray(part)
    return np.flatnonzero(part) if part.dtype == bool else part


def _default_folds(n_images: int, groups: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    for n_splits in range(min(_N_SPLITS, n_images), 1, -1):
        try:
            return list(SliceBlockKFold(n_splits, gap=1).split(range(n_images), groups=groups))
        except InvalidInputError:
            # A fold without a training slice: with fewer, larger blocks there may be one.
            continue
    raise InvalidInputError(
        "X must hold at least 4 slices for blocks with a gap of one slice (cv=None); got "
        f"{n_images}. Give cv=SliceBlockKFold({max(2, n_images)}, gap=0), or more slices."
    )

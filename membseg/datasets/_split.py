"""Splitting a stack into contiguous blocks for training, validation and test."""

from numbers import Integral, Real
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.utils import check_images


def train_val_test_split(
    X: Any,
    y: Any,
    *extra: Any,
    val_size: float | int = 0.2,
    test_size: float | int = 0.2,
    gap: int = 1,
    groups: Any = None,
) -> list[Any]:
    """Split a stack into contiguous blocks for training, validation and test.

    Neighbouring slices are alike, so a random split leaks: the same cells appear on both sides.
    Here the stack (each stack, with `groups`) is cut in z order into training, validation and
    test, and `gap` slices are left out at each cut.

    Parameters
    ----------
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images in z order.
    y : array-like of shape (n_images, height, width) or list of arrays
        Masks, one an image.
    *extra : arrays or lists of length n_images
        Anything else with one entry an image, to be split alike.
    val_size, test_size : float or int, default=0.2
        Size of the part: a share of the slices, at least one slice, if a float above 0 and below
        1; a number of slices if an int; 0 for none. With `groups`, of each group.
    gap : int, default=1
        Number of slices left out at each cut, 0 or more.
    groups : array-like of shape (n_images,) or None, default=None
        The stack that each slice belongs to. None takes all slices as one stack.

    Returns
    -------
    list
        ``[X_train, X_val, X_test, y_train, y_val, y_test]``, then three parts of each further
        argument. Lists give lists; arrays give arrays, which are views where there is one group.

    Raises
    ------
    InvalidInputError
        If lengths differ, a size is out of range, or there are too few slices for the parts.
    InvalidTypeError
        If a size or the gap is not a number.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.datasets import train_val_test_split
    >>> X = np.arange(10)[:, np.newaxis, np.newaxis] * np.ones((1, 4, 4))
    >>> X_train, X_val, X_test, *_ = train_val_test_split(X, X > 0, val_size=2, test_size=2)
    >>> [part[:, 0, 0].astype(int).tolist() for part in (X_train, X_val, X_test)]
    [[0, 1, 2, 3], [5, 6], [8, 9]]
    """
    n_images = len(check_images(X, finite=False))
    arrays = [_as_sequence(a) for a in (X, y, *extra)]
    names = ["X", "y", *(f"extra[{i}]" for i in range(len(extra)))]
    for array, name in zip(arrays, names, strict=True):
        if len(array) != n_images:
            raise InvalidInputError(
                f"{name} must have one entry an image of X; got {len(array)} for {n_images} "
                "images. Give arrays of equal lengths."
            )
    for value, name in ((val_size, "val_size"), (test_size, "test_size")):
        _check_size(value, name)
    _check_gap(gap)
    parts: list[list[np.ndarray]] = [[], [], []]
    for label, members in _group_members(groups, n_images):
        blocks = _cut(members, val_size, test_size, int(gap), label)
        for part, block in zip(parts, blocks, strict=True):
            part.append(block)
    indices = [np.concatenate(part) for part in parts]
    return [_take(array, index) for array in arrays for index in indices]


def _as_sequence(array: Any) -> Any:
    return list(array) if isinstance(array, list | tuple) else np.asanyarray(array)


def _check_size(value: Any, name: str) -> None:
    wanted = "an int of 0 or more, or a float from 0 up to but less than 1"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InvalidTypeError(
            f"{name} must be {wanted}; got {value!r}. Give a number of slices or a share."
        )
    if value < 0 or (not isinstance(value, Integral) and not value < 1):
        raise InvalidInputError(
            f"{name} must be {wanted}; got {value}. Give a number of slices or a share."
        )


def _check_gap(gap: Any) -> None:
    if isinstance(gap, bool) or not isinstance(gap, Integral):
        raise InvalidTypeError(
            f"gap must be an int of 0 or more; got {gap!r}. Give the number of slices to leave "
            "out at each cut."
        )
    if gap < 0:
        raise InvalidInputError(
            f"gap must be an int of 0 or more; got {gap}. Give 0 to leave no slice out."
        )


def _group_members(groups: Any, n_images: int) -> list[tuple[str, np.ndarray]]:
    """Indices of each group's slices in order, under a name for messages."""
    if groups is None:
        return [("the stack", np.arange(n_images))]
    labels = np.asarray(groups)
    if labels.shape != (n_images,):
        raise InvalidInputError(
            f"groups must have one entry an image, shape ({n_images},); got shape {labels.shape}. "
            "Give the stack that each slice belongs to."
        )
    return [(f"group {label}", np.flatnonzero(labels == label)) for label in np.unique(labels)]


def _cut(
    members: np.ndarray, val_size: float, test_size: float, gap: int, label: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = len(members)
    n_val, n_test = _count(val_size, n), _count(test_size, n)
    n_gaps = gap * ((n_val > 0) + (n_test > 0))
    n_train = n - n_val - n_test - n_gaps
    if n_train < 1:
        raise InvalidInputError(
            f"{label} must have at least {1 + n_val + n_test + n_gaps} slices for 1 of training, "
            f"{n_val} of validation (val_size={val_size}), {n_test} of test "
            f"(test_size={test_size}) and {n_gaps} left out (gap={gap}); got {n}. "
            "Make the parts or the gap smaller."
        )
    test_start = n - n_test
    val_stop = test_start - gap if n_test else n
    return members[:n_train], members[val_stop - n_val : val_stop], members[test_start:]


def _count(size: float, n: int) -> int:
    if isinstance(size, Integral):
        return int(size)
    return max(1, round(size * n)) if size > 0 else 0


def _take(array: Any, index: np.ndarray) -> Any:
    if isinstance(array, list):
        return [array[i] for i in index]
    # A block without holes is a view, so that big stacks are not copied.
    if len(index) == 0:
        return array[:0]
    if np.array_equal(index, np.arange(index[0], index[0] + len(index))):
        return array[index[0] : index[0] + len(index)]
    return array[index]

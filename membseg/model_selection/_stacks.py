"""Where slices lie in their stacks, and which of them are near to others."""

from numbers import Integral
from typing import Any

import numpy as np
from scipy.ndimage import maximum_filter1d

from membseg.exceptions import InvalidInputError, InvalidTypeError


def count_images(X: Any) -> int:
    """Count the images of a stack or list; nothing else is asked of it."""
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def check_count(value: Any, name: str, *, least: int, advice: str) -> int:
    """Refuse what is no whole number of at least `least`."""
    wanted = f"{name} must be an int of {least} or more"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InvalidTypeError(f"{wanted}; got {value!r}. {advice}")
    if value < least:
        raise InvalidInputError(f"{wanted}; got {value}. {advice}")
    return int(value)


def stack_numbers(groups: Any, n_images: int) -> np.ndarray:
    """Number the stacks in the order in which they first occur.

    Parameters
    ----------
    groups : array-like of shape (n_images,) or None
        The stack of each slice, under any name; None takes all slices as one stack.
    n_images : int
        Number of slices.

    Returns
    -------
    ndarray of shape (n_images,), int
        The stack of each slice, from 0.

    Raises
    ------
    InvalidInputError
        If `groups` has not one name a slice, or holds NaN.
    """
    if groups is None:
        return np.zeros(n_images, dtype=int)
    names = np.asarray(groups)
    if names.shape != (n_images,):
        raise InvalidInputError(
            f"groups must have one entry an image, shape ({n_images},); got shape {names.shape}. "
            "Give the stack that each slice belongs to."
        )
    numbers: dict[Any, int] = {}
    found = [numbers.setdefault(name, len(numbers)) for name in names.tolist()]
    if any(name != name for name in numbers):
        raise InvalidInputError(
            "groups must name the stack of every slice; it holds NaN. Give those slices a name."
        )
    return np.array(found, dtype=int)


def places_in_row(numbers: np.ndarray, gap: int) -> tuple[np.ndarray, np.ndarray]:
    """Lay stacks end to end in one row, so far apart that slices of two are never near.

    Parameters
    ----------
    numbers : ndarray of shape (n_images,), int
        The stack of each slice, from 0.
    gap : int
        Distance up to which slices of one stack are near to each other.

    Returns
    -------
    order : ndarray of shape (n_images,), int
        Slices in the order of the row.
    places : ndarray of shape (n_images,), int
        Each slice's place: neighbours of one stack are 1 apart, slices of two stacks more than
        `gap`.
    """
    order = np.argsort(numbers, kind="stable")
    places = np.empty(len(numbers), dtype=int)
    places[order] = np.arange(len(numbers)) + gap * numbers[order]
    return order, places


def train_away_from(test: np.ndarray, places: np.ndarray, gap: int) -> np.ndarray:
    """Find the slices that are farther than `gap` from every test slice.

    Parameters
    ----------
    test : ndarray of int
        Indices of the test slices.
    places : ndarray of shape (n_images,), int
        Each slice's place, as :func:`places_in_row` gives it for at least this `gap`.
    gap : int
        Largest distance that is too near.

    Returns
    -------
    ndarray of int
        Indices of the others, in ascending order.
    """
    line = np.zeros(places.max() + 1, dtype=np.uint8)
    line[places[test]] = 1
    near = maximum_filter1d(line, 2 * gap + 1, mode="constant")
    return np.flatnonzero(near[places] == 0)


def train_and_test(
    tests: list[np.ndarray], places: np.ndarray, gap: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Give the folds whose test parts are known, all checked before the first is used.

    Parameters
    ----------
    tests : list of ndarray of int
        Indices of each fold's test slices.
    places : ndarray of shape (n_images,), int
        Each slice's place in the row of all stacks.
    gap : int
        Slices that are left out of the training part beside each test slice.

    Returns
    -------
    list of (ndarray, ndarray)
        Training and test indices, both ascending.

    Raises
    ------
    InvalidInputError
        If a fold is left without a training slice.
    """
    folds = [(train_away_from(test, places, gap), np.sort(test)) for test in tests]
    for k, (train, test) in enumerate(folds):
        if not len(train):
            raise InvalidInputError(
                f"Fold {k} is left without a training slice: of {len(places)} slices {len(test)} "
                f"are its test part, and all others lie within gap={gap} of them. Lower gap, "
                "raise n_splits for smaller test parts, or give more slices."
            )
    return folds

"""Cross-validation in contiguous blocks of slices."""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from sklearn.model_selection import BaseCrossValidator

from membseg.exceptions import InvalidInputError
from membseg.model_selection._stacks import (
    check_count,
    count_images,
    places_in_row,
    stack_numbers,
    train_and_test,
)


class SliceBlockKFold(BaseCrossValidator):
    """Cut stacks into contiguous blocks, with slices left out of training at each cut.

    Neighbouring slices show the same cells: a random split puts them on both sides and scores too
    high. Here each block is the test part once, and the slices within `gap` of it are left out of
    the training part of that fold. Every slice is tested exactly once.

    Parameters
    ----------
    n_splits : int, default=5
        Number of blocks, at least 2.
    gap : int, default=1
        Number of slices left out of training on either side of a test block, 0 or more.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `n_splits` or `gap` is out of range or no integer.

    Notes
    -----
    Several stacks, told apart by ``groups``, are laid end to end in the order in which they first
    occur, and this row is cut into `n_splits` blocks whose numbers of slices differ by at most
    one. A block may thus hold the end of one stack and the beginning of the next, and a stack may
    be cut nowhere; so few cuts cost the fewest slices. Distances count within a stack only:
    nothing is left out where one stack ends and another begins. To test on stacks that were never
    seen in training, use :class:`sklearn.model_selection.GroupKFold`.

    With metadata routing enabled it asks for ``groups``, as scikit-learn's own splitters of
    groups do.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg import SliceBlockKFold
    >>> X = np.zeros((6, 32, 32))
    >>> for train, test in SliceBlockKFold(n_splits=3, gap=1).split(X):
    ...     print(train, test)
    [3 4 5] [0 1]
    [0 5] [2 3]
    [0 1 2] [4 5]
    """

    __metadata_request__split: ClassVar[dict[str, bool]] = {"groups": True}

    def __init__(self, n_splits: int = 5, gap: int = 1) -> None:
        self.n_splits = check_count(
            n_splits, "n_splits", least=2, advice="Give the number of blocks."
        )
        self.gap = check_count(gap, "gap", least=0, advice="Give 0 to leave no slice out.")

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Give the number of folds.

        Parameters
        ----------
        X, y, groups : object, default=None
            Taken for the sake of scikit-learn; change nothing.

        Returns
        -------
        int
            `n_splits`.
        """
        return self.n_splits

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give the indices of the training and test slices of each fold.

        Parameters
        ----------
        X : array-like of shape (n_images, ...) or list of arrays
            Slices in z order; only their number is asked for.
        y : object, default=None
            Taken for the sake of scikit-learn; changes nothing.
        groups : array-like of shape (n_images,) or None, default=None
            The stack that each slice belongs to. None takes all slices as one stack.

        Returns
        -------
        iterator of (ndarray, ndarray)
            Training and test indices, both ascending.

        Raises
        ------
        InvalidInputError
            If there are fewer slices than blocks, `groups` has another length than `X`, or a fold
            is left without a training slice.
        """
        n_images = count_images(X)
        if n_images < self.n_splits:
            raise InvalidInputError(
                f"n_splits must be at most the number of slices, {n_images}; got {self.n_splits}. "
                "Lower n_splits, or give more slices."
            )
        # No distance inside a stack is larger than the number of slices.
        gap = min(self.gap, n_images)
        order, places = places_in_row(stack_numbers(groups, n_images), gap)
        return iter(train_and_test(np.array_split(order, self.n_splits), places, gap))

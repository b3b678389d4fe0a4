"""Cross-validation whose folds hold alike shares of membrane."""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from sklearn.model_selection import BaseCrossValidator

from membseg.exceptions import InvalidInputError
from membseg.model_selection._stacks import (
    check_count,
    count_images,
    stack_numbers,
    train_and_test,
)
from membseg.utils import IGNORED, encode_masks


class CoverageStratifiedKFold(BaseCrossValidator):
    """Balance the folds' shares of membrane, with whole groups or blocks of slices.

    Where the share of membrane changes along the stack or from specimen to specimen, plain
    blocks test each fold on another kind of slice. Here the units that are shared out are the
    groups, where ``groups`` are given, and contiguous blocks of slices otherwise; never single
    slices, whose neighbours would be in the training part. Every slice is tested exactly once.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    block : "auto" or int, default="auto"
        Number of slices, at least 2, that a block has at least: the stack is cut into as many
        blocks as there can be, whose lengths differ by at most one. "auto" makes two blocks a
        fold, or one where blocks of two slices are too long for that. Not used with ``groups``.
    gap : int, default=1
        Number of slices left out of training on either side of a test block, 0 or more. Not used
        with ``groups``.
    ignore_label : scalar or None, default=None
        The value of pixels of y without a label; they do not count. Which of the two other values
        is membrane makes no difference.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `n_splits`, `block` or `gap` is out of range or no integer.

    Notes
    -----
    Units are shared out greedily, those with most membrane first, each to the fold in which it
    meets least of images, of labelled pixels and of membrane (the sum of the three products of
    shares). Blocks are shared out evenly in number, and left in plain contiguous runs where the
    greedy choice is no better. More and smaller blocks balance better, and cost more slices at
    their cuts.

    With metadata routing enabled it asks for ``groups``, as scikit-learn's own splitters of
    groups do.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg import CoverageStratifiedKFold
    >>> y = np.zeros((8, 10, 10), dtype=int)
    >>> for number, mask in enumerate(y):
    ...     mask[: number + 1] = 1  # ever more membrane
    >>> for train, test in CoverageStratifiedKFold(n_splits=2).split(y, y):
    ...     print(train, test, y[test].mean())
    [3 4] [0 1 6 7] 0.45
    [0 7] [2 3 4 5] 0.45
    """

    __metadata_request__split: ClassVar[dict[str, bool]] = {"groups": True}

    def __init__(
        self,
        n_splits: int = 5,
        block: int | str = "auto",
        gap: int = 1,
        ignore_label: Any = None,
    ) -> None:
        self.n_splits = check_count(
            n_splits, "n_splits", least=2, advice="Give the number of folds."
        )
        if block != "auto":
            block = check_count(
                block, "block", least=2, advice="Give the length of a block in slices, or 'auto'."
            )
        self.block = block
        self.gap = check_count(gap, "gap", least=0, advice="Give 0 to leave no slice out.")
        self.ignore_label = ignore_label

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
        y : array-like of shape (n_images, height, width) or list of arrays, default=None
            Masks of two values; required.
        groups : array-like of shape (n_images,) or None, default=None
            What must not be split, such as the stack or specimen of each slice. None cuts the
            slices, as one stack, into blocks.

        Returns
        -------
        iterator of (ndarray, ndarray)
            Training and test indices, both ascending.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If `y` holds no masks or not one a slice, `groups` has another length than `X`, there
            are fewer groups or blocks than folds, or a fold is left without a training slice.
        """
        n_images = count_images(X)
        pixels = _count_pixels(y, self.ignore_label, n_images)
        if groups is None:
            units, gap = self._blocks(n_images), min(self.gap, n_images)
        else:
            units, gap = self._groups(groups, n_images), 0
        sums = np.zeros((units.max() + 1, 3))
        np.add.at(sums, units, pixels)
        fold_of_unit = _share_out(sums, self.n_splits, evenly=groups is None)
        folds = fold_of_unit[units]
        tests = [np.flatnonzero(folds == k) for k in range(self.n_splits)]
        return iter(train_and_test(tests, np.arange(n_images), gap))

    def _groups(self, groups: Any, n_images: int) -> np.ndarray:
        units = stack_numbers(groups, n_images)
        n_groups = units.max() + 1
        if n_groups < self.n_splits:
            raise InvalidInputError(
                f"groups must hold at least n_splits={self.n_splits} groups, since none is split; "
                f"got {n_groups}. Lower n_splits, or leave groups out to share out blocks of "
                "slices."
            )
        return units

    def _blocks(self, n_images: int) -> np.ndarray:
        """Number of the block of each slice."""
        if self.block == "auto":
            n_blocks = self.n_splits * (2 if n_images >= 4 * self.n_splits else 1)
            length = 2
        else:
            length = int(self.block)
            n_blocks = n_images // length
        if n_blocks < self.n_splits or n_images < length * n_blocks:
            raise InvalidInputError(
                f"X must hold at least {length * self.n_splits} slices for n_splits="
                f"{self.n_splits} blocks of {length} slices; got {n_images}. Lower n_splits"
                + (", or block." if length > 2 else ", or give groups.")
            )
        lengths = [len(part) for part in np.array_split(np.arange(n_images), n_blocks)]
        return np.repeat(np.arange(n_blocks), lengths)


def _count_pixels(y: Any, ignore_label: Any, n_images: int) -> np.ndarray:
    """Count images (1), labelled pixels and membrane pixels of each mask."""
    masks = encode_masks(y, ignore_label=ignore_label).masks
    if len(masks) != n_images:
        raise InvalidInputError(
            f"y must hold one mask an image of X; got {len(masks)} for {n_images} images. Give "
            "both the same length."
        )
    return np.array(
        [[1, np.count_nonzero(m != IGNORED), np.count_nonzero(m == 1)] for m in masks], dtype=float
    )


def _share_out(sums: np.ndarray, n_folds: int, *, evenly: bool) -> np.ndarray:
    """Choose a fold for each unit.

    Parameters
    ----------
    sums : ndarray of shape (n_units, 3)
        Images, labelled pixels and membrane pixels of each unit.
    n_folds : int
        Number of folds, at most that of the units.
    evenly : bool
        Whether folds get equal numbers of units, and runs of units where these do as well.

    Returns
    -------
    ndarray of shape (n_units,), int
        The fold of each unit; every fold has one at least.
    """
    n_units = len(sums)
    shares = sums / np.maximum(sums.sum(axis=0), 1)
    most = -(-n_units // n_folds) if evenly else n_units
    totals, counts = np.zeros((n_folds, 3)), np.zeros(n_folds, dtype=int)
    chosen = np.zeros(n_units, dtype=int)
    for unit in np.argsort(-sums[:, 2], kind="stable"):
        costs = np.where(counts < most, totals @ shares[unit], np.inf)
        # An empty fold costs nothing, and every unit holds an image: all folds get their first.
        chosen[unit] = k = int(np.argmin(costs))
        totals[k] += shares[unit]
        counts[k] += 1
    if evenly:
        runs = np.repeat(
            np.arange(n_folds), [len(run) for run in np.array_split(np.arange(n_units), n_folds)]
        )
        if _spread(sums, runs, n_folds) <= _spread(sums, chosen, n_folds):
            return runs
    return chosen


def _spread(sums: np.ndarray, folds: np.ndarray, n_folds: int) -> float:
    """Standard deviation over folds of the share of membrane."""
    totals = np.zeros((n_folds, 3))
    np.add.at(totals, folds, sums)
    return float(np.std(totals[:, 2] / np.maximum(totals[:, 1], 1)))

"""Splits with neighbouring slices, or copies of one slice, on both sides."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from scipy.stats import mannwhitneyu

from membseg.datasets._duplicates import fingerprint, same_images
from membseg.exceptions import DataWarning
from membseg.model_selection._folds import make_folds, takes_groups
from membseg.model_selection._stacks import stack_numbers
from membseg.utils import ImageStack, check_images, warn_user

#: Images are averaged down to at most twice this side (px) before their fingerprints are taken,
#: which have 32 px; filters of whole images would take minutes for big ones.
_SIDE = 128

#: Neighbours are alike if the hypothesis that they are as slices far apart are has less than this
#: probability (Mann and Whitney's test); then each pair counts that is more alike than this share
#: of the pairs far apart.
_LEVEL, _UNUSUAL = 0.01, 0.9

Kind = Literal["neighbours", "copies"]


@dataclass(frozen=True)
class SplitLeak:
    """Two slices on the two sides of a split that show the same cells.

    Attributes
    ----------
    fold : int
        Number of the fold, from 0.
    train, test : int
        Indices of the slice in the training part and of that in the test part.
    kind : {"neighbours", "copies"}
        Slices next to each other in a stack in which such are alike; or nearly the same image,
        perhaps turned or mirrored, anywhere.
    correlation : float
        Correlation of the two images at low resolution, as they lie: less for turned copies.
    usual : float
        Median correlation of slices far apart in their stack; nan where there are none.
    """

    fold: int
    train: int
    test: int
    kind: Kind
    correlation: float
    usual: float


def check_split_leaks(X: Any, y: Any = None, *, cv: Any, groups: Any = None) -> list[SplitLeak]:
    """Look for slices in training parts that give away slices of the test parts.

    Parameters
    ----------
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images in z order.
    y : array-like of shape (n_images, height, width), list of arrays, or None, default=None
        Masks, for splitters that ask for them.
    cv : int, splitter or iterable of (train, test)
        The split: a splitter of scikit-learn or of membseg, pairs of arrays of indices, or the
        number of blocks of a :class:`SliceBlockKFold` with ``gap=1``.
    groups : array-like of shape (n_images,) or None, default=None
        The stack that each slice belongs to; slices are neighbours within a stack only. None
        takes all slices as one stack.

    Returns
    -------
    list of SplitLeak
        Copies first, then neighbours, the most alike first; empty where nothing leaks.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `X` is no stack of images, or `cv` cannot split it.

    Notes
    -----
    Images are compared at 32 x 32 pixels. Slices next to each other count where, in the whole of
    X, such slices are more alike than slices a quarter of their stack apart: Mann and Whitney's
    one-sided test, below 0.01, which takes five slices at least. Then every pair of them counts
    that is more alike than nine tenths of the pairs far apart. Copies correlate above 0.99.

    Examples
    --------
    >>> from sklearn.model_selection import KFold
    >>> from membseg import SliceBlockKFold, make_membranes
    >>> from membseg.model_selection import check_split_leaks
    >>> X, y = make_membranes(8, 96, 96, continuity=0.8, random_state=0)
    >>> random = KFold(4, shuffle=True, random_state=0)
    >>> check_split_leaks(X, cv=random)[0].kind
    'neighbours'
    >>> check_split_leaks(X, cv=SliceBlockKFold(4, gap=1))
    []
    """
    stack_numbers(groups, len(check_images(X, finite=False)))
    # They say here which slices are neighbours, whatever the splitter does.
    folds = make_folds(cv, X, y, groups if takes_groups(cv) else None)
    return find_leaks(X, folds, groups)


def find_leaks(X: Any, folds: Sequence[tuple[Any, Any]], groups: Any) -> list[SplitLeak]:
    """Look for leaks between the parts of known folds; see :func:`check_split_leaks`."""
    stack = check_images(X, finite=False)
    small = [_shrink(np.asarray(image)) for image in stack.images]
    prints = np.stack([fingerprint(image[..., 0]).ravel() for image in small])
    alike = prints @ prints.T
    near, usual = _neighbours(alike, stack_numbers(groups, len(stack)))
    same = same_images(ImageStack(images=small, as_list=True, n_channels=1))
    kinds: list[tuple[Kind, list[tuple[int, int]]]] = [("copies", same), ("neighbours", near)]
    leaks = []
    for kind, pairs in kinds:
        found = [
            SplitLeak(k, a, b, kind, float(alike[a, b]), usual)
            for k, (train, test) in enumerate(folds)
            for a, b in _across(pairs, train, test)
        ]
        leaks += sorted(found, key=lambda leak: -leak.correlation)
    return leaks


def warn_of_leaks(X: Any, folds: Sequence[tuple[Any, Any]], groups: Any) -> None:
    """Warn at the user's line where neighbours or copies are on both sides of a fold."""
    leaks = find_leaks(X, folds, groups)
    for kind, what, advice in (
        (
            "neighbours",
            "neighbours of test slices, which show the same cells",
            f"Use cv=SliceBlockKFold(n_splits={max(2, len(folds))}, gap=1)"
            + (" with groups." if groups is not None else ", with groups for several stacks."),
        ),
        (
            "copies",
            "nearly the same as test slices, perhaps turned or mirrored",
            "Leave one of each out, or, where neighbours are so much alike, raise the gap of "
            "SliceBlockKFold.",
        ),
    ):
        found = [leak for leak in leaks if leak.kind == kind]
        if not found:
            continue
        worst, n_folds = found[0], len({leak.fold for leak in found})
        numbers = ""
        if kind == "neighbours":
            numbers = f", correlation {worst.correlation:.2f} (far apart: {worst.usual:.2f})"
        warn_user(
            f"cv leaks in {n_folds} of {len(folds)} folds, and scores will be too good: slices of "
            f"training parts are {what}, in {len(found)} pair(s); first of all "
            f"X[{worst.train}] in training and X[{worst.test}] in test{numbers}. {advice}",
            DataWarning,
        )


def _shrink(image: np.ndarray) -> np.ndarray:
    """Average channels and squares of pixels: (height, width, 1), less than 256 px a side."""
    grey = image.mean(axis=2, dtype=np.float64)
    height, width = grey.shape
    rows, columns = max(1, height // _SIDE), max(1, width // _SIDE)
    whole = grey[: height // rows * rows, : width // columns * columns]
    blocks = whole.reshape(height // rows, rows, width // columns, columns)
    return blocks.mean(axis=(1, 3))[..., np.newaxis]


def _neighbours(alike: np.ndarray, numbers: np.ndarray) -> tuple[list[tuple[int, int]], float]:
    """Find slices next to each other that are alike, and how alike slices far apart are."""
    near: list[tuple[int, int]] = []
    far: list[float] = []
    for number in range(numbers.max() + 1):
        members = np.flatnonzero(numbers == number)
        near += pairwise(members.tolist())
        first, second = np.triu_indices(len(members), k=max(2, len(members) // 4))
        far += alike[members[first], members[second]].tolist()
    if not far:
        return [], float("nan")
    usual = float(np.median(far))
    found = [alike[pair] for pair in near]
    if not mannwhitneyu(found, far, alternative="greater").pvalue < _LEVEL:
        return [], usual  # also where black images leave no number to compare
    least = np.quantile(far, _UNUSUAL)
    return [pair for pair in near if alike[pair] > least], usual


def _across(pairs: list[tuple[int, int]], train: Any, test: Any) -> list[tuple[int, int]]:
    """Give the pairs with one slice in each part, that of the training part first."""
    trains, tests = set(np.asarray(train).tolist()), set(np.asarray(test).tolist())
    both = [*pairs, *((b, a) for a, b in pairs)]
    return [(a, b) for a, b in both if a in trains and b in tests]

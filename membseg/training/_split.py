"""The part of the labelled data that training never sees, without losing whole slices."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError

#: With fewer images than this the validation part is blocks of images, not whole images.
_FEW_IMAGES = 40

#: Share of an image's area that a block takes, and the number of blocks that there are at least
#: where there are as many images. Scores of connectivity need large blocks: a gap in a membrane
#: costs little where the cells on its sides are cut off by the block's edge.
_BLOCK_SHARE, _LEAST_BLOCKS = 0.4, 4

#: Side of the largest block in pixels: looking at it must not take longer than learning.
_LARGEST_BLOCK = 1024

#: Pixels around a validation block that training leaves out as well, and the share of a side
#: that they are at most, so that small images keep something to learn from.
_MARGIN, _LARGEST_MARGIN = 8, 1 / 8


@dataclass(frozen=True)
class Block:
    """A rectangle of one image.

    Attributes
    ----------
    image : int
        Number of the image.
    rows, columns : slice
        The rectangle, in pixels.
    """

    image: int
    rows: slice
    columns: slice


@dataclass(frozen=True)
class ValidationPlan:
    """What is validated on, and what training leaves out for it.

    Attributes
    ----------
    blocks : list of Block
        Where the network is watched.
    held_out : list of Block
        Blocks and the margin around them: zero weight in training.
    """

    blocks: list[Block]
    held_out: list[Block]


def plan_validation(
    sizes: list[tuple[int, int]],
    fraction: float,
    rng: np.random.Generator,
    groups: Any = None,
    labelled: list[bool] | None = None,
) -> ValidationPlan:
    """Choose the validation part.

    Parameters
    ----------
    sizes : list of (height, width)
        The images' sizes in pixels.
    fraction : float
        Share of the data, in [0, 1); 0 gives an empty plan.
    rng : numpy.random.Generator
        Source of randomness.
    groups : array-like of shape (n_images,) or None, default=None
        Specimen of each image; whole specimens are then held out.
    labelled : list of bool or None, default=None
        Which images have labels; the others are as if they were not there, unless their group is
        held out. None: all have.

    Returns
    -------
    ValidationPlan
        With groups: whole groups. Otherwise, with fewer than 40 images: blocks of about two
        fifths of an image's area (at most 1024 px a side) at random places, in images spread
        over the stack; smaller blocks where that gives less than four (or one an image). With
        more: contiguous runs of slices, and one slice on either side of each run that is used
        for neither.

    Raises
    ------
    InvalidInputError
        If `groups` has the wrong length, or holds a single group with labels and one is to be
        held out.
    """
    usable = [i for i in range(len(sizes)) if labelled is None or labelled[i]]
    if groups is not None:
        groups = _check_groups(groups, len(sizes))
    if fraction == 0:
        return ValidationPlan([], [])
    if groups is not None:
        return _whole_groups(groups, usable, fraction, rng)
    if len(usable) < _FEW_IMAGES:
        return _blocks(sizes, usable, fraction, rng)
    return _runs(usable, fraction)


def _whole(image: int) -> Block:
    return Block(image, slice(None), slice(None))


def _check_groups(groups: Any, n_images: int) -> np.ndarray:
    groups = np.asarray(groups)
    if groups.shape != (n_images,):
        raise InvalidInputError(
            f"groups must name one group for each of the {n_images} images of X; got shape "
            f"{groups.shape}."
        )
    try:
        np.unique(groups)
    except TypeError as error:
        kinds = sorted({type(name).__name__ for name in groups})
        raise InvalidInputError(
            "groups must be all numbers or all strings, so that they can be told apart; got "
            f"{' and '.join(kinds)}."
        ) from error
    return groups


def _whole_groups(
    groups: np.ndarray, usable: list[int], fraction: float, rng: np.random.Generator
) -> ValidationPlan:
    names = rng.permutation(np.unique(groups[usable]))
    if len(names) < 2:
        raise InvalidInputError(
            "groups must hold at least two groups, one to validate on; got one with labels. Leave "
            "groups out to validate on blocks of the images."
        )
    n_held = min(max(1, round(fraction * len(names))), len(names) - 1)
    held = [_whole(i) for i in np.flatnonzero(np.isin(groups, names[:n_held])).tolist()]
    return ValidationPlan(held, held)


def _blocks(
    sizes: list[tuple[int, int]], usable: list[int], fraction: float, rng: np.random.Generator
) -> ValidationPlan:
    n_usable = len(usable)
    n_blocks = min(max(round(fraction * n_usable / _BLOCK_SHARE), _LEAST_BLOCKS), n_usable)
    # Spread over the stack, the first at a random place.
    chosen = ((np.arange(n_blocks) + rng.random()) * n_usable / n_blocks).astype(int)
    side_share = (fraction * n_usable / n_blocks) ** 0.5
    blocks, held_out = [], []
    for i in (usable[k] for k in chosen.tolist()):
        sides = [
            min(max(1, round(length * side_share)), length, _LARGEST_BLOCK) for length in sizes[i]
        ]
        starts = [int(rng.integers(n - s + 1)) for n, s in zip(sizes[i], sides, strict=True)]
        spans = list(zip(starts, sides, strict=True))
        blocks.append(Block(i, *(slice(a, a + s) for a, s in spans)))
        margins = [min(_MARGIN, int(_LARGEST_MARGIN * length)) for length in sizes[i]]
        wider = [slice(max(0, a - m), a + s + m) for (a, s), m in zip(spans, margins, strict=True)]
        held_out.append(Block(i, *wider))
    return ValidationPlan(blocks, held_out)


def _runs(usable: list[int], fraction: float) -> ValidationPlan:
    n_images = len(usable)
    n_held = max(1, round(fraction * n_images))
    n_runs = min(3, n_held)
    lengths = [n_held // n_runs + (k < n_held % n_runs) for k in range(n_runs)]
    centers = [(2 * k + 1) * n_images // (2 * n_runs) for k in range(n_runs)]
    runs = [range(c - n // 2, c - n // 2 + n) for c, n in zip(centers, lengths, strict=True)]
    held = sorted({i for run in runs for i in range(run.start - 1, run.stop + 1)})
    return ValidationPlan(
        [_whole(usable[i]) for run in runs for i in run],
        [_whole(usable[i]) for i in held if 0 <= i < n_images],
    )

"""Cells that keep their number through a stack."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.metrics._checks import check_number
from membseg.metrics._label_images import list_label_images
from membseg.metrics._overlaps import Overlaps, assign, compress, count_overlaps
from membseg.utils import restore_layout


@dataclass(frozen=True)
class SliceEvent:
    """A cell that becomes several from one slice to the next, or several that become one.

    Parameters
    ----------
    kind : {"split", "merge"}
        What happened.
    image : int
        The second one of the two slices, counted from 0.
    cell : int
        The one cell: in the slice before `image` for a split, in `image` for a merge.
    parts : tuple of int
        The several cells, in the other slice, in ascending order.
    """

    kind: str
    image: int
    cell: int
    parts: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class LinkedSlices:
    """Label images in which a number means the same cell in all slices; from :func:`link_slices`.

    Parameters
    ----------
    labels : ndarray of shape (n_images, height, width), int32, or list of such 2-D arrays
        The numbers, from 1 and without gaps in the stack; 0 where there is no cell.
    events : tuple of SliceEvent
        Splits and merges, slice by slice, with the new numbers.
    n_cells : int
        Cells of the stack.
    """

    labels: Any
    events: tuple[SliceEvent, ...]
    n_cells: int

    @property
    def splits(self) -> tuple[SliceEvent, ...]:
        """The splits among the events."""
        return tuple(event for event in self.events if event.kind == "split")

    @property
    def merges(self) -> tuple[SliceEvent, ...]:
        """The merges among the events."""
        return tuple(event for event in self.events if event.kind == "merge")

    def table(self) -> list[dict[str, Any]]:
        """Give the events as plain rows.

        Returns
        -------
        list of dict
            One row an event: "kind", "image", "cell", "parts".
        """
        return [vars(event).copy() for event in self.events]


def link_slices(labels: Any, *, min_overlap: float = 0.5) -> LinkedSlices:
    """Give cells of neighbouring slices the same number where they overlap.

    Parameters
    ----------
    labels : int array-like of shape (n_images, height, width), or list of 2-D arrays
        Label images of a stack in z order, all of one size, 0 where there is no cell.
    min_overlap : float, default=0.5
        Cells of neighbouring slices belong together if they share at least this part of the
        smaller one's pixels, in (0, 1].

    Returns
    -------
    LinkedSlices
        The stack with new numbers, and where cells split and merge.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If label images or `min_overlap` cannot be used, or slices differ in size.

    Notes
    -----
    A cell goes on in one cell of the next slice at most: of those that belong together pairs are
    chosen so that their intersections over union add up to the most. What was not chosen gets a
    number of its own. A cell that belongs together with several of the next slice is a split, one
    that does with several of the slice before is a merge. Cells are not followed over a slice in
    which they are missing.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg import link_slices
    >>> labels = np.array([[[1, 1, 1, 1, 1, 0]], [[4, 4, 4, 0, 2, 2]]])
    >>> linked = link_slices(labels)
    >>> linked.labels.tolist()
    [[[1, 1, 1, 1, 1, 0]], [[1, 1, 1, 0, 2, 2]]]
    >>> linked.splits
    (SliceEvent(kind='split', image=1, cell=1, parts=(1, 2)),)
    """
    check_number(min_overlap, "min_overlap", low=0, high=1, open_low=True)
    images = list_label_images(labels, name="labels")
    sizes = {image.shape for image in images}
    if len(sizes) > 1:
        raise InvalidInputError(
            f"labels must be slices of one size to be linked; got {sorted(sizes)}. Crop or pad "
            "them to one size."
        )
    # Numbers of the stack, for the cells of each slice in the order of their own numbers.
    ids, codes, _ = compress(images[0])
    numbers = np.arange(1, len(ids) + 1)
    n_cells = len(ids)
    linked, events = [_renumber(codes, numbers)], []
    for i in range(1, len(images)):
        part = count_overlaps(images[i - 1], images[i])
        smaller = np.minimum(part.true_areas[part.rows], part.pred_areas[part.columns])
        able = np.flatnonzero(part.shared >= min_overlap * smaller)
        new = _go_on(part, able, numbers, n_cells)
        n_cells = max(n_cells, int(new.max(initial=0)))
        rows, columns = numbers[part.rows[able]], new[part.columns[able]]
        events += _events("split", i, rows, columns) + _events("merge", i, columns, rows)
        numbers = new
        linked.append(_renumber(compress(images[i])[1], numbers))
    as_list = isinstance(labels, list | tuple)
    return LinkedSlices(restore_layout(linked, as_list=as_list), tuple(events), n_cells)


def _go_on(part: Overlaps, able: np.ndarray, numbers: np.ndarray, n_cells: int) -> np.ndarray:
    """Numbers of the next slice's cells: those of the cells that they continue, or new ones."""
    chosen = able[assign(part.rows[able], part.columns[able], part.iou[able], many=False)]
    new = np.zeros(len(part.pred_ids), np.int64)
    new[part.columns[chosen]] = numbers[part.rows[chosen]]
    fresh = new == 0
    new[fresh] = n_cells + np.arange(1, np.count_nonzero(fresh) + 1)
    return new


def _events(kind: str, image: int, ones: Iterable[int], others: Iterable[int]) -> list[SliceEvent]:
    several = defaultdict(list)
    for one, other in zip(ones, others, strict=True):
        several[int(one)].append(int(other))
    return [
        SliceEvent(kind, image, one, tuple(sorted(parts)))
        for one, parts in sorted(several.items())
        if len(parts) > 1
    ]


def _renumber(codes: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    return np.append(0, numbers).astype(np.int32)[codes]

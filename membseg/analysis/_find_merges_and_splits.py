"""Merges and splits of the cells of masks."""

import numbers
from typing import Any

import numpy as np

from membseg.analysis._events import CellEvent, Slivers, events_of, rank_events
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.metrics._checks import check_number
from membseg.metrics._label_components import find_components
from membseg.metrics._pairs import pair_masks
from membseg.utils import IGNORED


def find_merges_and_splits(
    y_true: Any,
    y_pred: Any,
    *,
    min_size: int = 20,
    min_overlap: int = 10,
    min_share: float = 0.1,
    tolerance: float = 1.0,
    membrane_label: Any = None,
    ignore_label: Any = None,
) -> list[CellEvent]:
    """Find the cells that run together in predicted masks, and those that fall apart.

    Parameters
    ----------
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values; images may differ in size.
    y_pred : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Predicted masks of the same values.
    min_size : int, default=20
        Components of fewer pixels are no cells, on either side.
    min_overlap : int, default=10
        A true and a predicted cell that share fewer pixels have nothing to do with each other.
    min_share : float, default=0.1
        Nor have those that share less than this part of the smaller one of them, in [0, 1].
    tolerance : float, default=1.0
        Nor have those that share only what lies no deeper than so many pixels in the true cell,
        since the true border is not known better; cells that are nowhere deeper are spared.
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label; neither side has a cell there.

    Returns
    -------
    list of CellEvent
        The events, those in which the largest area is lost first.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks or limits cannot be used.

    See Also
    --------
    membseg.link_slices : Cells that merge and split from slice to slice.

    Notes
    -----
    Cells are the 4-connected components of the cell pixels, numbered as by
    :func:`membseg.metrics.label_components`. A predicted cell that has enough in common with
    several true ones is a merge of these; a true one that has enough in common with several
    predicted ones is split into these. One cell can take part in both.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.analysis import find_merges_and_splits
    >>> y_true = np.zeros((1, 20, 31), int)
    >>> y_true[:, :, 10] = 1
    >>> y_pred = np.zeros_like(y_true)
    >>> y_pred[:, :, 20] = 1
    >>> for event in find_merges_and_splits(y_true, y_pred):
    ...     print(event.kind, event.area, event.true_labels, event.predicted_labels)
    merge 180 (1, 2) (1,)
    split 180 (2,) (1, 2)
    """
    slivers = check_slivers(min_overlap, min_share, tolerance)
    check_whole(min_size, "min_size")
    pairs = pair_masks(y_true, y_pred, membrane_label=membrane_label, ignore_label=ignore_label)
    events = []
    for i, (truth, guess) in enumerate(zip(pairs.truth, pairs.guess, strict=True)):
        true_cells = find_components(truth == 0, int(min_size))
        cells = find_components((guess != 1) & (truth != IGNORED), int(min_size))
        events += events_of(true_cells, cells, slivers, i)
    return rank_events(events)


def check_slivers(min_overlap: Any, min_share: Any, tolerance: Any) -> Slivers:
    """Check what makes an overlap count."""
    check_whole(min_overlap, "min_overlap")
    check_number(min_share, "min_share", low=0, high=1)
    check_number(tolerance, "tolerance", low=0)
    return Slivers(max(int(min_overlap), 1), float(min_share), float(tolerance))


def check_whole(value: Any, name: str, low: int = 0) -> None:
    """Refuse what is no whole number of at least `low`."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Integral):
        raise InvalidTypeError(f"{name} must be a whole number; got {value!r}.")
    if value < low:
        raise InvalidInputError(f"{name} must be at least {low}; got {value}.")

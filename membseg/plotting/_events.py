"""One merge or split of cells: whether it can be drawn, where its cells are, what is around it."""

from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.metrics._label_components import find_components
from membseg.plotting._colours import EVENTS
from membseg.utils import IGNORED

_NEEDED = ("kind", "image", "bbox", "area", "true_labels", "predicted_labels")
#: Pixels around the box of an event: so many, or this share of its longer side.
_MARGIN, _WIDER = 12, 0.25
#: Areas of more square nanometres are told in square micrometres.
_LARGE = 1e4


def check_event(event: Any, sizes: list[tuple[int, int]]) -> None:
    """Refuse what is no event in images of these sizes."""
    missing = [name for name in _NEEDED if not hasattr(event, name)]
    if missing:
        raise InvalidTypeError(
            f"events must have attributes {', '.join(_NEEDED)}; {type(event).__name__} lacks "
            f"{', '.join(missing)}."
        )
    if event.kind not in EVENTS:
        raise InvalidInputError(
            f"events must be of the kind 'merge' or 'split'; got {event.kind!r}."
        )
    if not 0 <= event.image < len(sizes):
        raise InvalidInputError(
            f"events must belong to images of X, 0 to {len(sizes) - 1}; got one of image "
            f"{event.image}."
        )
    top, left, bottom, right = event.bbox
    height, width = sizes[event.image]
    if not (0 <= top < bottom <= height and 0 <= left < right <= width):
        raise InvalidInputError(
            f"events must lie in their image; got the box {tuple(event.bbox)} in image "
            f"{event.image} of {height} x {width} pixels."
        )


def cells_of(event: Any, truth: tuple[Any, Any], guess: tuple[Any, Any]) -> np.ndarray:
    """Where the cells of an event are, on either side; everywhere if there are no such cells."""
    (codes, labels), (guessed, parts) = truth, guess
    if labels is None:
        labels = find_components(codes == 0)
    if parts is None:
        # Where the truth has no label there is no predicted cell, either.
        parts = find_components((guessed != 1) & (codes != IGNORED))
    cells = np.isin(labels, event.true_labels) | np.isin(parts, event.predicted_labels)
    return cells if cells.any() else np.ones_like(cells)


def walls_of(labels: np.ndarray) -> np.ndarray:
    """Membrane of a label image: what is no cell, and either side where two cells touch."""
    walls = labels == 0
    for near, far, a, b in (
        (labels[1:], labels[:-1], walls[1:], walls[:-1]),
        (labels[:, 1:], labels[:, :-1], walls[:, 1:], walls[:, :-1]),
    ):
        touch = (near != far) & (near != 0) & (far != 0)
        a |= touch
        b |= touch
    return walls.astype(np.uint8)


def cut_around(bbox: Any, shape: tuple[int, int]) -> tuple[slice, slice]:
    """A square around a box, as far as the image goes."""
    top, left, bottom, right = (int(side) for side in bbox)
    longer = max(bottom - top, right - left)
    half = longer / 2 + max(_MARGIN, _WIDER * longer)
    cuts = []
    for low, high, size in ((top, bottom, shape[0]), (left, right, shape[1])):
        side = min(round(2 * half), size)
        start = min(max(round((low + high) / 2 - half), 0), size - side)
        cuts.append(slice(start, start + side))
    return cuts[0], cuts[1]


def say_area(pixels: float, size: float | None) -> str:
    """Say an area of so many pixels, each `size` nanometres wide if that is known."""
    if size is None:
        return f"{pixels:.0f} px²"
    area = pixels * size**2
    return f"{area / 1e6:.2g} µm²" if area >= _LARGE else f"{area:.0f} nm²"

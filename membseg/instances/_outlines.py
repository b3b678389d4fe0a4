"""Outlines of cells along the edges of their pixels."""

from collections.abc import Container, Iterator

import numpy as np
from scipy import ndimage

from membseg.metrics._overlaps import compress

#: Steps to the right, down, left and up, as (column, row).
_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))

#: Column and row of the corner that it starts in, and the place of its direction in `_STEPS`.
Edge = tuple[int, int, int]


def outline_cells(labels: np.ndarray) -> Iterator[tuple[int, list[np.ndarray]]]:
    """Give the outlines of each connected part of each cell, in the order of their numbers.

    Parameters
    ----------
    labels : ndarray of shape (height, width), int
        A label image.

    Yields
    ------
    label : int
        The cell's number.
    rings : list of ndarray of shape (n_points, 2), int
        Corners as (column, row), pixel (r, c) being the square from (c, r) to (c + 1, r + 1):
        the outer ring first, clockwise on the screen, then those of holes, the other way round.
    """
    ids, codes, _ = compress(labels)
    for number, (box, label) in enumerate(
        zip(ndimage.find_objects(codes), ids.tolist(), strict=True), start=1
    ):
        parts, _ = ndimage.label(codes[box] == number)
        for i, place in enumerate(ndimage.find_objects(parts), start=1):
            corner = [box[k].start + place[k].start for k in (1, 0)]
            yield label, [ring + corner for ring in trace_rings(parts[place] == i)]


def trace_rings(inside: np.ndarray) -> list[np.ndarray]:
    """Trace the rings around a 4-connected shape and around its holes, the outer one first."""
    edges = dict.fromkeys(_edges_of(inside))
    left, rings = edges.copy(), []
    while left:
        first = edge = next(iter(left))
        ring: list[Edge] = []
        while not ring or edge != first:
            ring.append(edge)
            del left[edge]
            edge = _next_edge(edge, edges)
        # Corners are where the direction changes.
        turns = zip(ring, ring[-1:] + ring[:-1], strict=True)
        rings.append(np.array([(x, y) for (x, y, d), (_, _, before) in turns if d != before]))
    return sorted(rings, key=signed_area, reverse=True)


def signed_area(ring: np.ndarray) -> float:
    """Area inside a ring; negative where it runs the other way round."""
    x, y = ring.T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(np.roll(x, -1), y)) / 2


def _edges_of(inside: np.ndarray) -> list[Edge]:
    """Give the pixel edges between inside and outside, with inside to their right."""
    framed = np.pad(inside, 1)
    core = framed[1:-1, 1:-1]
    # Beyond the upper edge, the right, the lower and the left one, with the corner each starts in.
    beyond = (framed[:-2, 1:-1], framed[1:-1, 2:], framed[2:, 1:-1], framed[1:-1, :-2])
    starts = ((0, 0), (1, 0), (1, 1), (0, 1))
    edges = []
    for direction, (other, (x, y)) in enumerate(zip(beyond, starts, strict=True)):
        rows, columns = np.nonzero(core & ~other)
        corners = zip((columns + x).tolist(), (rows + y).tolist(), strict=True)
        edges += [(column, row, direction) for column, row in corners]
    return edges


def _next_edge(edge: Edge, edges: Container[Edge]) -> Edge:
    x, y, direction = edge
    x, y = x + _STEPS[direction][0], y + _STEPS[direction][1]
    # Where pixels touch over a corner, a turn to the right stays with the same pixel.
    turns = ((x, y, (direction + turn) % 4) for turn in (1, 0, 3))
    return next(turned for turned in turns if turned in edges)

"""The tile plan: integers only, no arrays and no network."""

from dataclasses import dataclass
from itertools import product

from membseg.exceptions import InvalidInputError


@dataclass(frozen=True)
class Span:
    """One tile along one axis, in pixels.

    Attributes
    ----------
    start, stop : int
        What the network reads.
    write_start, write_stop : int
        What the tile contributes; the writes of all spans cover the axis once.
    """

    start: int
    stop: int
    write_start: int
    write_stop: int

    @property
    def read(self) -> slice:
        """Slice of the image that goes into the network."""
        return slice(self.start, self.stop)

    @property
    def write(self) -> slice:
        """Slice of the result that this tile fills."""
        return slice(self.write_start, self.write_stop)

    @property
    def cut(self) -> slice:
        """Slice of the tile's own result that is kept."""
        return slice(self.write_start - self.start, self.write_stop - self.start)


def plan_axis(length: int, tile_size: int, halo: int, factor: int = 1) -> list[Span]:
    """Cut one axis into equal tiles whose centres cover it.

    Parameters
    ----------
    length : int
        Pixels along the axis, a multiple of `factor`.
    tile_size : int
        Pixels that the network reads at once, a multiple of `factor`. An axis that is not longer
        is one tile.
    halo : int
        Context in pixels that is read and thrown away where tiles meet. The ends of the axis
        need none.
    factor : int, default=1
        The network's total downsampling; every tile starts at a multiple of it, so that
        poolings fall on the same pixels as in the whole image.

    Returns
    -------
    list of Span
        Tiles in order; all of one size, so that a compiled network sees one shape.

    Raises
    ------
    InvalidInputError
        If `length` or `tile_size` is no multiple of `factor`, or the halo leaves no centre.
    """
    if length % factor or tile_size % factor:
        raise InvalidInputError(
            f"length and tile_size must be multiples of factor={factor}; got {length} and "
            f"{tile_size}."
        )
    if length <= tile_size:
        return [Span(0, length, 0, length)]
    stride = (tile_size - 2 * halo) // factor * factor
    if stride < factor:
        raise InvalidInputError(
            f"tile_size must be at least {2 * halo + factor} (two halos of {halo} px and one "
            f"step of {factor} px); got {tile_size}."
        )
    starts = [*range(0, length - tile_size, stride), length - tile_size]
    spans = []
    written = 0
    for start in starts:
        last = start == starts[-1]
        stop = start + tile_size
        write_stop = length if last else stop - halo
        spans.append(Span(start, stop, written, write_stop))
        written = write_stop
    return spans


def plan_tiles(
    height: int, width: int, tile_size: int, halo: int, factor: int = 1
) -> list[tuple[Span, Span]]:
    """Cut an image into tiles: every pair of a vertical and a horizontal span.

    Parameters
    ----------
    height, width : int
        Image size in pixels, multiples of `factor`.
    tile_size, halo : int
        As in :func:`plan_axis`, for both axes.
    factor : int, default=1
        The network's total downsampling.

    Returns
    -------
    list of (Span, Span)
        Vertical and horizontal span of each tile.
    """
    rows = plan_axis(height, tile_size, halo, factor)
    columns = plan_axis(width, tile_size, halo, factor)
    return list(product(rows, columns))

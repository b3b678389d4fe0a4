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


@dataclass(frozen=True)
class Tile:
    """One tile of an image, in the image's pixels.

    Attributes
    ----------
    read_rows, read_columns : slice
        What the network reads; it may reach beyond the image.
    rows, columns : slice
        What the tile contributes, inside the image.
    cut : tuple of two slices
        The part of the tile's own result that is kept.
    """

    read_rows: slice
    read_columns: slice
    rows: slice
    columns: slice
    cut: tuple[slice, slice]


def plan_axis(length: int, tile_size: int, halo: int, factor: int = 1) -> list[Span]:
    """Cut one axis into as few equal tiles as possible, as small as these can be.

    Parameters
    ----------
    length : int
        Pixels along the axis, a multiple of `factor`.
    tile_size : int
        Pixels that the network reads at once at most, a multiple of `factor`. An axis that is not
        longer is one tile.
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
    if _stride(tile_size, halo, factor) < factor:
        raise InvalidInputError(
            f"tile_size must be at least {2 * halo + factor} (two halos of {halo} px and one "
            f"step of {factor} px); got {tile_size}."
        )
    n_steps = -(-(length - tile_size) // _stride(tile_size, halo, factor))
    # The last of so many tiles would overlap the one before by more than the halos: share it out.
    size = tile_size
    while n_steps * _stride(size - factor, halo, factor) + size - factor >= length:
        size -= factor
    stride = _stride(size, halo, factor)
    starts = [*(k * stride for k in range(n_steps)), length - size]
    spans = []
    written = 0
    for start in starts:
        stop = start + size
        write_stop = length if stop == length else stop - halo
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


def plan_image(
    height: int, width: int, *, tile_size: int, halo: int, factor: int, margin: int
) -> list[Tile]:
    """Cut an image of any size, extended by reflection, into tiles.

    The image is thought of as extended by `margin` pixels on each side, and then to the right and
    downwards to a multiple of `factor`.

    Parameters
    ----------
    height, width : int
        Image size in pixels.
    tile_size, halo, factor : int
        As in :func:`plan_axis`, for both axes.
    margin : int
        Pixels around the image, a multiple of `factor`.

    Returns
    -------
    list of Tile
        Tiles, row by row; what they contribute covers the image once.
    """
    extended = [-(-(length + 2 * margin) // factor) * factor for length in (height, width)]
    tiles = []
    for row, column in plan_tiles(extended[0], extended[1], tile_size, halo, factor):
        rows, row_cut = _inside(row, margin, height)
        columns, column_cut = _inside(column, margin, width)
        # A tile may lie in the extension altogether.
        if rows.start < rows.stop and columns.start < columns.stop:
            read_rows = slice(row.start - margin, row.stop - margin)
            read_columns = slice(column.start - margin, column.stop - margin)
            tiles.append(Tile(read_rows, read_columns, rows, columns, (row_cut, column_cut)))
    return tiles


def _stride(tile_size: int, halo: int, factor: int) -> int:
    """How far apart two tiles may start, a multiple of the factor."""
    return (tile_size - 2 * halo) // factor * factor


def _inside(span: Span, margin: int, length: int) -> tuple[slice, slice]:
    """Give what a span writes inside the image, and where that lies in the tile."""
    start = min(max(span.write_start - margin, 0), length)
    stop = min(max(span.write_stop - margin, 0), length)
    first = span.start - margin
    return slice(start, stop), slice(start - first, stop - first)

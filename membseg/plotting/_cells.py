"""Cells on their slice: numbers as colours, outlines, neighbours, and what was measured."""

from collections.abc import Callable
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.instances import CellMeasurements, measure_cells
from membseg.metrics._label_images import list_label_images
from membseg.plotting._colours import ORANGE, SKY, colour_of_ids, paint_grey
from membseg.plotting._look import add_bar, make_axes, set_fonts, show_picture
from membseg.plotting._slices import check_index, grey_of, size_in_nm
from membseg.utils import check_images, check_same_sizes, import_optional, restore_layout

#: Share of colour over the slice, and brightness of a slice that is not given.
_OPAQUE, _BLANK = 0.55, 0.25
#: Width of the walls' lines of the graph, in points: of the shortest and of the longest walls.
_THIN, _THICK = 0.4, 2.2
#: Height of a slice as wide as a column of text, and of what is around it, in inches.
_SIDE, _AROUND = 3.2, 0.25
#: Height where a bar of colours takes a part of the width.
_BESIDE_BAR = 2.55
#: Percentiles of the values between which the colours of heat maps change.
_LEAST, _MOST = 2, 95


class CellsDisplay:
    """Label images on their slices: colours, outlines, the graph of neighbours, or a heat map.

    A cell's colour depends on its number alone, so that it is the same in all slices of a stack
    that was linked by :func:`membseg.link_slices`, and whatever else is drawn.

    Parameters
    ----------
    labels : int array-like of shape (n_images, height, width), or list of 2-D arrays
        Label images, 0 where there is no cell.
    X : array-like of shape (n_images, height, width[, channels]), list of arrays, or None, \
default=None
        Their images; None draws cells on a plain ground.
    measured : CellMeasurements or None, default=None
        As from :func:`membseg.measure_cells`, of the same labels. None measures the slice that is
        drawn, where it has to be.
    pixel_size : float or None, default=None
        Side of a pixel in `unit`, for a scale bar, and for what is measured here.
    unit : str, default="nm"
        Unit of `pixel_size`: "nm", "um", "mm", "angstrom", ...

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        Its figure.

    Examples
    --------
    >>> from membseg import make_membranes
    >>> from membseg.metrics import label_components
    >>> from membseg.plotting import CellsDisplay
    >>> X, y = make_membranes(1, 64, 64, random_state=0)
    >>> display = CellsDisplay(label_components(y), X, pixel_size=4.0)
    >>> display.plot("heat", column="area").ax_.get_title()
    'slice 0: area'
    """

    def __init__(
        self,
        labels: Any,
        X: Any = None,
        *,
        measured: CellMeasurements | None = None,
        pixel_size: float | None = None,
        unit: str = "nm",
    ) -> None:
        self.labels = labels
        self.X = X
        self.measured = measured
        self.pixel_size = pixel_size
        self.unit = unit

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        view: str = "labels",
        index: int = 0,
        column: str = "area",
        pixel_size: float | None = None,
        unit: str = "nm",
        ax: Any = None,
    ) -> "CellsDisplay":
        """Predict cells, and draw one slice.

        Parameters
        ----------
        estimator : segmenter
            Fitted, with ``predict_instances``, such as :class:`membseg.CellSegmenter`.
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images.
        view : {"labels", "contours", "graph", "heat"}, default="labels"
            What to draw, as in :meth:`plot`.
        index : int, default=0
            Number of the slice; negative numbers count from the end. All are predicted.
        column : str, default="area"
            What the heat map shows.
        pixel_size : float or None, default=None
            Side of a pixel in `unit`.
        unit : str, default="nm"
            Unit of `pixel_size`.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        CellsDisplay
            The display, drawn.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If images or another argument cannot be used.
        """
        labels = estimator.predict_instances(X)
        display = cls(labels, X, pixel_size=pixel_size, unit=unit)
        return display.plot(view, index=index, column=column, ax=ax)

    def plot(
        self,
        view: str = "labels",
        *,
        index: int = 0,
        column: str = "area",
        ax: Any = None,
    ) -> "CellsDisplay":
        """Draw one slice.

        Parameters
        ----------
        view : {"labels", "contours", "graph", "heat"}, default="labels"
            "labels": a colour a cell. "contours": outlines in these colours. "graph": centres of
            cells, with lines between those that share a wall, the thicker the longer it is.
            "heat": one column of the measurements as colour; the colours end at the 2nd and the
            95th percentile.
        index : int, default=0
            Number of the slice; negative numbers count from the end.
        column : str, default="area"
            A column of the cells' table, for "heat".
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self
            The display.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If label images, images, measurements or another argument cannot be used.
        MissingDependencyError
            If matplotlib is not installed.
        """
        views: dict[str, Callable[..., Any]] = {
            "labels": self._draw_labels,
            "contours": self._draw_contours,
            "graph": self._draw_graph,
            "heat": self._draw_heat,
        }
        if view not in views:
            raise InvalidInputError(f"view must be one of {', '.join(views)}; got {view!r}.")
        images = list_label_images(self.labels, name="labels")
        index = check_index(index, len(images))
        labels, grey = images[index], self._grey(images, index)
        measured = self._measure(images, index) if view in ("graph", "heat") else None
        height, width = labels.shape
        side = _BESIDE_BAR if view == "heat" else _SIDE
        ax = make_axes(ax, side * height / width + _AROUND)
        views[view](ax, labels, grey, index, measured, column)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _grey(self, images: list[np.ndarray], index: int) -> np.ndarray:
        if self.X is None:
            return np.full(images[index].shape, _BLANK)
        stack = check_images(self.X, finite=False)
        check_same_sizes(stack.sizes, [image.shape for image in images], names=("X", "labels"))
        return grey_of(stack.images[index], f"X[{index}]")

    def _measure(self, images: list[np.ndarray], index: int) -> tuple[CellMeasurements, int]:
        """Give measurements, and the number that the slice has in them."""
        if self.measured is not None:
            _check_measured(self.measured, images, index)
            return self.measured, index
        part = None
        if self.X is not None:
            stack = check_images(self.X, finite=False)
            shown = [np.asarray(stack.images[index]).astype(np.float64).mean(axis=2)]
            part = restore_layout(shown, as_list=True)
        found = measure_cells([images[index]], part, pixel_size=self.pixel_size, unit=self.unit)
        return found, 0

    def _show(self, ax: Any, picture: np.ndarray, title: str) -> None:
        show_picture(ax, picture, title, size_in_nm(self.pixel_size, self.unit))

    def _draw_labels(
        self, ax: Any, labels: np.ndarray, grey: np.ndarray, index: int, *_: Any
    ) -> None:
        ids, places = np.unique(labels, return_inverse=True)
        colours = colour_of_ids(ids)[places.reshape(labels.shape)]
        picture = paint_grey(grey)
        cell = labels != 0
        picture[cell] = _OPAQUE * colours[cell] + (1 - _OPAQUE) * picture[cell]
        self._show(ax, picture, f"slice {index}: {_say_cells(labels)}")

    def _draw_contours(
        self, ax: Any, labels: np.ndarray, grey: np.ndarray, index: int, *_: Any
    ) -> None:
        self._show(ax, paint_grey(grey), f"slice {index}: {_say_cells(labels)}")
        ids = np.unique(labels[labels != 0])
        for cell, colour in zip(ids, colour_of_ids(ids), strict=True):
            rows, columns = np.nonzero(labels == cell)
            top, left = rows.min() - 1, columns.min() - 1
            # A frame of one pixel closes outlines at the edge of the image.
            part = np.zeros((rows.max() - top + 2, columns.max() - left + 2))
            part[rows - top, columns - left] = 1
            across, down = np.arange(part.shape[1]) + left, np.arange(part.shape[0]) + top
            ax.contour(across, down, part, levels=[0.5], colors=[colour], linewidths=1)

    def _draw_graph(
        self,
        ax: Any,
        labels: np.ndarray,
        grey: np.ndarray,
        index: int,
        measured: tuple[CellMeasurements, int],
        column: str,
    ) -> None:
        lines = import_optional("matplotlib.collections", extra="plot", purpose="Drawing")
        found, number = measured
        cells, walls = found.cells, found.junctions
        of_cells, of_walls = cells["image"] == number, walls["image"] == number
        ids = cells["cell"][of_cells].tolist()
        centres = np.stack([cells["column"][of_cells], cells["row"][of_cells]], axis=1)
        place = dict(zip(ids, centres, strict=True))
        ends = zip(walls["cell"][of_walls], walls["neighbour"][of_walls], strict=True)
        segments = [(place[int(a)], place[int(b)]) for a, b in ends]
        self._show(
            ax,
            paint_grey(grey),
            f"slice {index}: {_say(len(ids), 'cell')}, {_say(len(segments), 'wall')}",
        )
        if segments:
            length = walls["length"][of_walls]
            widths = _THIN + (_THICK - _THIN) * length / length.max()
            ax.add_collection(lines.LineCollection(segments, colors=ORANGE, linewidths=widths))
        ax.plot(*centres.T, "o", color=SKY, markersize=3.5, markeredgecolor="black",
                markeredgewidth=0.4)  # fmt: skip
        ax.set(xlim=(-0.5, labels.shape[1] - 0.5), ylim=(labels.shape[0] - 0.5, -0.5))

    def _draw_heat(
        self,
        ax: Any,
        labels: np.ndarray,
        grey: np.ndarray,
        index: int,
        measured: tuple[CellMeasurements, int],
        column: str,
    ) -> None:
        found, number = measured
        if column not in found.cells.columns:
            raise InvalidInputError(
                f"column must be one of the cells' table, {', '.join(found.cells.columns)}; got "
                f"{column!r}."
            )
        rows = found.cells["image"] == number
        ids = found.cells["cell"][rows]
        values = np.full(int(max(labels.max(), ids.max(initial=0))) + 1, np.nan)
        values[ids] = found.cells[column][rows].astype(np.float64)
        self._show(ax, paint_grey(grey), f"slice {index}: {column.replace('_', ' ')}")
        painted = np.ma.masked_invalid(values[labels])
        shown = ax.imshow(painted, cmap="cividis", interpolation="nearest")
        extend = _limit(shown, values[np.isfinite(values)])
        unit = found.cells.units.get(column, "")
        name = column.replace("_", " ")
        add_bar(ax, shown, f"{name} ({unit})" if unit else name, extend)
        set_fonts(ax)


def _limit(shown: Any, values: np.ndarray) -> str:
    """Keep a few very large cells from taking all colours; says where values lie beyond them."""
    if not values.size:
        return "neither"
    low, high = np.percentile(values, [_LEAST, _MOST])
    if low == high:
        low, high = values.min(), values.max()
    shown.set_clim(low, high)
    beyond = (bool(values.min() < low), bool(values.max() > high))
    return {(False, False): "neither", (True, False): "min", (False, True): "max"}.get(
        beyond, "both"
    )


def _say_cells(labels: np.ndarray) -> str:
    return _say(int(np.count_nonzero(np.unique(labels))), "cell")


def _say(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _check_measured(measured: CellMeasurements, images: list[np.ndarray], index: int) -> None:
    """Refuse the measurements of other cells."""
    there = set(np.unique(images[index]).tolist()) - {0}
    known = set(measured.cells["cell"][measured.cells["image"] == index].tolist())
    if there != known:
        raise InvalidInputError(
            f"measured must be of the cells in labels; of slice {index} it holds {len(known)} "
            f"cells and labels {len(there)}, and not the same ones."
        )

"""A quality report as a picture: what is unusual about which image."""

import textwrap
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.plotting._colours import BLUE, VERMILLION
from membseg.plotting._look import SMALL_FONT, add_bar, make_axes, set_fonts
from membseg.quality import QualityTable, quality_report
from membseg.quality._measures import MEASURES
from membseg.utils import import_optional

#: Heights of a row of the strip, of what is around it, of a line of text, and of the strip and
#: its surroundings at least, in inches.
_ROW, _AROUND, _LINE, _LEAST = 0.115, 0.55, 0.12, 1.4
#: Letters in a line of reasons; lines at most, and reasons of an image at most.
_LETTERS, _MOST_LINES, _MOST_FLAGS = 64, 16, 3
#: About so many images get their number.
_NUMBERS = 20


class QualityDisplay:
    """How far each image is from what is usual, measure by measure, and why images are flagged.

    A row is a measure, a column an image; the colour is the distance in standard deviations.
    Triangles mark what is too far off on a side that is a bad sign, upwards for too high.

    Parameters
    ----------
    table : QualityTable
        As from :func:`membseg.quality_report`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        Its figure.

    Examples
    --------
    >>> from membseg import make_membranes
    >>> from membseg.plotting import QualityDisplay
    >>> X, y = make_membranes(4, 64, 64, random_state=0)
    >>> display = QualityDisplay.from_predictions(X, y)
    >>> display.ax_.get_xlabel()
    'image'
    """

    def __init__(self, table: QualityTable) -> None:
        self.table = table

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, *, ax: Any = None, **options: Any
    ) -> "QualityDisplay":
        """Predict, measure and draw.

        Parameters
        ----------
        estimator : segmenter
            Fitted; a pipeline or search around one will do.
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        **options : object
            Further arguments of :func:`membseg.quality_report`.

        Returns
        -------
        QualityDisplay
            The display, drawn.
        """
        return cls(quality_report(estimator, X, **options)).plot(ax=ax)

    @classmethod
    def from_predictions(
        cls, X: Any, y_pred: Any, *, ax: Any = None, **options: Any
    ) -> "QualityDisplay":
        """Measure masks and draw.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images.
        y_pred : array-like of shape (n_images, height, width) or list of (height, width) arrays
            Masks of two values.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        **options : object
            Further arguments of :func:`membseg.quality_report`.

        Returns
        -------
        QualityDisplay
            The display, drawn.
        """
        return cls(quality_report(None, X, masks=y_pred, **options)).plot(ax=ax)

    def plot(
        self, *, z_limit: float = 3.0, reasons: bool | None = None, ax: Any = None
    ) -> "QualityDisplay":
        """Draw the strip, and the reasons below it.

        Parameters
        ----------
        z_limit : float, default=3.0
            Values further off than so many standard deviations are marked, on the sides that are
            bad signs; that of the report. Colours end at twice this.
        reasons : bool or None, default=None
            Whether flags are written below as sentences. There is no room for them in Axes of the
            caller's; None writes them where a figure is made.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self
            The display.

        Raises
        ------
        InvalidInputError
            If the table has nothing that is compared with what is usual, `z_limit` is not above
            0, or `reasons` are asked for in the caller's Axes.
        MissingDependencyError
            If matplotlib is not installed.
        """
        if not z_limit > 0:
            raise InvalidInputError(f"z_limit must be above 0; got {z_limit!r}.")
        if reasons and ax is not None:
            raise InvalidInputError(
                "reasons must be False or None where ax is given, since they are written below "
                "the Axes; got True. Leave ax out, or print the table."
            )
        names = [name for name in MEASURES if f"{name}_z" in self.table.columns]
        if not names:
            raise InvalidInputError(
                "table must have columns that are compared with what is usual; got none. Give "
                "quality_report a reference, or more images."
            )
        lines = [] if ax is not None or reasons is False else self._reasons()
        height = max(_LEAST, _AROUND + _ROW * len(names))
        below = _LINE * (len(lines) + 1) if lines else 0.0
        is_own = ax is None
        ax = make_axes(ax, height + below)
        self._draw_strip(ax, names, z_limit)
        if is_own and lines:
            share = below / (height + below)
            ax.figure.get_layout_engine().set(rect=(0, share, 1, 1 - share))
            ax.figure.text(0.02, share, "\n".join(lines), va="top", fontsize=SMALL_FONT)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _reasons(self) -> list[str]:
        """Lines that say what is wrong, images with most flags first."""
        by_number = {row["image"]: row["flags"] for row in self.table}
        lines: list[str] = []
        for number in self.table.outliers:
            flags = by_number[number]
            more = len(flags) - _MOST_FLAGS
            shown = flags[:_MOST_FLAGS] + [f"and {more} more"] * (more > 0)
            text = f"{number}: {'; '.join(shown)}"
            lines += textwrap.wrap(text, _LETTERS, subsequent_indent="    ")
        if not lines:
            return ["No image is flagged."]
        if len(lines) > _MOST_LINES:
            lines = [*lines[: _MOST_LINES - 1], "... more in the table"]
        return lines

    def _draw_strip(self, ax: Any, names: list[str], z_limit: float) -> None:
        rows = self.table.rows
        z = np.array([[row.get(f"{name}_z", np.nan) for row in rows] for name in names], float)
        most = 2 * z_limit
        shown = ax.imshow(
            z, cmap=_diverging(), vmin=-most, vmax=most, aspect="auto", interpolation="nearest"
        )
        for row, name in enumerate(names):
            bad = MEASURES[name].bad
            _mark(ax, row, z[row] > z_limit if bad != "low" else None, "^")
            _mark(ax, row, z[row] < -z_limit if bad != "high" else None, "v")
        every = max(1, -(-len(rows) // _NUMBERS))
        places = np.arange(0, len(rows), every)
        ax.set_xticks(places, [str(rows[i]["image"]) for i in places])
        ax.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
        ax.set_xlabel("image")
        ax.spines[:].set_visible(False)
        set_fonts(ax)
        ax.tick_params(length=0)
        ax.tick_params(axis="y", labelsize=SMALL_FONT)
        add_bar(ax, shown, "distance (s.d.)")


def _mark(ax: Any, row: int, where: np.ndarray | None, marker: str) -> None:
    if where is not None and where.any():
        columns = np.flatnonzero(where)
        style = {"markersize": 3.5, "markeredgewidth": 0.4, "markeredgecolor": "white"}
        ax.plot(columns, np.full(len(columns), row), marker, color="black", **style)


def _diverging() -> Any:
    """Blue for low, white for usual, vermillion for high; grey where nothing could be measured."""
    colours = import_optional("matplotlib.colors", extra="plot", purpose="Drawing")
    listed = colours.LinearSegmentedColormap.from_list("distance", [BLUE, "white", VERMILLION])
    return listed.with_extremes(bad="0.8")

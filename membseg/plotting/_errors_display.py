"""Where wrong pixels are: near the image's edge, in thin membrane, in the dark, in which slice."""

from typing import Any

import numpy as np

from membseg.analysis import Analysis, analyse
from membseg.exceptions import InvalidInputError
from membseg.plotting._colours import BLACK, BLUE, VERMILLION
from membseg.plotting._look import SMALL_FONT, make_panels, open_frame

#: Table -> label of the axis.
_PANELS = {
    "border": "distance from the edge (px)",
    "thickness": "thickness (px)",
    "brightness": "brightness around (s.d.)",
    "z": "image",
}

#: Share -> name, colour and marker.
_LINES = {
    "missed": ("missed membrane", VERMILLION, "o"),
    "invented": ("invented membrane", BLUE, "s"),
    "error": ("all wrong", BLACK, "^"),
}


class ErrorsDisplay:
    """Shares of wrong pixels, by where they are.

    Parameters
    ----------
    analysis : Analysis
        As from :func:`membseg.analyse`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the first panel was drawn.
    axs_ : list of matplotlib Axes
        The four panels.
    figure_ : matplotlib Figure
        Their figure.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, make_membranes
    >>> from membseg.plotting import ErrorsDisplay
    >>> X, y = make_membranes(4, 48, 48, random_state=0)
    >>> segmenter = ThresholdSegmenter().fit(X[:2], y[:2])
    >>> display = ErrorsDisplay.from_estimator(segmenter, X[2:], y[2:], n_resamples=50)
    >>> display.axs_[-1].get_xlabel()
    'image'
    """

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, ax: Any = None, **options: Any
    ) -> "ErrorsDisplay":
        """Analyse and draw.

        Parameters
        ----------
        estimator : segmenter
            Fitted; a pipeline or search around one will do.
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images.
        y : array-like of shape (n_images, height, width) or list of (height, width) arrays
            True masks.
        ax : matplotlib Axes, sequence of them, or None, default=None
            Where to draw, as in :meth:`plot`.
        **options : object
            Further arguments of :func:`membseg.analyse`.

        Returns
        -------
        ErrorsDisplay
            The display, drawn.
        """
        return cls(analyse(estimator, X, y, **options)).plot(ax=ax)

    def plot(self, *, by: str | None = None, ax: Any = None) -> "ErrorsDisplay":
        """Draw one panel or all four.

        Parameters
        ----------
        by : {"border", "thickness", "brightness", "z"} or None, default=None
            By what; None takes all.
        ax : matplotlib Axes, sequence of them, or None, default=None
            Where to draw: one, which is divided among the panels, or one a panel; None makes a
            figure.

        Returns
        -------
        self
            The display.

        Raises
        ------
        InvalidInputError
            If `by` is unknown, or `ax` holds another number of Axes.
        MissingDependencyError
            If matplotlib is not installed.
        """
        if by is not None and by not in _PANELS:
            raise InvalidInputError(f"by must be one of {', '.join(_PANELS)}; got {by!r}.")
        names = list(_PANELS) if by is None else [by]
        axs = make_panels(ax, len(names), n_columns=2, ratio=0.8)
        for panel, name in zip(axs, names, strict=True):
            self._draw(panel, self.analysis.errors[name], name)
        look = {"frameon": False, "fontsize": SMALL_FONT, "ncols": 1 if by else 3}
        look |= {"columnspacing": 1.0, "handlelength": 1.5}
        if ax is None:
            handles, labels = axs[0].get_legend_handles_labels()
            axs[0].figure.legend(handles, labels, loc="outside lower center", **look)
        else:
            axs[0].legend(**look)
        self.axs_, self.ax_, self.figure_ = list(axs), axs[0], axs[0].figure
        return self

    def _draw(self, ax: Any, rows: Any, name: str) -> None:
        # Distances from the edge double from bin to bin: a place a bin. The rest lies where it is.
        even = name == "border"
        places = np.arange(len(rows)) if even else [(r["low"] + r["high"]) / 2 for r in rows]
        # At true membrane nothing can be invented, and all that is wrong is missed.
        lines = ("missed",) if name == "thickness" else tuple(_LINES)
        for column in lines:
            label, colour, marker = _LINES[column]
            values = [100 * row[column] for row in rows]
            ax.plot(places, values, marker=marker, color=colour, label=label,
                    markersize=3, linewidth=1)  # fmt: skip
        if even:
            bounds = [*(row["low"] for row in rows), rows[-1]["high"]]
            ax.set_xticks(np.arange(len(bounds)) - 0.5, [f"{bound:.0f}" for bound in bounds])
        elif name == "z":
            ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set(xlabel=_PANELS[name], ylabel="share (%)")
        ax.set_ylim(bottom=0)
        if not even:
            ax.set_xticks(_inside(ax.get_xticks(), ax.get_xlim()))
        ax.set_yticks(_inside(ax.get_yticks(), ax.get_ylim()))
        open_frame(ax)


def _inside(ticks: Any, limits: tuple[float, float]) -> list[float]:
    """Leave out ticks beyond an axis, which are not drawn but need room."""
    low, high = limits
    return [float(tick) for tick in ticks if low <= tick <= high]

"""What a segmenter's probabilities can tell apart, whatever the threshold."""

from typing import Any

from membseg.analysis import Analysis, analyse
from membseg.exceptions import InvalidInputError
from membseg.plotting._colours import BLUE, VERMILLION
from membseg.plotting._look import FONT, make_panels, open_frame

#: Ticks of both axes.
_TICKS = (0.0, 0.5, 1.0)


class CurvesDisplay:
    """Receiver operating characteristic, and precision against recall, over pixels.

    Parameters
    ----------
    analysis : Analysis
        As from :func:`membseg.analyse`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the first curve was drawn.
    axs_ : list of matplotlib Axes
        Both.
    figure_ : matplotlib Figure
        Their figure.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, make_membranes
    >>> from membseg.plotting import CurvesDisplay
    >>> X, y = make_membranes(4, 48, 48, random_state=0)
    >>> segmenter = ThresholdSegmenter().fit(X[:2], y[:2])
    >>> display = CurvesDisplay.from_estimator(segmenter, X[2:], y[2:], n_resamples=50)
    >>> [ax.get_xlabel() for ax in display.axs_]
    ['cell called membrane', 'membrane found (recall)']
    """

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, ax: Any = None, **options: Any
    ) -> "CurvesDisplay":
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
        CurvesDisplay
            The display, drawn.
        """
        return cls(analyse(estimator, X, y, **options)).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> "CurvesDisplay":
        """Draw both curves, and where the segmenter's own threshold lies on them.

        Parameters
        ----------
        ax : matplotlib Axes, sequence of them, or None, default=None
            Where to draw: one, which is divided, or two; None makes a figure.

        Returns
        -------
        self
            The display.

        Raises
        ------
        InvalidInputError
            If there is no curve, since the truth is of one class, or `ax` holds another number of
            Axes.
        MissingDependencyError
            If matplotlib is not installed.
        """
        found = self.analysis
        if not found.curves["roc"]:
            raise InvalidInputError(
                "analysis must have curves; the truth that it was made with is of one class. Give "
                "masks with membrane and cell."
            )
        axs = make_panels(ax, 2, n_columns=2)
        # Nothing is called membrane where the threshold is above all probabilities.
        start = {"false_positive_rate": 0.0, "true_positive_rate": 0.0}
        self._draw(
            axs[0], [start, *found.curves["roc"]], "false_positive_rate", "true_positive_rate",
            f"area under the curve {found['roc_auc']:.3f}",
        )  # fmt: skip
        axs[0].set(xlabel="cell called membrane", ylabel="membrane found")
        self._draw(
            axs[1], found.curves["precision_recall"], "recall", "precision",
            f"mean precision {found['average_precision']:.3f}",
        )  # fmt: skip
        axs[1].set(xlabel="membrane found (recall)", ylabel="right (precision)")
        places = (
            (axs[0], 1 - found["specificity"], found["recall"], "lower right"),
            (axs[1], found["recall"], found["precision"], "lower left"),
        )
        for panel, x, y, corner in places:
            panel.plot([x], [y], "o", color=VERMILLION, markersize=4, label=self._own_name())
            panel.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
            panel.set(xticks=_TICKS, yticks=_TICKS)
            panel.legend(frameon=False, fontsize=FONT, loc=corner, handlelength=1.0)
            open_frame(panel)
        self.axs_, self.ax_, self.figure_ = list(axs), axs[0], axs[0].figure
        return self

    def _draw(self, ax: Any, rows: Any, x: str, y: str, label: str) -> None:
        points = [row[x] for row in rows], [row[y] for row in rows]
        ax.plot(*points, color=BLUE, linewidth=1.2)
        ax.set_title(label, fontsize=FONT)

    def _own_name(self) -> str:
        threshold = self.analysis.threshold
        return "its masks" if threshold != threshold else f"threshold {threshold:.3g}"

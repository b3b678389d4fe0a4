"""Candidates side by side, fold by fold."""

from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.metrics import SCORERS
from membseg.model_selection import SegmenterComparison
from membseg.utils import import_optional


class ComparisonDisplay:
    """Every fold of every candidate as a point, the best candidate on top.

    Parameters
    ----------
    comparison : SegmenterComparison
        What :func:`membseg.compare_segmenters` found.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        Its figure.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, compare_segmenters, make_membranes
    >>> from membseg.plotting import ComparisonDisplay
    >>> X, y = make_membranes(6, 48, 48, random_state=0)
    >>> candidates = {"sharp": ThresholdSegmenter(sigma=0), "smooth": ThresholdSegmenter(sigma=2)}
    >>> found = compare_segmenters(candidates, X, y, cv=3, scoring=["iou", "ece"])
    >>> display = ComparisonDisplay(found).plot("iou")
    >>> display.ax_.get_xlabel()
    'iou'
    """

    def __init__(self, comparison: SegmenterComparison) -> None:
        self.comparison = comparison

    def plot(self, score: str | None = None, *, ax: Any = None) -> "ComparisonDisplay":
        """Draw one score.

        Parameters
        ----------
        score : str or None, default=None
            One of those compared; None takes the one that ranks.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self
            The display.

        Raises
        ------
        InvalidInputError
            If `score` was not compared.
        MissingDependencyError
            If matplotlib is not installed.
        """
        names = self.comparison.scoring
        score = names[0] if score is None else score
        if score not in names:
            raise InvalidInputError(
                f"score must be one of those compared, {', '.join(names)}; got {score!r}. Add it "
                "to scoring in compare_segmenters."
            )
        if ax is None:
            pyplot = import_optional("matplotlib.pyplot", extra="plot", purpose="Drawing")
            _, ax = pyplot.subplots(layout="constrained")
        candidates = self.comparison.ranking[::-1]
        for row, name in enumerate(candidates):
            values = self.comparison.scores[name][score]
            ax.plot(values, np.full(len(values), row), "o", color="tab:blue", alpha=0.5)
            ax.plot(np.mean(values), row, "|", color="black", markersize=16, markeredgewidth=2)
        for name, figures in self.comparison.context.items():
            if score in figures:
                ax.axvline(figures[score], color="0.6", linestyle="--", linewidth=1)
                ax.annotate(
                    name,
                    (figures[score], 0),
                    xycoords=("data", "axes fraction"),
                    xytext=(-3, 4),
                    textcoords="offset points",
                    rotation=90,
                    ha="right",
                    color="0.4",
                    fontsize="small",
                )
        ax.set_yticks(range(len(candidates)), candidates)
        ax.set_xlabel(score if SCORERS[score].sign > 0 else f"{score} (lower is better)")
        ax.spines[["top", "right"]].set_visible(False)
        self.ax_, self.figure_ = ax, ax.figure
        return self

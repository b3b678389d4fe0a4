"""What probabilities say, against what is true."""

from typing import Any

import numpy as np

from membseg.calibration import ReliabilityTable, reliability_table
from membseg.plotting._estimators import predict_maps
from membseg.utils import import_optional


class ReliabilityDisplay:
    """Share of membrane against predicted probability, over bars of the pixels' shares.

    Parameters
    ----------
    table : ReliabilityTable
        As from :func:`membseg.calibration.reliability_table`.
    name : str or None, default=None
        Whose probabilities they are.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        Its figure.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, make_membranes
    >>> from membseg.plotting import ReliabilityDisplay
    >>> X, y = make_membranes(4, 48, 48, random_state=0)
    >>> segmenter = ThresholdSegmenter().fit(X[:2], y[:2])
    >>> display = ReliabilityDisplay.from_estimator(segmenter, X[2:], y[2:])
    >>> display.ax_.get_xlabel()
    'predicted membrane probability'
    """

    def __init__(self, table: ReliabilityTable, *, name: str | None = None) -> None:
        self.table = table
        self.name = name

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_prob: Any,
        *,
        name: str | None = None,
        ax: Any = None,
        **options: Any,
    ) -> "ReliabilityDisplay":
        """Count and draw.

        Parameters
        ----------
        y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
            True masks of two values.
        y_prob : float array-like of shape (n_images, height, width) or list of arrays
            Maps of membrane probability in [0, 1].
        name : str or None, default=None
            Whose probabilities they are.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        **options : object
            Further arguments of :func:`membseg.calibration.reliability_table`.

        Returns
        -------
        ReliabilityDisplay
            The display, drawn.
        """
        return cls(reliability_table(y_true, y_prob, **options), name=name).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        name: str | None = None,
        ax: Any = None,
        **options: Any,
    ) -> "ReliabilityDisplay":
        """Predict, count and draw.

        Parameters
        ----------
        estimator : segmenter
            Fitted.
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images.
        y : array-like of shape (n_images, height, width) or list of (height, width) arrays
            True masks.
        name : str or None, default=None
            Name of the curve; None takes that of the estimator's class.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        **options : object
            Further arguments of :func:`membseg.calibration.reliability_table`.

        Returns
        -------
        ReliabilityDisplay
            The display, drawn.
        """
        maps, labels = predict_maps(estimator, X)
        name = type(estimator).__name__ if name is None else name
        return cls.from_predictions(y, maps, name=name, ax=ax, **(labels | options))

    def plot(self, *, ax: Any = None, name: str | None = None) -> "ReliabilityDisplay":
        """Draw the table.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        name : str or None, default=None
            Name of the curve; None takes the display's own.

        Returns
        -------
        self
            The display.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        """
        if ax is None:
            pyplot = import_optional("matplotlib.pyplot", extra="plot", purpose="Drawing")
            _, ax = pyplot.subplots(layout="constrained")
        table, name = self.table, self.name if name is None else name
        error = f"calibration error {table.expected_error:.3f}"
        label = error if name is None else f"{name}, {error}"
        filled = np.flatnonzero(table.shares > 0)
        (line,) = ax.plot(table.predicted[filled], table.observed[filled], "o-", label=label)
        ax.bar(
            table.edges[:-1],
            table.shares,
            np.diff(table.edges),
            align="edge",
            color=line.get_color(),
            alpha=0.15,
        )
        ax.plot([0, 1], [0, 1], color="0.7", linewidth=1, zorder=0)
        ax.set(
            xlabel="predicted membrane probability",
            ylabel="share of membrane; bars: share of pixels",
            xlim=(0, 1),
            ylim=(0, 1),
        )
        ax.legend(frameon=False, loc="upper left")
        ax.spines[["top", "right"]].set_visible(False)
        self.ax_, self.figure_ = ax, ax.figure
        return self

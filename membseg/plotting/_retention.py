"""Error against the share of pixels kept, the surest first."""

from typing import Any

from membseg.calibration import RetentionCurve
from membseg.utils import import_optional


class RetentionCurveDisplay:
    """Share of wrong pixels against the share of pixels kept, the surest first.

    Parameters
    ----------
    curve : RetentionCurve
        As from :func:`membseg.calibration.retention_curve`.
    name : str or None, default=None
        Whose doubt it is.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        Its figure.

    Examples
    --------
    >>> from membseg import RidgeSegmenter, make_membranes
    >>> from membseg.calibration import predict_uncertainty, retention_curve
    >>> from membseg.plotting import RetentionCurveDisplay
    >>> X, y = make_membranes(2, 48, 48, random_state=0)
    >>> doubt = predict_uncertainty(RidgeSegmenter().fit(X, y), X)
    >>> curve = retention_curve(y, doubt.probability, doubt.total)
    >>> RetentionCurveDisplay(curve, name="entropy").plot().ax_.get_xlabel()
    'share of pixels kept, the surest first'
    """

    def __init__(self, curve: RetentionCurve, *, name: str | None = None) -> None:
        self.curve = curve
        self.name = name

    def plot(self, *, ax: Any = None) -> "RetentionCurveDisplay":
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure. Several displays can share it.

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
        found = f"finds wrong pixels with AUROC {self.curve.error_auc:.3f}"
        label = found if self.name is None else f"{self.name}: {found}"
        ax.plot(self.curve.kept, self.curve.errors, label=label)
        ax.set(xlabel="share of pixels kept, the surest first", ylabel="share of wrong pixels")
        ax.set(xlim=(0, 1))
        ax.set_ylim(bottom=0)
        ax.legend(frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
        self.ax_, self.figure_ = ax, ax.figure
        return self

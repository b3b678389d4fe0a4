"""What matters, and how sure that is."""

from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.plotting._colours import SKY
from membseg.plotting._look import make_axes, open_frame

#: Heights of a bar and of what is below the bars, in inches; bars unless asked for more.
_ROW, _AROUND, _MOST = 0.16, 0.5, 20


class ImportanceDisplay:
    """Means as bars, the largest on top, with one standard deviation to either side.

    Parameters
    ----------
    importance : object
        With attributes `names` (n str), `mean` and `std` (ndarray of shape (n,)); `std` may be
        None. Such as from :func:`membseg.inspection.property_importance`.
    label : str or None, default=None
        What the numbers are; None takes the fall of the score, named where `importance` has an
        attribute `scoring`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        Its figure.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from membseg.plotting import ImportanceDisplay
    >>> found = SimpleNamespace(names=["noise", "blur"], mean=[0.1, 0.4], std=[0.02, 0.03])
    >>> display = ImportanceDisplay(found).plot()
    >>> [text.get_text() for text in display.ax_.get_yticklabels()]
    ['blur', 'noise']
    """

    def __init__(self, importance: Any, *, label: str | None = None) -> None:
        self.importance = importance
        self.label = label

    def plot(self, *, max_names: int = _MOST, ax: Any = None) -> "ImportanceDisplay":
        """Draw the bars.

        Parameters
        ----------
        max_names : int, default=20
            At most so many bars are drawn, the largest.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self
            The display.

        Raises
        ------
        InvalidInputError
            If there is no name, or names, means and deviations differ in number.
        InvalidTypeError
            If `importance` lacks one of them.
        MissingDependencyError
            If matplotlib is not installed.
        """
        names, mean, std = self._numbers()
        if max_names < 1:
            raise InvalidInputError(f"max_names must be at least 1; got {max_names!r}.")
        # Bars that could not be measured come last.
        order = np.argsort(-mean, kind="stable")[:max_names]
        rows = np.arange(len(order))
        ax = make_axes(ax, _AROUND + _ROW * len(order))
        ax.barh(rows, mean[order], height=0.7, color=SKY, edgecolor="0.3", linewidth=0.5)
        if std is not None:
            ax.errorbar(
                mean[order], rows, xerr=std[order], fmt="none", ecolor="black", elinewidth=0.8,
                capsize=2,
            )  # fmt: skip
        ax.axvline(0, color="black", linewidth=0.8)
        ax.set_yticks(rows, [names[i] for i in order])
        ax.set_ylim(len(order) - 0.5, -0.5)
        label = self.label or f"fall of {getattr(self.importance, 'scoring', 'the score')}"
        ax.set_xlabel(label if std is None else f"{label} (mean ± s.d.)")
        open_frame(ax)
        ax.tick_params(axis="y", length=0)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _numbers(self) -> tuple[list[str], np.ndarray, np.ndarray | None]:
        missing = [name for name in ("names", "mean", "std") if not hasattr(self.importance, name)]
        if missing:
            raise InvalidTypeError(
                "importance must have attributes names, mean and std; "
                f"{type(self.importance).__name__} lacks {', '.join(missing)}."
            )
        names = [str(name) for name in self.importance.names]
        mean = np.asarray(self.importance.mean, dtype=np.float64)
        std = self.importance.std
        std = None if std is None else np.asarray(std, dtype=np.float64)
        shapes = [mean.shape] if std is None else [mean.shape, std.shape]
        if not names or any(shape != (len(names),) for shape in shapes):
            raise InvalidInputError(
                "importance must hold a mean and a standard deviation for each of its names, at "
                f"least one; got {len(names)} names and shapes {', '.join(map(str, shapes))}."
            )
        return names, mean, std

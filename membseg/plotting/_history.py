"""How a network learnt, epoch by epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.utils.validation import check_is_fitted

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.plotting._colours import BLUE, GREEN, PURPLE, VERMILLION
from membseg.plotting._look import FONT, make_panels, open_frame
from membseg.utils import innermost

#: Height of a panel over its width.
_RATIO = 0.42
#: Column -> name in the legend, colour and line.
_LOSSES = {"loss": ("training", BLUE, "-"), "val_loss": ("validation", VERMILLION, "--")}


class HistoryDisplay:
    """Losses of training and validation, the epoch that was kept, scores and learning rate.

    Parameters
    ----------
    history : list of dict
        A row an epoch, such as ``history_`` of a segmenter: "epoch", "loss", and where they are
        there "val_loss", further ones such as "val_iou", and "learning_rate".
    best_epoch : int or None, default=None
        The epoch whose weights were kept, from 1.
    name : str or None, default=None
        What was trained; the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the losses were drawn.
    axs_ : list of matplotlib Axes
        Losses, and where there are some, scores and learning rate.
    figure_ : matplotlib Figure
        Their figure.

    Examples
    --------
    >>> from membseg.plotting import HistoryDisplay
    >>> history = [
    ...     {"epoch": 1, "loss": 0.6, "val_loss": 0.7},
    ...     {"epoch": 2, "loss": 0.3, "val_loss": 0.4},
    ... ]
    >>> display = HistoryDisplay(history, best_epoch=2).plot()
    >>> display.ax_.get_ylabel()
    'loss'
    """

    def __init__(
        self,
        history: Sequence[Mapping[str, float]],
        *,
        best_epoch: int | None = None,
        name: str | None = None,
    ) -> None:
        self.history = history
        self.best_epoch = best_epoch
        self.name = name

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, name: str | None = None, ax: Any = None
    ) -> "HistoryDisplay":
        """Take the history of a fitted network, and draw.

        Parameters
        ----------
        estimator : segmenter
            Fitted, with ``history_``; a pipeline or search around one will do.
        name : str or None, default=None
            The title; None takes the name of the estimator's class.
        ax : matplotlib Axes, sequence of them, or None, default=None
            Where to draw, as in :meth:`plot`.

        Returns
        -------
        HistoryDisplay
            The display, drawn.

        Raises
        ------
        InvalidTypeError
            If the estimator keeps no history.
        NotFittedError
            If it is not fitted.
        """
        segmenter = innermost(estimator)
        check_is_fitted(segmenter)
        if not hasattr(segmenter, "history_"):
            raise InvalidTypeError(
                "estimator must be a network with a history_; "
                f"{type(segmenter).__name__} does not learn in epochs."
            )
        name = type(segmenter).__name__ if name is None else name
        best = getattr(segmenter, "best_epoch_", None)
        return cls(segmenter.history_, best_epoch=best, name=name).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> "HistoryDisplay":
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, sequence of them, or None, default=None
            Where to draw: one, which is divided among losses, scores and learning rate, or one for
            each that is there; None makes a figure.

        Returns
        -------
        self
            The display.

        Raises
        ------
        InvalidInputError
            If there is no epoch, or no loss, or `ax` holds another number of Axes.
        MissingDependencyError
            If matplotlib is not installed.
        """
        columns = list(dict.fromkeys(name for row in self.history for name in row))
        if "loss" not in columns:
            raise InvalidInputError(
                "history must hold a row an epoch with its 'loss'; got "
                f"{', '.join(columns) or 'no epoch'}. A network that was not trained has none."
            )
        scores = [name for name in columns if name.startswith("val_") and name != "val_loss"]
        has_rate = "learning_rate" in columns
        n = 1 + bool(scores) + has_rate
        axs = make_panels(ax, n, n_columns=1, ratio=_RATIO, lines=1)
        self._draw_losses(axs[0])
        if scores:
            self._draw_scores(axs[1], scores)
        if has_rate:
            self._draw(axs[-1], "learning_rate", "", PURPLE, "-")
            axs[-1].set(ylabel="learning rate", yscale="log")
        for panel in axs:
            self._finish(panel, is_last=panel is axs[-1])
        axs[0].set_title(self.name or "", fontsize=FONT)
        axs[0].figure.align_ylabels(axs)
        self.axs_, self.ax_, self.figure_ = axs, axs[0], axs[0].figure
        return self

    def _draw_losses(self, ax: Any) -> None:
        for column, (name, colour, line) in _LOSSES.items():
            self._draw(ax, column, name, colour, line)
        ax.set_ylabel("loss")

    def _draw_scores(self, ax: Any, scores: list[str]) -> None:
        for column, line in zip(scores, ("-", ":", "-.", "--"), strict=False):
            self._draw(ax, column, column.removeprefix("val_"), GREEN, line)
        ax.set_ylabel("validation score")

    def _draw(self, ax: Any, column: str, name: str, colour: str, line: str) -> None:
        points = [
            (row.get("epoch", number), row[column])
            for number, row in enumerate(self.history, start=1)
            if row.get(column) is not None
        ]
        if points:
            # One epoch is a point, of which a line would show nothing.
            marker = "o" if len(points) == 1 else ""
            look = {"color": colour, "linestyle": line, "marker": marker, "markersize": 3}
            ax.plot(*zip(*points, strict=True), label=name or None, linewidth=1.2, **look)

    def _finish(self, ax: Any, *, is_last: bool) -> None:
        if self.best_epoch:
            label = f"kept, epoch {self.best_epoch}"
            ax.axvline(self.best_epoch, color="0.5", linestyle=":", linewidth=1, label=label)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set_xlim(0.5, len(self.history) + 0.5)
        ax.set_xlabel("epoch" if is_last else "")
        open_frame(ax)
        if ax.get_ylabel() != "learning rate":
            ax.legend(frameon=False, fontsize=FONT)

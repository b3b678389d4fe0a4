"""Runs side by side: how they learnt, and what came out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.metrics import SCORERS
from membseg.utils import import_optional

#: Colours that remain apart for colour-blind eyes (Okabe and Ito 2008), and marks for grey prints.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_LINES = ("-", "--", ":", "-.")
#: Sets whose scores are drawn, the one that counts first.
_SETS = ("test", "cv", "validation", "train")
#: Width of a column of text, and heights of the curves, of a row of scores and of a line of the
#: legend, in inches.
_WIDTH, _HEIGHT, _ROW, _LINE = 3.5, 2.4, 0.3, 0.2
#: Letters of names beside each other in the legend that this width has room for.
_LETTERS = 42


class RunsDisplay:
    """One column of each run's history, and below it the scores of all runs.

    Parameters
    ----------
    histories : dict of str to list of dict
        For each run its history, a row an epoch; empty where there is none.
    scores : dict of str to dict of str to float
        For each run its scores by name.

    Attributes
    ----------
    axs_ : list of matplotlib Axes
        The curves, if there are any, and the scores.
    figure_ : matplotlib Figure
        Their figure.

    References
    ----------
    Okabe and Ito (2008), Color Universal Design, https://jfly.uni-koeln.de/color/

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, make_membranes, record_experiment
    >>> from membseg.plotting import RunsDisplay
    >>> X, y = make_membranes(3, 48, 48, random_state=0)
    >>> segmenters = [ThresholdSegmenter(sigma=s).fit(X, y) for s in (0.0, 4.0)]
    >>> names = ["sharp", "smooth"]
    >>> records = [
    ...     record_experiment(s, X, y, scoring=["iou", "ece"], name=name)
    ...     for s, name in zip(segmenters, names)
    ... ]
    >>> display = RunsDisplay.from_records(records)
    >>> [label.get_text() for label in display.axs_[-1].get_yticklabels()]
    ['iou', 'ece ↓']
    """

    def __init__(
        self,
        histories: Mapping[str, Sequence[Mapping[str, float]]],
        scores: Mapping[str, Mapping[str, float]],
    ) -> None:
        self.histories = histories
        self.scores = scores

    @classmethod
    def from_records(
        cls,
        records: Iterable[Any],
        *,
        column: str = "val_loss",
        scoring: str | Sequence[str] | None = None,
        part: str | None = None,
        axs: Any = None,
    ) -> "RunsDisplay":
        """Take the numbers out of records and draw them.

        Parameters
        ----------
        records : RecordTable or iterable of ExperimentRecord
            The runs; those without a name go by class and the end of their identifier.
        column : str, default="val_loss"
            The column of the histories to draw.
        scoring : str, sequence of str, or None, default=None
            The scores to draw; None takes all.
        part : str or None, default=None
            The set whose scores are drawn; None takes "test", "cv", "validation" or "train",
            the first that a record has.
        axs : sequence of matplotlib Axes or None, default=None
            Where to draw curves and scores; None makes a figure.

        Returns
        -------
        RunsDisplay
            The display, drawn.

        Raises
        ------
        InvalidTypeError
            If something else than records is given.
        InvalidInputError
            If no record has such a set.
        """
        records = list(records)
        for record in records:
            if not all(hasattr(record, name) for name in ("id", "history", "scores")):
                raise InvalidTypeError(
                    "records must hold ExperimentRecords, as list_records gives them; got "
                    f"{type(record).__name__}."
                )
        parts = {name for record in records for name in record.scores}
        if part is None:
            part = next((name for name in _SETS if name in parts), None)
        elif part not in parts:
            raise InvalidInputError(
                f"part must be a set that the records have scores of, "
                f"{', '.join(sorted(parts)) or 'none'}; got {part!r}."
            )
        labels = _labels(records)
        scores = {
            label: record.scores.get(part, {})
            for label, record in zip(labels, records, strict=True)
        }
        histories = {label: record.history for label, record in zip(labels, records, strict=True)}
        return cls(histories, scores).plot(column=column, scoring=scoring, axs=axs)

    def plot(
        self,
        *,
        column: str = "val_loss",
        scoring: str | Sequence[str] | None = None,
        axs: Any = None,
    ) -> "RunsDisplay":
        """Draw curves and scores.

        Parameters
        ----------
        column : str, default="val_loss"
            The column of the histories to draw.
        scoring : str, sequence of str, or None, default=None
            The scores to draw; None takes all.
        axs : sequence of matplotlib Axes or None, default=None
            Where to draw curves and scores; None makes a figure.

        Returns
        -------
        self
            The display.

        Raises
        ------
        InvalidInputError
            If there is no run, no run has such a column or score, or `axs` is too short.
        MissingDependencyError
            If matplotlib is not installed.
        """
        names = self._names(scoring)
        curves = self._curves(column)
        if not names and not curves:
            raise InvalidInputError(
                "records must hold a run with a history or with scores; got none to draw."
            )
        is_own = axs is None
        axs = self._axes(axs, bool(curves), len(names))
        if curves:
            self._draw_curves(axs[0], curves, column)
        if names:
            self._draw_scores(axs[-1], names)
        self._add_legend(axs[0], outside=is_own)
        self.axs_, self.figure_ = axs, axs[0].figure
        return self

    def _names(self, scoring: Any) -> list[str]:
        """List the scores to draw."""
        known = list(dict.fromkeys(name for found in self.scores.values() for name in found))
        if scoring is None:
            return known
        wanted = [scoring] if isinstance(scoring, str) else list(scoring)
        for name in wanted:
            if name not in known:
                raise InvalidInputError(
                    f"scoring must name scores that some run has, {', '.join(known) or 'none'}; "
                    f"got {name!r}."
                )
        return wanted

    def _curves(self, column: str) -> dict[str, tuple[list[float], list[float]]]:
        """Give epochs and values of each run that has them."""
        columns = sorted({name for rows in self.histories.values() for row in rows for name in row})
        if columns and column not in columns:
            raise InvalidInputError(
                f"column must be one of the histories, {', '.join(columns)}; got {column!r}."
            )
        found = {}
        for label, rows in self.histories.items():
            points = [
                (row.get("epoch", number), row[column])
                for number, row in enumerate(rows, start=1)
                if row.get(column) is not None
            ]
            if points:
                epochs, values = zip(*points, strict=True)
                found[label] = (list(epochs), list(values))
        return found

    def _axes(self, axs: Any, has_curves: bool, n_scores: int) -> list[Any]:
        n_wanted = int(has_curves) + int(n_scores > 0)
        if axs is not None:
            given = list(np.ravel(np.asarray(axs, dtype=object)))
            if len(given) < n_wanted:
                raise InvalidInputError(
                    f"axs must hold {n_wanted} Axes, for curves and for scores; got {len(given)}."
                )
            return given[:n_wanted]
        pyplot = import_optional("matplotlib.pyplot", extra="plot", purpose="Drawing")
        heights = [_HEIGHT] * has_curves + [0.6 + _ROW * n_scores] * (n_scores > 0)
        n_lines = -(-len(self.scores) // self._n_legend_columns())
        figsize = (_WIDTH, sum(heights) + _LINE * n_lines)
        figure = pyplot.figure(figsize=figsize, layout="constrained")
        return list(figure.subplots(n_wanted, squeeze=False, height_ratios=heights)[:, 0])

    def _n_legend_columns(self) -> int:
        # The mark in front of a name takes the room of six letters.
        longest = max(map(len, self.scores)) + 6
        return max(1, min(len(self.scores), _LETTERS // longest))

    def _style(self, label: str) -> dict[str, Any]:
        turn, number = divmod(list(self.scores).index(label), len(_COLOURS))
        colour = _COLOURS[number]
        return {
            "color": colour,
            "marker": _MARKS[number],
            # In the second turn marks are hollow, since scores have no lines.
            "markerfacecolor": "white" if turn % 2 else colour,
            "linestyle": _LINES[turn % len(_LINES)],
            "markersize": 4,
        }

    def _draw_curves(self, ax: Any, curves: dict[str, Any], column: str) -> None:
        for label, (epochs, values) in curves.items():
            # About five marks a curve, so that they tell curves apart without hiding them.
            every = max(1, len(epochs) // 5)
            ax.plot(epochs, values, **self._style(label), linewidth=1, markevery=every)
        ax.set(xlabel="epoch", ylabel=column)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.spines[["top", "right"]].set_visible(False)

    def _draw_scores(self, ax: Any, names: list[str]) -> None:
        labels = list(self.scores)
        # Runs lie a little below each other within the row of a score.
        shifts = np.linspace(-0.25, 0.25, len(labels)) if len(labels) > 1 else np.zeros(1)
        for label, shift in zip(labels, shifts, strict=True):
            found = self.scores[label]
            rows = [row for row, name in enumerate(names) if name in found]
            values = [found[names[row]] for row in rows]
            style = self._style(label) | {"linestyle": "none"}
            ax.plot(values, np.array(rows) + shift, **style)
        ax.set_yticks(range(len(names)), [_score_label(name) for name in names])
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.set_xlabel("score (↓ lower is better)" if any(map(_falls, names)) else "score")
        ax.grid(axis="y", color="0.9")
        ax.set_axisbelow(True)
        ax.tick_params(axis="y", length=0)
        ax.spines[["top", "right", "left"]].set_visible(False)

    def _add_legend(self, ax: Any, *, outside: bool) -> None:
        handles = [
            ax.plot([], [], **self._style(label), linewidth=1, label=label)[0]
            for label in self.scores
        ]
        look: dict[str, Any] = {"handles": handles, "frameon": False, "fontsize": "small"}
        if outside:
            n_columns = self._n_legend_columns()
            ax.figure.legend(loc="outside upper left", ncols=n_columns, **look)
        else:
            ax.legend(**look)


def _score_label(name: str) -> str:
    return f"{name} ↓" if _falls(name) else name


def _falls(name: str) -> bool:
    return name in SCORERS and SCORERS[name].sign < 0


def _labels(records: list[Any]) -> list[str]:
    """Name runs so that no two have one name."""
    names = [getattr(r, "name", None) or r.estimator_class for r in records]
    return [
        name if names.count(name) == 1 else f"{name} {record.id[-4:]}"
        for name, record in zip(names, records, strict=True)
    ]

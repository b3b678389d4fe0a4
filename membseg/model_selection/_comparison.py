"""What a comparison of candidates found."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from membseg.metrics import SCORERS
from membseg.model_selection._paired_test import corrected_t_test


@dataclass(frozen=True)
class SegmenterComparison:
    """Candidates side by side, as :func:`compare_segmenters` found them.

    Attributes
    ----------
    scoring : tuple of str
        Names of the scores; the first one ranks.
    scores : dict of str to dict of str to list of float
        For each candidate and each score the value in every fold, with the score's own sign:
        losses, such as "ece", are lower where better.
    fit_seconds, score_seconds : dict of str to list of float
        Seconds of fit, and of prediction and scores together, in every fold of each candidate.
    n_parameters : dict of str to (int or None)
        Weights of each candidate's network; None where there is none.
    n_bytes : dict of str to (int or None)
        Size of each fitted candidate as a pickle: what it takes to keep it, most of it the
        weights; None where it cannot be pickled.
    n_train, n_test : list of int
        Numbers of slices in the two parts of every fold.
    failures : dict of str to str
        Candidates that raised an error, and its text. They have no scores.
    context : dict of str to dict of str to float
        Figures from elsewhere, by name and score; shown, never ranked.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, compare_segmenters, make_membranes
    >>> X, y = make_membranes(6, 48, 48, random_state=0)
    >>> found = compare_segmenters({"Otsu": ThresholdSegmenter()}, X, y, cv=3, scoring="iou")
    >>> found.ranking, [row["rank"] for row in found.table()], len(found.scores["Otsu"]["iou"])
    (['Otsu'], [1], 3)
    """

    scoring: tuple[str, ...]
    scores: dict[str, dict[str, list[float]]]
    fit_seconds: dict[str, list[float]]
    score_seconds: dict[str, list[float]]
    n_parameters: dict[str, int | None]
    n_bytes: dict[str, int | None]
    n_train: list[int]
    n_test: list[int]
    failures: dict[str, str] = field(default_factory=dict)
    context: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def ranking(self) -> list[str]:
        """Candidates by the mean of the first score over folds, best first; ties as given."""
        first = self.scoring[0]
        sign = SCORERS[first].sign
        return sorted(self.scores, key=lambda name: -sign * np.mean(self.scores[name][first]))

    @property
    def p_values(self) -> dict[str, float]:
        """Each candidate's difference from the best one in the first score, as a p-value.

        The corrected resampled t-test of Nadeau and Bengio (2003), doi 10.1023/A:1024068626366,
        two-sided. It is a rule of thumb: the best one was chosen by looking at these scores, and
        there is no correction for the number of candidates.
        """
        first, (best, *others) = self.scoring[0], self.ranking
        top = np.array(self.scores[best][first])
        return {
            name: corrected_t_test(
                (top - self.scores[name][first]).tolist(), self.n_train, self.n_test
            )
            for name in others
        }

    def table(self) -> list[dict[str, Any]]:
        """Give the leaderboard as plain rows.

        Returns
        -------
        list of dict
            One row a candidate, best first, then those that failed, then the context. Keys:
            "candidate", "rank" (None where not ranked), each score (mean over folds) and
            "<score>_std" (standard deviation over folds), "p_value" against the best in the first
            score, "fit_seconds" and "score_seconds" (means over folds), "n_parameters",
            "n_bytes", "failure", "is_context". What is not known is None.
        """
        p_values = self.p_values
        columns = [key for name in self.scoring for key in (name, f"{name}_std")]
        empty: dict[str, Any] = dict.fromkeys(
            ["candidate", "rank", *columns, "p_value", "fit_seconds", "score_seconds"]
            + ["n_parameters", "n_bytes", "failure"]
        ) | {"is_context": False}
        rows = []
        for rank, name in enumerate(self.ranking, start=1):
            row = empty | {
                "candidate": name,
                "rank": rank,
                "p_value": p_values.get(name),
                "fit_seconds": float(np.mean(self.fit_seconds[name])),
                "score_seconds": float(np.mean(self.score_seconds[name])),
                "n_parameters": self.n_parameters[name],
                "n_bytes": self.n_bytes[name],
            }
            for score, values in self.scores[name].items():
                row[score] = float(np.mean(values))
                row[f"{score}_std"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
            rows.append(row)
        rows += [empty | {"candidate": n, "failure": text} for n, text in self.failures.items()]
        return rows + [
            empty | {"candidate": name, "is_context": True} | figures
            for name, figures in self.context.items()
        ]

    def __str__(self) -> str:
        heads = ["", "candidate", *self.scoring, "p", "fit s", "score s", "parameters", "MB"]
        rows = self.table()
        ranked = [_cells(row, self.scoring) for row in rows if row["rank"]]
        context = [_cells(row, self.scoring) for row in rows if row["is_context"]]
        widths = [max(map(len, column)) for column in zip(heads, *ranked, *context, strict=True)]

        def line(cells: list[str]) -> str:
            # Names to the left, numbers to the right.
            texts = [
                cell.ljust(width) if i == 1 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
            ]
            return "  ".join(texts).rstrip()

        lines = [line(heads), *map(line, ranked)]
        lines += [f"failed: {name}: {text}" for name, text in self.failures.items()]
        if context:
            lines += ["-" * (sum(widths) + 2 * (len(widths) - 1)), *map(line, context)]
        return "\n".join(lines)


def _cells(row: dict[str, Any], scoring: tuple[str, ...]) -> list[str]:
    """Write one row as text."""
    n_bytes = row["n_bytes"]
    return [
        _text(row["rank"], "d"),
        row["candidate"],
        *(_spread(row[name], row[f"{name}_std"]) for name in scoring),
        _text(row["p_value"], ".3f"),
        _text(row["fit_seconds"], ".2f"),
        _text(row["score_seconds"], ".2f"),
        _text(row["n_parameters"], ",d"),
        _text(None if n_bytes is None else n_bytes / 1e6, ".2f"),
    ]


def _text(value: Any, how: str) -> str:
    return "" if value is None else format(value, how)


def _spread(mean: float | None, std: float | None) -> str:
    return _text(mean, ".3f") + ("" if std is None else f" ± {std:.3f}")

"""What an analysis found: numbers and tables, nothing else."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from membseg.analysis._events import CellEvent
from membseg.analysis._gap import TrainingGap
from membseg.analysis._tables import as_csv, plain
from membseg.exceptions import InvalidInputError
from membseg.io._write_at_once import write_at_once
from membseg.utils import import_optional

#: Scores that are printed.
_SHOWN = ("iou", "dice", "accuracy", "v_rand_mask", "v_info_mask", "boundary_f1", "ece")


@dataclass(frozen=True, eq=False)
class Analysis:
    """Where a segmenter is right and where it is wrong; from :func:`analyse`.

    Tables are tuples of dicts, one a row, of plain numbers. What cannot be known is NaN.

    Attributes
    ----------
    segmenter : str
        Class of the segmenter.
    threshold : float
        Membrane probability from which it calls a pixel membrane; NaN where it has none.
    level : float
        Share of the draws that intervals hold.
    scores : tuple of dict
        All metrics over the whole set: "score", "value", the interval "low" and "high" by a
        bootstrap over images, and "higher_is_better".
    images : tuple of dict
        One row an image, in their order: "image", shares of "true_membrane" and
        "predicted_membrane", "error", "missed", "invented", numbers of "merges" and "splits", and
        all metrics of this image by itself.
    regions : tuple of dict
        Squares of images ("row0", "column0", "row1", "column1"), those with most wrong pixels
        first: "n_wrong", "error", "missed", "invented".
    errors : dict of str to tuple of dict
        Errors by "border" (distance from the image's edge, px), "thickness" (of the true membrane
        around, px), "brightness" (of the surroundings, standard deviations of the image), and "z"
        (numbers of the first and the last image of a run): "low", "high", "n_pixels",
        "n_membrane", and the shares "error" (of all pixels), "missed" (of true membrane) and
        "invented" (of true cell).
    curves : dict of str to tuple of dict
        "roc" and "precision_recall" over pixels, thinned, from the highest threshold down.
    events : tuple of CellEvent
        Merges and splits, those in which the largest area is lost first.
    gap : TrainingGap or None
        Training slices against these; None where none were given.
    ranked_by : str
        The score by which slices are the worst.
    higher_is_better : bool
        Whether a high value of it is good.
    """

    segmenter: str
    threshold: float
    level: float
    scores: tuple[dict[str, Any], ...]
    images: tuple[dict[str, Any], ...]
    regions: tuple[dict[str, Any], ...]
    errors: dict[str, tuple[dict[str, Any], ...]]
    curves: dict[str, tuple[dict[str, Any], ...]]
    events: tuple[CellEvent, ...]
    gap: TrainingGap | None
    ranked_by: str
    higher_is_better: bool

    @property
    def worst(self) -> list[int]:
        """Numbers of the images, the worst first."""
        sign = 1 if self.higher_is_better else -1
        return [row["image"] for row in sorted(self.images, key=lambda r: sign * r[self.ranked_by])]

    @property
    def merges(self) -> tuple[CellEvent, ...]:
        """The merges among the events."""
        return tuple(event for event in self.events if event.kind == "merge")

    @property
    def splits(self) -> tuple[CellEvent, ...]:
        """The splits among the events."""
        return tuple(event for event in self.events if event.kind == "split")

    def __getitem__(self, score: str) -> float:
        for row in self.scores:
            if row["score"] == score:
                return float(row["value"])
        listed = ", ".join(row["score"] for row in self.scores)
        raise InvalidInputError(f"score must be one of {listed}; got {score!r}.")

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Give all tables by name.

        Returns
        -------
        dict of str to list of dict
            "scores", "images" (the worst first), "regions", "events", "errors_by_border",
            "errors_by_thickness", "errors_by_brightness", "errors_by_z", "roc",
            "precision_recall", and "training_gap" where there is one. Values are numbers, texts,
            or None where a number is not known.
        """
        rows = {row["image"]: row for row in self.images}
        tables: dict[str, Any] = {
            "scores": self.scores,
            "images": [rows[number] for number in self.worst],
            "regions": self.regions,
            "events": [_event_row(event) for event in self.events],
        }
        tables |= {f"errors_by_{name}": table for name, table in self.errors.items()}
        tables |= self.curves
        if self.gap is not None:
            tables["training_gap"] = self.gap.table
        return {name: [plain(row) for row in table] for name, table in tables.items()}

    def to_dict(self) -> dict[str, Any]:
        """Give everything as what JSON can hold.

        Returns
        -------
        dict
            "segmenter", "threshold", "level", "ranked_by", "overfitted" (the verdict, and the
            sentence; None where there were no training slices), and the tables of :meth:`tables`.
        """
        gap = self.gap
        head = {"segmenter": self.segmenter, "threshold": self.threshold, "level": self.level}
        head |= {"ranked_by": self.ranked_by}
        verdict = None if gap is None else {"verdict": gap.verdict, "sentence": gap.sentence}
        return {**plain(head), "overfitted": verdict, **self.tables()}

    def to_frame(self, table: str = "images") -> Any:
        """Give one table as a pandas data frame.

        Parameters
        ----------
        table : str, default="images"
            A name of :meth:`tables`.

        Returns
        -------
        pandas.DataFrame
            The table.

        Raises
        ------
        InvalidInputError
            If there is no such table.
        MissingDependencyError
            If pandas is not installed.
        """
        pandas = import_optional("pandas", extra="search", purpose="A data frame")
        return pandas.DataFrame(self._table(table))

    def to_csv(self, table: str = "images") -> str:
        """Give one table as comma-separated values.

        Parameters
        ----------
        table : str, default="images"
            A name of :meth:`tables`.

        Returns
        -------
        str
            A line of names, and one line a row; empty where the table has no row.

        Raises
        ------
        InvalidInputError
            If there is no such table.
        """
        return as_csv(self._table(table))

    def save_csv(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write all tables as CSV files, one a table, named after it.

        Parameters
        ----------
        folder : str or path-like
            An existing folder; files of these names are replaced.

        Returns
        -------
        list of Path
            The files; tables without rows have none.

        Raises
        ------
        OSError
            If a file cannot be written.
        """
        paths = []
        for name, rows in self.tables().items():
            if rows:
                paths.append(Path(folder) / f"{name}.csv")
                write_at_once(paths[-1], as_csv(rows).encode("utf-8"))
        return paths

    def _table(self, name: str) -> list[dict[str, Any]]:
        tables = self.tables()
        if name not in tables:
            raise InvalidInputError(f"table must be one of {', '.join(tables)}; got {name!r}.")
        return tables[name]

    def __str__(self) -> str:
        rows = {row["score"]: row for row in self.scores}
        lines = [f"{self.segmenter} on {len(self.images)} images"]
        for name in _SHOWN:
            row = rows[name]
            known = row["low"] == row["low"]
            bounds = f"  ({row['low']:.3f} to {row['high']:.3f})" if known else ""
            lines.append(f"{name:12s} {row['value']:.3f}{bounds}")
        lines.append(f"{len(self.merges)} merges and {len(self.splits)} splits of cells")
        worst = ", ".join(str(number) for number in self.worst[:5])
        lines.append(f"worst images by {self.ranked_by}: {worst}")
        return "\n".join(lines + ([self.gap.sentence] if self.gap is not None else []))


def _event_row(event: CellEvent) -> dict[str, Any]:
    names = ("row0", "column0", "row1", "column1")
    row = {"kind": event.kind, "image": event.image, "area": event.area}
    row |= dict(zip(names, event.bbox, strict=True))
    row["true_labels"] = " ".join(map(str, event.true_labels))
    row["predicted_labels"] = " ".join(map(str, event.predicted_labels))
    row["places"] = "; ".join(f"{r:g} {c:g}" for r, c in event.places)
    return row

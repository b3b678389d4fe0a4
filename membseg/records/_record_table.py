"""Records side by side."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from membseg.exceptions import InvalidInputError
from membseg.metrics import SCORERS
from membseg.records._record import ExperimentRecord
from membseg.records._rows import as_row
from membseg.utils import import_optional

#: Sets in whose scores a score's name alone is looked for, the one that counts first.
_SETS = ("test", "cv", "validation", "train")
#: Columns that are printed besides scores and what differs between the records.
_HEAD, _TAIL = ("created", "name", "segmenter"), ("n_steps", "fit_seconds")
#: Widest text in a printed cell, and most columns of differences.
_WIDEST, _MOST = 24, 6


@dataclass(frozen=True)
class RecordTable:
    """Several records as a table; what :func:`membseg.list_records` gives.

    Attributes
    ----------
    records : tuple of ExperimentRecord
        One a row.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, make_membranes, record_experiment
    >>> from membseg.records import RecordTable
    >>> X, y = make_membranes(3, 48, 48, random_state=0)
    >>> segmenters = [ThresholdSegmenter(sigma=s).fit(X, y) for s in (4.0, 0.0)]
    >>> records = [record_experiment(s, X, y, scoring=["iou", "ece"]) for s in segmenters]
    >>> table = RecordTable(tuple(records))
    >>> [record.parameters["sigma"] for record in table.sort("iou")]
    [0.0, 4.0]
    >>> [row["param_sigma"] for row in table.sort("created").table()]
    [4.0, 0.0]
    """

    records: tuple[ExperimentRecord, ...]

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[ExperimentRecord]:
        return iter(self.records)

    def __getitem__(self, index: int) -> ExperimentRecord:
        return self.records[index]

    @property
    def columns(self) -> list[str]:
        """Names of all columns, in the order in which the records bring them."""
        return list(dict.fromkeys(name for record in self.records for name in as_row(record)))

    def table(self) -> list[dict[str, Any]]:
        """Give plain rows.

        Returns
        -------
        list of dict
            One row a record, all with the same keys; what a record does not have is None. Scores
            are "<set>_<score>", parameters "param_<name>".
        """
        empty = dict.fromkeys(self.columns)
        return [empty | as_row(record) for record in self.records]

    def to_frame(self) -> Any:
        """Give a pandas data frame.

        Returns
        -------
        pandas.DataFrame
            The rows of :meth:`table`, with the identifiers as index.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        pandas = import_optional("pandas", extra="search", purpose="A data frame")
        return pandas.DataFrame(self.table(), columns=self.columns).set_index("id")

    def sort(self, by: str, *, reverse: bool = False) -> "RecordTable":
        """Sort the records by a column.

        Parameters
        ----------
        by : str
            A column, such as "test_v_rand" or "fit_seconds", or a score's name alone, which means
            that of the test set where there is one. Scores put the best first, other columns the
            smallest; what has no value comes last.
        reverse : bool, default=False
            Whether to turn the order round; what has no value still comes last.

        Returns
        -------
        RecordTable
            The same records in this order.

        Raises
        ------
        InvalidInputError
            If no record has such a column.
        """
        column = self._find(by)
        values = {record.id: as_row(record).get(column) for record in self.records}
        known = [r for r in self.records if values[r.id] is not None]
        falling = self._is_falling(column) != reverse
        # Texts and numbers can meet in one column (a patch size is "auto" or an int).
        known.sort(
            key=lambda r: (isinstance(values[r.id], str), _sortable(values[r.id])), reverse=falling
        )
        unknown = [r for r in self.records if values[r.id] is None]
        return RecordTable((*known, *unknown))

    def _find(self, by: str) -> str:
        columns = self.columns
        for column in (by, *(f"{part}_{by}" for part in _SETS)):
            if column in columns:
                return column
        raise InvalidInputError(
            f"sort_by must be a column of the table, or the name of a score; got {by!r}. The "
            f"columns are {', '.join(columns) or 'none, since there is no record'}."
        )

    def _scores(self) -> dict[str, str]:
        """Columns of scores, with the name of each score."""
        return {
            f"{part}_{name}": name
            for record in self.records
            for part, scores in record.scores.items()
            for name in scores
        }

    def _is_falling(self, column: str) -> bool:
        """Whether the largest comes first: for scores that are better when higher."""
        name = self._scores().get(column)
        return name is not None and (name not in SCORERS or SCORERS[name].sign > 0)

    def __str__(self) -> str:
        if not self.records:
            return "no records"
        rows = self.table()
        differing = [
            name for name in self.columns if name.startswith("param_") and _differs(rows, name)
        ]
        shown = [*_HEAD, *self._scores(), *_TAIL, *differing[:_MOST]]
        shown = [name for name in shown if any(row[name] is not None for row in rows)]
        # Microseconds and the zone help nobody here.
        rows = [row | {"created": row["created"][:16].replace("T", " ")} for row in rows]
        cells = [shown, *([_text(row[name]) for name in shown] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "\n".join(
            "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip()
            for line in cells
        )


def _differs(rows: list[dict[str, Any]], name: str) -> bool:
    """Whether two records that have a parameter have it at two values."""
    return len({str(row[name]) for row in rows if row[name] is not None}) > 1


def _sortable(value: Any) -> Any:
    """Lists, which parameters may be, as texts."""
    return value if isinstance(value, str | int | float) else str(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value)
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."

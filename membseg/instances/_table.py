"""A plain table whose columns have units."""

import csv
import io
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.io._write_file import write_file
from membseg.utils import import_optional

#: Rows that are printed.
_SHOWN = 10


@dataclass(frozen=True, eq=False)
class CellTable:
    """Measurements, one row a cell or a junction.

    Parameters
    ----------
    columns : dict of str to ndarray of shape (n_rows,)
        Values by name.
    units : dict of str to str
        Units by name, such as "nm²"; "" where a column has none.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.instances import CellTable
    >>> table = CellTable({"cell": np.array([1, 2]), "area": np.array([9.0, 4.0])}, {"area": "px²"})
    >>> len(table), table.table()[0]
    (2, {'cell': 1, 'area': 9.0})
    >>> print(table)
    cell  area (px²)
    1     9
    2     4
    """

    columns: dict[str, np.ndarray]
    units: dict[str, str]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    @property
    def heads(self) -> list[str]:
        """Names of the columns with their units, such as "area (nm²)"."""
        return [
            f"{name} ({self.units[name]})" if self.units.get(name) else name
            for name in self.columns
        ]

    def table(self) -> list[dict[str, Any]]:
        """Give plain rows.

        Returns
        -------
        list of dict
            One row a cell or junction, with Python's own numbers.
        """
        values = [column.tolist() for column in self.columns.values()]
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*values, strict=True)]

    def to_frame(self) -> Any:
        """Give a pandas data frame.

        Returns
        -------
        pandas.DataFrame
            The same columns, named without units.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        pandas = import_optional("pandas", extra="search", purpose="A data frame")
        return pandas.DataFrame(dict(self.columns))

    def save_csv(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the table as a CSV file in UTF-8, with the units in the head.

        Parameters
        ----------
        path : str or path-like
            A file that ends in .csv, in a folder that exists.
        overwrite : bool, default=False
            Whether a file that exists is replaced.

        Raises
        ------
        InvalidInputError
            If `path` does not end in .csv.
        ImageFileError
            If the file exists, or cannot be written.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.heads)
        writer.writerows(row.values() for row in self.table())
        write_file(path, text.getvalue().encode("utf-8"), suffix=".csv", overwrite=overwrite)

    def __str__(self) -> str:
        rows = [[_text(value) for value in row.values()] for row in self.table()[:_SHOWN]]
        lines = [self.heads, *rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        texts = [
            "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        more = len(self) - len(rows)
        return "\n".join(texts + ([f"... and {more} more"] if more else []))


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)

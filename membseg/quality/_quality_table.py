"""What a quality report found."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from membseg.utils import import_optional

#: Columns that are printed, where they are there.
_SHOWN = {
    "image": "image",
    "v_rand_predicted": "V_Rand?",
    "iou_predicted": "IoU?",
    "membrane_fraction": "membrane",
    "thickness": "thickness px",
    "thickness_nm": "nm",
    "n_cells": "cells/Mpx",
    "open_ends": "ends",
    "gaps": "gaps",
    "ridge_contrast": "ridges",
    "neighbours": "z",
    "confidence": "sure",
}


@dataclass(frozen=True)
class QualityTable:
    """Images, what was measured of their masks, and what is unusual; from :func:`quality_report`.

    Attributes
    ----------
    rows : tuple of dict
        One row an image: "image" (its number), what was measured, each with "_z" behind its name
        where it is compared with what is usual, predicted scores where a model was given, and
        "flags": a list of sentences.
    skill : dict of str to str
        How well the scores are predicted, in words; empty without a model.

    Examples
    --------
    >>> from membseg import make_membranes, quality_report
    >>> X, y = make_membranes(4, 64, 64, random_state=0)
    >>> table = quality_report(None, X, masks=y, pixel_size=4.0)
    >>> len(table), table[0]["image"], table[0]["thickness_nm"] == 4 * table[0]["thickness"]
    (4, 0, True)
    """

    rows: tuple[dict[str, Any], ...]
    skill: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.rows[index]

    @property
    def columns(self) -> list[str]:
        """Names of all columns."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    @property
    def outliers(self) -> list[int]:
        """Numbers of the images with a flag, those with most flags first."""
        flagged = [row for row in self.rows if row["flags"]]
        return [row["image"] for row in sorted(flagged, key=lambda row: -len(row["flags"]))]

    def table(self) -> list[dict[str, Any]]:
        """Give plain rows.

        Returns
        -------
        list of dict
            The rows, in the order of the images, all with the same keys; what could not be
            measured is None, and flags are one text, with semicolons between.
        """
        empty = dict.fromkeys(self.columns)
        return [empty | {k: _plain(v) for k, v in row.items()} for row in self.rows]

    def to_frame(self) -> Any:
        """Give a pandas data frame.

        Returns
        -------
        pandas.DataFrame
            The rows of :meth:`table`, with the images' numbers as index.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        pandas = import_optional("pandas", extra="search", purpose="A data frame")
        return pandas.DataFrame(self.table(), columns=self.columns).set_index("image")

    def __str__(self) -> str:
        shown = [name for name in _SHOWN if name in self.columns]
        order = sorted(self.rows, key=lambda row: -len(row["flags"]))
        cells = [[_SHOWN[name] for name in shown]]
        cells += [[_text(row[name]) for name in shown] for row in order]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = []
        for row, line in zip([None, *order], cells, strict=True):
            lines.append("  ".join(c.rjust(w) for c, w in zip(line, widths, strict=True)))
            lines += [f"    - {flag}" for flag in (row["flags"] if row else [])]
        lines += [f"{name} is predicted with {text}" for name, text in self.skill.items()]
        return "\n".join(lines)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return "; ".join(value)
    return None if value != value else value


def _text(value: Any) -> str:
    if value != value:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)

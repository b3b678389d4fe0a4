"""Means over seeds and sets of slices, and the tables printed from them."""

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Scores that are printed; all are in the JSON file.
SHOWN = {
    "v_rand": "V_Rand", "v_info": "V_Info", "v_rand_mask": "V_R mask", "v_info_mask": "V_I mask",
    "dice": "Dice", "iou": "IoU", "ece": "ECE",
}  # fmt: skip


@dataclass(frozen=True)
class Summary:
    """One line of a table: a row's views, over all seeds and sets of slices.

    Attributes
    ----------
    n_labels : int or None
        Slices to learn from, where they are few; None for all.
    time_limit : float
        Seconds.
    name : str
        Row and views.
    mean, error : dict
        Mean of each score, and its standard error (nan where there is one run only).
    n_runs : int
        Runs behind the mean.
    """

    n_labels: int | None
    time_limit: float
    name: str
    mean: dict[str, float]
    error: dict[str, float]
    n_runs: int


def summarise(rows: dict[str, dict[str, Any]]) -> list[Summary]:
    """Average the rows that did not fail; sorted by labels, time limit, V_Rand."""
    groups: dict[tuple[Any, ...], list[dict[str, float]]] = defaultdict(list)
    for row in rows.values():
        for views, scores in row.get("views", {}).items():
            name = f"{row['row']}, {views}" if len(row["views"]) > 1 else row["row"]
            numbers = {
                **scores,
                "fit_seconds": row["fit_seconds"],
                "n_steps": row["n_steps"],
                "peak_gb": row["peak_bytes"] / 2**30,
            }
            groups[row["n_labels"], row["time_limit"], name].append(numbers)
    summaries = [_summary(*key, runs) for key, runs in groups.items()]
    return sorted(summaries, key=lambda s: (s.n_labels or 0, s.time_limit, -s.mean["v_rand"]))


def _summary(
    n_labels: int | None, time_limit: float, name: str, runs: list[dict[str, float]]
) -> Summary:
    mean = {score: float(np.mean([run[score] for run in runs])) for score in runs[0]}
    error = {
        score: float(np.std([run[score] for run in runs], ddof=1)) / math.sqrt(len(runs))
        if len(runs) > 1
        else math.nan
        for score in runs[0]
    }
    return Summary(n_labels, time_limit, name, mean, error, len(runs))


def print_tables(rows: dict[str, dict[str, Any]]) -> None:
    """Print a table for each time limit and number of labelled slices."""
    last = None
    for summary in summarise(rows):
        head = (summary.n_labels, summary.time_limit)
        if head != last:
            labels = "" if head[0] is None else f", {head[0]} labelled slice{'s'[: head[0] - 1]}"
            columns = "".join(f"{name:>17s}" for name in SHOWN.values())
            print(f"\n{head[1]:g} s{labels} (mean ± standard error)")
            print(f"{'':28s}{columns}{'steps':>8s}{'fit s':>8s}{'s/slice':>9s}{'GB':>6s}  runs")
            last = head
        print(_line(summary))
    for key, row in rows.items():
        if "failed" in row:
            print(f"\n{key} failed: {row['failed']}")


def _line(summary: Summary) -> str:
    mean, error = summary.mean, summary.error
    cells = [f"{mean[name]:.4f}" + _plus_minus(error[name]) for name in SHOWN]
    return (
        f"{summary.name:28s}"
        + "".join(f"{cell:>17s}" for cell in cells)
        + f"{mean['n_steps']:8.0f}{mean['fit_seconds']:8.1f}{mean['predict_seconds']:9.3f}"
        + f"{mean['peak_gb']:6.1f}{summary.n_runs:6d}"
    )


def _plus_minus(error: float) -> str:
    return "" if math.isnan(error) else f" ± {error:.4f}"


def seconds_until(
    rows: dict[str, dict[str, Any]], value: float, limits: list[float]
) -> dict[str, list[dict[str, Any]]]:
    """Find, for each row's views and seed, the first of the limits that reaches a V_Rand.

    Returns
    -------
    dict of str to list of dict
        Name -> one entry a seed: "seed"; "limit", the first time limit that reached the value,
        or None; "seconds", interpolated between it and the one before (linear in the logarithm
        of time), or None.
    """
    curves: dict[tuple[str, int], dict[float, float]] = defaultdict(dict)
    for row in rows.values():
        if row["n_labels"] is not None or row["time_limit"] not in limits:
            continue
        for views, scores in row.get("views", {}).items():
            name = f"{row['row']}, {views}" if len(row["views"]) > 1 else row["row"]
            curves[name, row["seed"]][row["time_limit"]] = scores["v_rand"]
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (name, seed), curve in sorted(curves.items()):
        found[name].append({"seed": seed, **_crossing(sorted(curve.items()), value)})
    return dict(found)


def _crossing(curve: list[tuple[float, float]], value: float) -> dict[str, float | None]:
    """First point of a curve at or above a value."""
    for number, (limit, score) in enumerate(curve):
        if score < value:
            continue
        if number == 0:
            return {"limit": limit, "seconds": limit}
        before, low = curve[number - 1]
        share = (value - low) / (score - low)
        return {"limit": limit, "seconds": before * (limit / before) ** share}
    return {"limit": None, "seconds": None}


def print_seconds_until(found: dict[str, list[dict[str, Any]]], value: float) -> None:
    """Print how long each row needs."""
    print(f"\nfirst time limit that reaches V_Rand {value:g} (interpolated between limits)")
    for name, entries in found.items():
        cells = [
            "not reached" if e["limit"] is None else f"{e['limit']:g} s ({e['seconds']:.0f} s)"
            for e in entries
        ]
        print(f"{name:28s}" + "".join(f"{cell:>18s}" for cell in cells))

"""Rows of variants averaged over seeds, compared seed by seed, and printed as markdown."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

#: Row -> seed -> numbers.
Runs = dict[str, dict[int, dict[str, float]]]

#: Name of a number -> its heading, how it is written, and whether its scatter is told.
COLUMNS = {
    "v_rand": ("V_Rand", ".4f", True),
    "v_info": ("V_Info", ".4f", True),
    "v_rand_mask": ("V_Rand, mask", ".4f", True),
    "iou": ("IoU", ".3f", True),
    "dice": ("Dice", ".3f", True),
    "cldice": ("clDice", ".3f", True),
    "log_loss": ("log loss", ".4f", True),
    "ece": ("ECE", ".4f", True),
    "gaps": ("gaps a slice", ".1f", True),
    "false_walls": ("false walls a slice", ".1f", True),
    "val_loss": ("validation loss", ".4f", True),
    "n_parameters": ("million parameters", ".2f", False),
    "n_steps": ("steps", ".0f", False),
    "trained": ("trained, images/s", ".1f", False),
    "predicted_one": ("Mpx/s, one view", ".2f", False),
    "predicted_eight": ("Mpx/s, eight views", ".2f", False),
    "peak_gb": ("GB", ".1f", False),
}


def numbers_of(row: Mapping[str, Any]) -> dict[str, float]:
    """Give the numbers of a row; scores are those of eight views, the default.

    Images a second are of 512 x 512 pixels, over the whole of fit: compiling and looking at the
    validation part count.
    """
    details, views = row["details"], row["views"]
    pixels = row["n_steps"] * details["batch"] * details["patch"] ** 2
    one, eight = (
        row["slice_pixels"] / views[name]["predict_seconds"] / 1e6
        for name in ("one view", "eight views")
    )
    return {
        **views["eight views"],
        "val_loss": details["val_loss"],
        "n_parameters": details["n_parameters"] / 1e6,
        "n_steps": row["n_steps"],
        "trained": pixels / 512**2 / row["fit_seconds"],
        "predicted_one": one,
        "predicted_eight": eight,
        "peak_gb": row["peak_bytes"] / 2**30,
    }


def collect(rows: Mapping[str, Mapping[str, Any]], names: Iterable[str]) -> Runs:
    """Gather the numbers of the rows that did not fail, in the order of `names`."""
    runs: Runs = {name: {} for name in names}
    for row in rows.values():
        if row["row"] in runs and "failed" not in row:
            runs[row["row"]][row["seed"]] = numbers_of(row)
    return {name: of_seed for name, of_seed in runs.items() if of_seed}


def mean_of(of_seed: Mapping[int, Mapping[str, float]], number: str) -> float:
    """Average a number over seeds."""
    return float(np.mean([numbers[number] for numbers in of_seed.values()]))


def by_v_rand(runs: Runs) -> Runs:
    """Sort rows, the best V_Rand first."""
    return dict(sorted(runs.items(), key=lambda item: -mean_of(item[1], "v_rand")))


def difference(runs: Runs, name: str, base: str, number: str) -> tuple[float, float, int]:
    """Compare two rows seed by seed.

    Returns
    -------
    (float, float, int)
        Mean difference, its standard error (nan where there is one seed only), seeds.
    """
    both = sorted(set(runs.get(name, {})) & set(runs.get(base, {})))
    if not both:
        return math.nan, math.nan, 0
    values = [runs[name][seed][number] - runs[base][seed][number] for seed in both]
    error = np.std(values, ddof=1) / math.sqrt(len(both)) if len(both) > 1 else math.nan
    return float(np.mean(values)), float(error), len(both)


def table_cells(runs: Runs, columns: Iterable[str]) -> dict[str, list[str]]:
    """Write each row's means, with the standard deviation over seeds in brackets."""
    return {name: [_cell(of_seed, column) for column in columns] for name, of_seed in runs.items()}


def _cell(of_seed: Mapping[int, Mapping[str, float]], column: str) -> str:
    _, form, scatters = COLUMNS[column]
    text = f"{mean_of(of_seed, column):{form}}"
    if not scatters or len(of_seed) == 1:
        return text
    values = [numbers[column] for numbers in of_seed.values()]
    return f"{text} ({np.std(values, ddof=1):{form}})"


def difference_cell(runs: Runs, name: str, base: str, column: str) -> str:
    """Write a difference, with its standard error in brackets; "" where there is none."""
    mean, error, n_seeds = difference(runs, name, base, column)
    form = COLUMNS[column][1]
    if not n_seeds:
        return ""
    return f"{mean:+{form}}" + ("" if math.isnan(error) else f" ({error:{form}})")


def print_markdown(headings: Iterable[str], lines: Iterable[Iterable[str]]) -> None:
    """Print a table that a page of the guide can take as it is."""
    headings = list(headings)
    for cells in (headings, ["---"] * len(headings), *lines):
        print(f"| {' | '.join(cells)} |")


def print_failures(rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Name the rows that failed, and why."""
    for key, row in rows.items():
        if "failed" in row:
            print(f"\n{key} failed: {row['failed']}")

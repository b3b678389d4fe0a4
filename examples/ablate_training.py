"""Losses and regularisers, each alone beside the default, in the same seconds.

Each row trains the default U-Net on slices 00-18 of ISBI 2012 with one thing changed, and is scored
on 20-24; each in a process of its own::

    python examples/ablate_training.py --data ../shared/data --seeds 0 1 2

All rows start from the weights that come with the package but the two with residual blocks, which
have none and are compared with each other. Differences are taken seed by seed. Gaps are walls that
are open, false walls divide one cell (:mod:`peers.gaps` says how they are counted).

Rows are added to one JSON file, which the figure is drawn from; those in it are not run again.
"""

import argparse
from pathlib import Path

from peers.ablations import ABLATIONS
from peers.rows import answer_row
from peers.slices import add_slice_arguments, check_slice_arguments
from peers.variant_figure import describe, draw_variants
from peers.variant_table import (
    COLUMNS,
    Runs,
    collect,
    difference_cell,
    print_failures,
    print_markdown,
    table_cells,
)
from peers.variants import add_row_arguments, list_specs, open_store, run_missing, run_variant

#: Columns of the table.
SHOWN = (
    "v_rand", "v_info", "v_rand_mask", "iou", "dice", "cldice", "log_loss", "ece", "gaps",
    "false_walls", "n_steps",
)  # fmt: skip


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_slice_arguments(parser)
    add_row_arguments(parser, ABLATIONS, 120.0, "ablation")
    parser.add_argument("--figure", type=Path, default=Path("out/ablation.png"))
    arguments = parser.parse_args(argv)
    arguments.settings = check_slice_arguments(parser, arguments)
    arguments.settings["time_limit"] = arguments.time_limit
    return arguments


def print_table(runs: Runs, time_limit: float) -> None:
    """Print the means in the order of the rows, with the difference that each change makes."""
    print(
        f"\n{time_limit:g} s, V_Rand and V_Info at the best threshold, all other masks at that of "
        "fit; eight views. Brackets: standard deviations over seeds, of the difference its "
        "standard error. The last row's difference is to the one above it.\n"
    )
    lines = [
        [
            ABLATIONS[name].title,
            *cells,
            difference_cell(runs, name, ABLATIONS[name].base, "v_rand"),
            str(len(runs[name])),
        ]
        for name, cells in table_cells(runs, SHOWN).items()
    ]
    headings = (COLUMNS[column][0] for column in SHOWN)
    print_markdown(["changed", *headings, "V_Rand - default", "runs"], lines)


def main(argv: list[str] | None = None) -> None:
    """Run the rows that are missing, print all, draw the figure."""
    arguments = parse_arguments(argv)
    store = open_store(arguments, arguments.settings)
    specs = list_specs(arguments, arguments.rows, arguments.seeds)
    run_missing(store, __file__, arguments.data, specs)
    store.write()
    runs = collect(store.rows, ABLATIONS)
    print_table(runs, arguments.time_limit)
    print_failures(store.rows)
    titles = {name: variant.title for name, variant in ABLATIONS.items()}
    title = describe(store.content, "The default U-Net, one thing changed")
    columns = ("v_rand", "v_rand_mask", "log_loss", "gaps")
    draw_variants(runs, titles, columns, title, arguments.figure)


def answer(argv: list[str]) -> None:
    """Run one row, as :func:`peers.rows.run_row` asks for it."""
    answer_row(argv, lambda spec: run_variant(spec, ABLATIONS[spec["row"]]))


if __name__ == "__main__":
    import sys

    if sys.argv[1:2] == ["--one-row"]:
        answer(sys.argv[2:])
    else:
        main()

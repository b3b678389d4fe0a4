"""Losses and regularisers, each alone beside the default, in the same seconds.

Each row trains the default U-Net on slices 00-18 of ISBI 2012 with one thing changed, and is scored
on 20-24; each in a process of its own::

    python examples/ablate_training.py --data ../shared/data --seeds 0 1 2

All rows start from the weights that come with the package but the two with residual blocks, which
have none and are compared with each other. Differences are taken seed by seed. Gaps are walls that
are open, false walls divide one cell (:mod:`peers.gaps` says how they are counted).

Rows are added to one JSON file, which the figure is drawn from; those in it are not run again.

With ``--max-steps`` each row takes so many steps instead of its seconds, so that any machine may
train it; what a step costs on this one is then timed apart, and stands in the table::

    python examples/ablate_training.py --data ../shared/data --time-steps out/costs.json
    python examples/ablate_training.py --data ../shared/data --max-steps 1400 --costs out/costs.json
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

from peers.ablations import ABLATIONS
from peers.rows import answer_row
from peers.slices import add_slice_arguments, check_slice_arguments
from peers.step_costs import load_costs, measure_costs
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
    parser.add_argument("--max-steps", type=int, help="steps of a row instead of its seconds")
    parser.add_argument("--time-steps", type=Path, help="only time steps, and write this file")
    parser.add_argument("--costs", type=Path, help="what --time-steps wrote, for the table")
    arguments = parser.parse_args(argv)
    arguments.settings = check_slice_arguments(parser, arguments)
    arguments.settings["time_limit"] = arguments.time_limit
    if arguments.max_steps is not None:
        arguments.settings["max_steps"] = arguments.max_steps
    return arguments


def print_table(runs: Runs, length: str, costs: Mapping[str, float]) -> None:
    """Print the means in the order of the rows, with the difference that each change makes."""
    print(
        f"\n{length}, V_Rand and V_Info at the best threshold, all other masks at that of "
        "fit; eight views. Brackets: standard deviations over seeds, of the difference its "
        "standard error. The last row's difference is to the one above it.\n"
    )
    lines = [
        [
            ABLATIONS[name].title,
            *cells,
            difference_cell(runs, name, ABLATIONS[name].base, "v_rand"),
            f"{costs[name]:.2f}" if name in costs else "",
            str(len(runs[name])),
        ]
        for name, cells in table_cells(runs, SHOWN).items()
    ]
    headings = (COLUMNS[column][0] for column in SHOWN)
    print_markdown(["changed", *headings, "V_Rand - default", "time of a step", "runs"], lines)


def main(argv: list[str] | None = None) -> None:
    """Run the rows that are missing, print all, draw the figure."""
    arguments = parse_arguments(argv)
    if arguments.time_steps is not None:
        rows = {name: ABLATIONS[name] for name in arguments.rows}
        measure_costs(arguments.time_steps, arguments.data, arguments.train, rows, n_rounds=2)
        return
    specs = list_specs(arguments, arguments.rows, arguments.seeds)
    length = f"{arguments.time_limit:g} s"
    if arguments.max_steps is not None:
        specs = [spec | {"max_steps": arguments.max_steps} for spec in specs]
        length = f"{arguments.max_steps} steps"
    store = open_store(arguments, arguments.settings)
    run_missing(store, __file__, arguments.data, specs)
    store.write()
    runs = collect(store.rows, ABLATIONS)
    costs = load_costs(arguments.costs, "bce") if arguments.costs else {}
    print_table(runs, length, costs)
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

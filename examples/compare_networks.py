"""Every network in the same seconds, on the same slices.

Each row trains on slices 00-18 of ISBI 2012 for the same wall clock, compiling counted, and is
scored on 20-24, in a process of its own. All networks but the first start from random weights::

    python examples/compare_networks.py --data ../shared/data
    python examples/compare_networks.py --data ../shared/data --best 5 --best-seeds 0 1 2

The second line runs the five best with more seeds. They are chosen by the loss on the blocks of
the training slices that each fit leaves out (of one seed the same blocks for all rows), not by the
test slices: a choice by these would make their scores too good.

Rows are added to one JSON file, which the figure is drawn from; those in it are not run again.
"""

import argparse
from pathlib import Path

from peers.networks import NETWORKS, best_by_validation
from peers.rows import Store, answer_row
from peers.slices import add_slice_arguments, check_slice_arguments
from peers.variant_figure import describe, draw_variants
from peers.variant_table import (
    COLUMNS,
    Runs,
    by_v_rand,
    collect,
    print_failures,
    print_markdown,
    table_cells,
)
from peers.variants import add_row_arguments, list_specs, open_store, run_missing, run_variant

#: Columns of the table.
SHOWN = (
    "v_rand", "v_info", "v_rand_mask", "iou", "dice", "log_loss", "ece", "val_loss",
    "n_parameters", "n_steps", "trained", "predicted_one", "predicted_eight", "peak_gb",
)  # fmt: skip


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_slice_arguments(parser)
    add_row_arguments(parser, NETWORKS, 300.0, "networks")
    parser.add_argument("--best", type=int, default=0, help="rows to run with more seeds")
    parser.add_argument("--best-seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--figure", type=Path, default=Path("out/networks.png"))
    arguments = parser.parse_args(argv)
    arguments.settings = check_slice_arguments(parser, arguments)
    arguments.settings["time_limit"] = arguments.time_limit
    return arguments


def run_best(store: Store, arguments: argparse.Namespace) -> None:
    """Choose the best rows of the screening and run them with more seeds."""
    runs = collect(store.rows, arguments.rows)
    best = best_by_validation(runs, arguments.seeds, arguments.best)
    print(f"best by validation loss: {', '.join(best) or 'none'}", flush=True)
    store.content["best"] = best
    specs = list_specs(arguments, best, arguments.best_seeds)
    run_missing(store, __file__, arguments.data, specs)


def print_table(runs: Runs, time_limit: float) -> None:
    """Print the means, best V_Rand first."""
    print(
        f"\n{time_limit:g} s, best threshold unless 'mask', eight views; standard deviations over "
        "seeds in brackets. All but the first kind of U-Net start from random weights.\n"
    )
    cells = table_cells(by_v_rand(runs), SHOWN)
    print_markdown(
        ["network", *(COLUMNS[column][0] for column in SHOWN), "runs"],
        ([NETWORKS[name].title, *row, str(len(runs[name]))] for name, row in cells.items()),
    )


def main(argv: list[str] | None = None) -> None:
    """Run the rows that are missing, print all, draw the figure."""
    arguments = parse_arguments(argv)
    store = open_store(arguments, arguments.settings)
    specs = list_specs(arguments, arguments.rows, arguments.seeds)
    run_missing(store, __file__, arguments.data, specs)
    if arguments.best:
        run_best(store, arguments)
    store.write()
    runs = collect(store.rows, NETWORKS)
    print_table(runs, arguments.time_limit)
    print_failures(store.rows)
    titles = {name: variant.title for name, variant in NETWORKS.items()}
    title = describe(store.content, "Networks")
    columns = ("v_rand", "v_info", "trained", "predicted_one")
    draw_variants(runs, titles, columns, title, arguments.figure)


def answer(argv: list[str]) -> None:
    """Run one row, as :func:`peers.rows.run_row` asks for it."""
    answer_row(argv, lambda spec: run_variant(spec, NETWORKS[spec["row"]]))


if __name__ == "__main__":
    import sys

    if sys.argv[1:2] == ["--one-row"]:
        answer(sys.argv[2:])
    else:
        main()

"""Few labelled slices: do unlabelled ones help, and does a network of another set?

Two labelled slices of ISBI 2012 beside 17 unlabelled ones, against the two alone in the same
seconds; and a network that learnt from ISBI 2012, tuned on two slices of a FIB-SEM stack, against
networks that start from random weights and from those that come with the package::

    python examples/little_data.py --data ../shared/data --seeds 0 1 2

A seed also decides which two slices are labelled; differences are taken seed by seed. All tuned
networks start from one source, which is trained once and kept beside the JSON file.

Rows are added to one JSON file; those in it are not run again.
"""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from peers.little_rows import FAR_SET, SEMI, TRANSFER, TUNED, run_little_row
from peers.quality_rows import key_of, label_sets, make_spec
from peers.rows import Store, answer_row
from peers.slices import add_slice_arguments, check_slice_arguments, parse_numbers
from peers.variant_table import (
    COLUMNS,
    collect,
    difference_cell,
    print_failures,
    print_markdown,
    table_cells,
)
from peers.variants import Variant, add_row_arguments, open_store, run_missing

#: Columns of the tables.
SHOWN = ("v_rand", "v_info", "v_rand_mask", "dice", "log_loss", "ece", "gaps", "n_steps")

#: What a file of rows has in common.
_SHARED = (
    "labels", "label_slices", "time_limit", "far_slices", "far_test", "tune_time_limit",
    "source_time_limit",
)  # fmt: skip


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_slice_arguments(parser)
    add_row_arguments(parser, SEMI | TRANSFER, 60.0, "little_data")
    parser.set_defaults(seeds=[0, 1, 2])
    parser.add_argument("--labels", type=int, default=2, help="labelled slices of a row")
    parser.add_argument("--label-slices", type=parse_numbers, default=[2, 6, 10, 15, 18])
    parser.add_argument("--far-slices", type=parse_numbers, default=[0, 7, 14, 21, 28])
    parser.add_argument("--far-test", type=parse_numbers, default=parse_numbers("40-49"))
    parser.add_argument("--source-time-limit", type=float, default=120.0)
    parser.add_argument("--tune-time-limit", type=float, default=30.0)
    arguments = parser.parse_args(argv)
    settings = check_slice_arguments(parser, arguments)
    arguments.settings = settings | {name: getattr(arguments, name) for name in _SHARED}
    strangers = sorted(set(arguments.label_slices) - set(arguments.train))
    if strangers:
        parser.error(f"--label-slices must be among --train; {strangers} are not")
    both = sorted(set(arguments.far_slices) & set(arguments.far_test))
    if both:
        parser.error(f"--far-slices and --far-test must not share slices; both hold {both}")
    return arguments


def semi_specs(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """List the rows with unlabelled slices, and the one without."""
    sets = label_sets(arguments.label_slices, arguments.labels)
    for seed in arguments.seeds:
        for row in SEMI:
            train = sets[seed % len(sets)]
            spec = make_spec(row, arguments.time_limit, seed, train, arguments.labels)
            yield spec | {"pool": arguments.train}


def transfer_specs(arguments: argparse.Namespace, store: Store) -> Iterator[dict[str, Any]]:
    """List the rows on the other set; the source first, where it is needed."""
    kept = arguments.output.resolve().with_suffix(".source.pkl")
    if set(arguments.rows) & set(TUNED):
        source = make_spec("source", arguments.source_time_limit, 0, arguments.train)
        if not kept.exists():
            store.rows.pop(key_of(source), None)
        yield source | {"source": str(kept)}
    sets = label_sets(arguments.far_slices, arguments.labels)
    for seed in arguments.seeds:
        for row in TRANSFER:
            train = sets[seed % len(sets)]
            spec = make_spec(row, arguments.tune_time_limit, seed, train, arguments.labels)
            yield spec | {"test": arguments.far_test, "source": str(kept)}


def print_part(
    title: str, rows: Mapping[str, Any], variants: Mapping[str, Variant], bases: tuple[str, ...]
) -> None:
    """Print the means of a part, and its differences to the rows of `bases`."""
    runs = collect(rows, variants)
    headings = [COLUMNS[column][0] for column in SHOWN]
    print(f"\n{title} (standard deviations in brackets)\n")
    print_markdown(
        ["row", *headings, "runs"],
        (
            [variants[name].title, *cells, str(len(runs[name]))]
            for name, cells in table_cells(runs, SHOWN).items()
        ),
    )
    for base in bases:
        print(f"\ndifference to '{variants[base].title}' (standard errors in brackets)\n")
        print_markdown(
            ["row", *headings[:-1]],
            (
                [
                    variants[name].title,
                    *(difference_cell(runs, name, base, column) for column in SHOWN[:-1]),
                ]
                for name in runs
                if name != base
            ),
        )


def main(argv: list[str] | None = None) -> None:
    """Run the rows that are missing and print all."""
    arguments = parse_arguments(argv)
    store = open_store(arguments, arguments.settings)
    specs = list(semi_specs(arguments))
    if (arguments.data / FAR_SET).is_dir():
        specs += transfer_specs(arguments, store)
    elif set(arguments.rows) & set(TRANSFER):
        store.leave_out("transfer", f"no such folder as {arguments.data / FAR_SET}")
    wanted = {*arguments.rows, "source"}
    specs = [spec for spec in specs if spec["row"] in wanted]
    run_missing(store, __file__, arguments.data, specs)
    store.write()
    labels = f"{arguments.labels} labelled slices"
    semi = f"{labels} of ISBI 2012, {arguments.time_limit:g} s"
    print_part(semi, store.rows, SEMI, ("labelled",))
    transfer = f"{labels} of {FAR_SET}, {arguments.tune_time_limit:g} s"
    print_part(transfer, store.rows, TRANSFER, ("scratch", "synthetic"))
    print_failures(store.rows)


def answer(argv: list[str]) -> None:
    """Run one row, as :func:`peers.rows.run_row` asks for it."""
    answer_row(argv, run_little_row)


if __name__ == "__main__":
    import sys

    if sys.argv[1:2] == ["--one-row"]:
        answer(sys.argv[2:])
    else:
        main()

"""The best membrane map per second: membseg and its peers, side by side on the same slices.

Every row trains on slices 00-18 of ISBI 2012 for the same wall clock, compiling counted, and is
scored on 20-24; each in a process of its own, so that its peak memory is its own and a crash costs
nothing else::

    python examples/benchmark_quality.py --data ../shared/data --time-limits 60 120 300

The rows: ``membseg`` (one fit, one view and eight), ``torch16`` and ``torch64`` (a plain PyTorch
U-Net), ``forest`` (a random forest on scikit-image's features), ``classical`` (the classical Keras
recipe); on request ``membseg_random`` (from random weights) and ``torch16_cosine`` (with a learning
rate that falls over the time limit). What is not installed is named and left out.

Few labels (60 s on one slice, on two, on five), and seconds to a V_Rand (limits that double)::

    python examples/benchmark_quality.py --data ../shared/data --labels 1 2 5
    python examples/benchmark_quality.py --data ../shared/data --until 0.95 --rows membseg torch16

Rows are added to one JSON file, which the figure is drawn from; those in it are not run again.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from peers.machine import is_installed
from peers.quality_figure import draw_quality
from peers.quality_rows import (
    DEFAULT_ROWS,
    PEERS,
    doubling_limits,
    key_of,
    label_sets,
    make_spec,
    run_quality_row,
)
from peers.quality_table import print_seconds_until, print_tables, seconds_until
from peers.rows import Store, answer_row, run_row
from peers.slices import add_slice_arguments, check_slice_arguments, parse_numbers


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_slice_arguments(parser)
    parser.add_argument("--rows", nargs="+", choices=PEERS, default=None, metavar="ROW")
    parser.add_argument("--time-limits", nargs="+", type=float, default=[60.0, 120.0, 300.0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--labels", nargs="+", type=int, help="numbers of labelled slices")
    parser.add_argument("--label-slices", type=parse_numbers, default=[2, 6, 10, 15, 18])
    parser.add_argument("--label-time-limit", type=float, default=60.0)
    parser.add_argument("--until", type=float, help="V_Rand to reach, with limits that double")
    parser.add_argument("--until-first", type=float, default=15.0, help="first limit, seconds")
    parser.add_argument("--until-most", type=float, default=960.0, help="last limit, seconds")
    parser.add_argument("--torch-dtype", choices=("auto", "float32", "bfloat16"), default="auto")
    parser.add_argument("--again", nargs="+", default=[], metavar="ROW", help="rows to run anew")
    parser.add_argument("--output", type=Path, default=Path("out/quality.json"))
    parser.add_argument("--figure", type=Path, default=Path("out/quality.png"))
    arguments = parser.parse_args(argv)
    arguments.settings = check_slice_arguments(parser, arguments)
    arguments.settings["torch_dtype"] = arguments.torch_dtype
    strangers = sorted(set(arguments.label_slices) - set(arguments.train))
    if arguments.labels and strangers:
        parser.error(f"--label-slices must be among --train; {strangers} are not")
    return arguments


class Benchmark:
    """Runs the rows that are missing."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.store = Store(arguments.output, arguments.settings)
        for key in [key for key, row in self.store.rows.items() if row["row"] in arguments.again]:
            del self.store.rows[key]
        self.rows = [row for row in self._wanted() if self._can_run(row)]

    def _wanted(self) -> list[str]:
        if self.arguments.rows is not None:
            return self.arguments.rows
        few = bool(self.arguments.labels)
        return [row for row in DEFAULT_ROWS if PEERS[row].few_labels or not few]

    def _can_run(self, row: str) -> bool:
        peer = PEERS[row]
        if is_installed(peer.needs):
            return True
        self.store.leave_out(row, f"{peer.needs_name} is not installed")
        return False

    def specs(self) -> Iterator[dict[str, Any]]:
        """List what to run where nothing depends on results."""
        for n_labels in self.arguments.labels or []:
            for train in label_sets(self.arguments.label_slices, n_labels):
                for seed in self.arguments.seeds:
                    for row in self.rows:
                        limit = self.arguments.label_time_limit
                        yield make_spec(row, limit, seed, train, n_labels)
        if not self.arguments.labels and self.arguments.until is None:
            # Seeds outermost: an interrupted run has every row once before any row twice.
            for seed in self.arguments.seeds:
                for limit in self.arguments.time_limits:
                    for row in self.rows:
                        yield make_spec(row, limit, seed, self.arguments.train)

    def run(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Run a row unless it is there."""
        key = key_of(spec)
        if not self.store.has(key):
            print(f"{key} ...", flush=True)
            request = spec | {
                "data": str(self.arguments.data.resolve()),
                "test": self.arguments.test,
                "torch_dtype": self.arguments.torch_dtype,
            }
            # Generous: scores and features of many slices come on top of the limit.
            self.store.add(key, run_row(__file__, request, timeout=1800 + 4 * spec["time_limit"]))
        return self.store.rows[key]

    def run_until(self) -> None:
        """Double each row's time limit until all its views reach the value."""
        for seed in self.arguments.seeds:
            for row in self.rows:
                for limit in self.limits():
                    found = self.run(make_spec(row, limit, seed, self.arguments.train))
                    scores = [views["v_rand"] for views in found.get("views", {}).values()]
                    if scores and min(scores) >= self.arguments.until:
                        break

    def limits(self) -> list[float]:
        """Time limits of `run_until`."""
        return list(doubling_limits(self.arguments.until_first, self.arguments.until_most))


def main(argv: list[str] | None = None) -> None:
    """Run the rows that are missing, print all, draw the figure."""
    arguments = parse_arguments(argv)
    benchmark = Benchmark(arguments)
    for spec in benchmark.specs():
        benchmark.run(spec)
    rows = benchmark.store.rows
    if arguments.until is not None:
        benchmark.run_until()
        found = seconds_until(rows, arguments.until, benchmark.limits())
        benchmark.store.content["seconds_until"] = {"v_rand": arguments.until, "rows": found}
    benchmark.store.write()
    print_tables(rows)
    if arguments.until is not None:
        print_seconds_until(found, arguments.until)
    draw_quality(benchmark.store.content, arguments.figure, arguments.until)


def answer(argv: list[str]) -> None:
    """Run one row, as :func:`peers.rows.run_row` asks for it."""
    answer_row(argv, run_quality_row)


if __name__ == "__main__":
    import sys

    if sys.argv[1:2] == ["--one-row"]:
        answer(sys.argv[2:])
    else:
        main()

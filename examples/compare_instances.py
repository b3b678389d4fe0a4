"""Cells by every method, on the same maps, scored as the field scores them.

A U-Net is trained once on slices 00-18 of ISBI 2012, and once more for each block of them that it
leaves out; its maps are kept in files. Then each method makes its cells of the maps of 20-24: with
parameters fixed beforehand, and with those that `CellSegmenter` chooses on the maps of the blocks
left out. A random forest with a watershed, and a Mask R-CNN, stand beside them::

    python examples/compare_instances.py --data ../shared/data

Other sets, with bright membranes or a second stack, train for shorter::

    python examples/compare_instances.py --data ../shared/data --set epitools --time-limit 60

Every training and every row is a process of its own. Rows are added to one JSON file, which the
figure is drawn from; those in it are not run again.
"""

import argparse
from pathlib import Path
from typing import Any

from peers.instance_maps import list_parts, map_file
from peers.instance_rows import MAKERS, RCNN, run_instance_row
from peers.instance_sets import SETS, add_set_arguments, check_set_arguments
from peers.instance_table import draw_scores, print_scores
from peers.rows import Store, answer_row, run_row
from peers.variant_table import print_failures

import membseg


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_set_arguments(parser)
    parser.add_argument("--rows", nargs="+", choices=MAKERS, default=list(MAKERS), metavar="ROW")
    parser.add_argument("--time-limit", type=float, default=300.0, help="seconds of a U-Net")
    parser.add_argument("--max-steps", type=int, help="steps of a U-Net in place of its seconds")
    parser.add_argument("--rcnn-time-limit", type=float, default=1800.0, help="of Mask R-CNN")
    parser.add_argument("--folds", type=int, default=3, help="blocks left out to tune on")
    parser.add_argument("--tune", default="panoptic_quality", help="the score to tune for")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--again", nargs="+", default=[], metavar="ROW", help="rows to run anew")
    parser.add_argument("--output", type=Path, help="out/instances_SET.json unless said otherwise")
    parser.add_argument("--maps", type=Path, help="folder of the maps; beside the output")
    parser.add_argument("--figure", type=Path, help="beside the output")
    arguments = parser.parse_args(argv)
    check_set_arguments(parser, arguments)
    output = arguments.output or Path(f"out/instances_{arguments.name}.json")
    arguments.output = output
    arguments.maps = arguments.maps or output.with_name(f"{output.stem}_maps")
    arguments.figure = arguments.figure or output.with_suffix(".png")
    return arguments


class Comparison:
    """Runs what is missing."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.settings = {
            "set": arguments.name, "time_limit": arguments.time_limit, "tune": arguments.tune,
            "max_steps": arguments.max_steps, "rcnn_time_limit": arguments.rcnn_time_limit,
            "seed": arguments.seed,
            "parts": {
                name: list(part) for name, part in
                list_parts(arguments.train, arguments.test, arguments.folds).items()
            },
        }  # fmt: skip
        self.places = {
            "data": str(arguments.data.resolve()), "maps": str(arguments.maps.resolve()),
        }  # fmt: skip
        self.store = Store(arguments.output, self.settings)
        for row in arguments.again:
            self.store.rows.pop(row, None)
        self.rows = [row for row in arguments.rows if self._can_run(row)]

    def _can_run(self, row: str) -> bool:
        if MAKERS[row].net or hasattr(membseg, RCNN):
            return True
        self.store.leave_out(row, f"this version has no {RCNN}")
        return False

    def run(self) -> None:
        """Make the maps that are missing, then the cells."""
        nets = dict.fromkeys(MAKERS[row].net for row in self.rows if MAKERS[row].net)
        tuned = {MAKERS[row].net for row in self.rows if MAKERS[row].tuned}
        for net in nets:
            for part in self.settings["parts"]:
                if part == "test" or net in tuned:
                    self._make_maps(net, part)
        for row in self.rows:
            if not self.store.has(row):
                self._run(row, {"job": "cells", "row": row})

    def _make_maps(self, net: str, part: str) -> None:
        spec = {"job": "maps", "net": net, "part": part}
        path = map_file(self.settings | self.places | spec, part)
        key = f"maps of {net}, {part}"
        if not (self.store.has(key) and path.is_file()):
            self._run(key, spec)

    def _run(self, key: str, spec: dict[str, Any]) -> None:
        print(f"{key} ...", flush=True)
        seconds = self.settings["time_limit"] + self.settings["rcnn_time_limit"]
        request = self.settings | self.places | spec
        # Generous: compiling, features and scores come on top of the limits.
        found = run_row(__file__, request, timeout=1800 + 2 * seconds)
        common = self.settings | self.places
        self.store.add(key, {name: found[name] for name in found if name not in common})


def main(argv: list[str] | None = None) -> None:
    """Run what is missing, print all, draw the figure."""
    arguments = parse_arguments(argv)
    comparison = Comparison(arguments)
    comparison.run()
    store = comparison.store
    store.write()
    title = SETS[arguments.name].title
    print_scores(store.rows, title)
    print_failures(store.rows)
    draw_scores(store.content, title, arguments.figure)


def answer(argv: list[str]) -> None:
    """Run one row, as :func:`peers.rows.run_row` asks for it."""
    answer_row(argv, run_instance_row)


if __name__ == "__main__":
    import sys

    if sys.argv[1:2] == ["--one-row"]:
        answer(sys.argv[2:])
    else:
        main()

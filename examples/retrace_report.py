"""One net, of which it was told: accuracy 0.97, IoU 0.96, and "pixel accuracy about 50 %".

Trains the classical recipe of countless tutorials as it stands (a U-Net of 64 filters and four
poolings, binary cross-entropy, Adam 1e-4, batches of two whole slices, five epochs of 300 steps) on
slices 00-18 of ISBI 2012, and the default U-Net beside it; then reads their maps of the training
slices, of moved copies of them and of the held-out slices 20-24 in every way that people do::

    python examples/retrace_report.py --data ../shared/data
    python examples/retrace_report.py --data ../shared/data --quick

The first wants a GPU; ``--quick`` makes do with a laptop, with a net of 16 filters, a quarter of
each slice and fewer steps: its numbers are others, its table is the same. ``--side 256 --resize``
makes whole slices smaller by their nearest pixels, as the widely known code of the recipe does. The
readings are defined in :mod:`peers.retrace_readings`. Nothing is chosen to meet the quoted numbers:
all readings are printed, and those within 0.03 of one are marked.

Both nets are kept in one JSON file of numbers; what is in it is not trained again. ``--redraw``
makes table and figure of such a file, wherever it was made, and trains nothing.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from peers.retrace_figure import draw_retrace
from peers.retrace_table import print_report
from peers.rows import Store, answer_row, run_row
from peers.slices import add_slice_arguments, check_slice_arguments

#: Nets in the order of the tables.
ROWS = ("classical", "default")

#: Option -> its value in full and in quick runs.
_SIZES = {
    "side": (512, 256), "filters": (64, 16), "epochs": (5, 5), "steps": (300, 50),
    "max_steps": (1500, 100),
}  # fmt: skip


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_slice_arguments(parser, required=False)
    parser.add_argument("--quick", action="store_true", help="a smaller run")
    parser.add_argument("--side", type=int, help="pixels of each slice's side that are used")
    parser.add_argument(
        "--resize", action="store_true", help="resize slices to that side; do not cut them"
    )
    parser.add_argument("--filters", type=int, help="of the classical net's first level")
    parser.add_argument("--epochs", type=int, help="of the classical net")
    parser.add_argument("--steps", type=int, help="of each of those epochs")
    parser.add_argument("--max-steps", type=int, help="of the default net")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW")
    parser.add_argument("--output", type=Path, default=Path("out/retrace.json"))
    parser.add_argument("--figure", type=Path, default=Path("out/retrace.png"))
    parser.add_argument("--redraw", action="store_true", help="train nothing")
    arguments = parser.parse_args(argv)
    for name, values in _SIZES.items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, values[arguments.quick])
        if getattr(arguments, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    if arguments.side % 16:
        parser.error(f"--side must be a multiple of 16, for four poolings; got {arguments.side}")
    if arguments.redraw:
        return arguments
    if arguments.data is None:
        parser.error("--data is needed where nets are trained")
    arguments.settings = check_slice_arguments(parser, arguments)
    names = (*_SIZES, "resize", "seed")
    arguments.settings |= {name: getattr(arguments, name) for name in names}
    return arguments


def train_missing(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train the nets that the file lacks, each in a process of its own; give its content."""
    store = Store(arguments.output, arguments.settings)
    for row in arguments.rows:
        if not store.has(row):
            print(f"{row} ...", flush=True)
            spec = arguments.settings | {"row": row, "data": str(arguments.data.resolve())}
            # A day: on two cores the full recipe takes most of one.
            store.add(row, run_row(__file__, spec, timeout=24 * 3600))
    store.write()
    return store.content


def describe(content: dict[str, Any]) -> str:
    """Say above the figure what was trained, and where."""
    settings, machine = content["settings"], content["machine"]
    test = settings["test"]
    cut = "resized to " if settings.get("resize") else ""
    where = ", ".join(machine["gpu"]) or f"{machine['cores']} cores of {machine['processor']}"
    return (
        f"ISBI 2012, held-out slices {test[0]}-{test[-1]}; the classical recipe with "
        f"{settings['filters']} filters, {cut}{settings['side']} px, "
        f"{settings['epochs']} epochs of {settings['steps']} steps; {where}"
    )


def main(argv: list[str] | None = None) -> None:
    """Train what is missing, print the tables, draw the figure."""
    arguments = parse_arguments(argv)
    if arguments.redraw:
        content = json.loads(arguments.output.read_text())
    else:
        content = train_missing(arguments)
    print_report(content["rows"])
    draw_retrace(content["rows"], arguments.figure, describe(content))


def answer(argv: list[str]) -> None:
    """Train one net, as :func:`peers.rows.run_row` asks for it."""
    from peers.retrace_rows import run_retrace_row

    answer_row(argv, run_retrace_row)


if __name__ == "__main__":
    import sys

    if sys.argv[1:2] == ["--one-row"]:
        answer(sys.argv[2:])
    else:
        main()

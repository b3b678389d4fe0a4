"""Where the time goes, and how far it is from the machine's limit.

Sections, each in processes of its own::

    rates      the machine's matrix rate, float32 and bfloat16
    profile    a training step and a predicted slice of the default network, taken apart
    steps      one training step of the same layers: membseg and plain PyTorch, in turns
    pixels     pixels trained and predicted a second: the default network and the classical one
    big        large images from file to file: pixels a second, memory, a crop's equality
    precision  bfloat16 against float32 on held-out slices
    start      a fresh process: imports, and the first training step

On a machine that does nothing else::

    python examples/benchmark_speed.py --data ../shared/data

Results are added to one JSON file, which the figure is drawn from; those in it are not run again.
"""

import argparse
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from peers.machine import is_installed
from peers.rows import Store, answer_row, run_row
from peers.slices import add_slice_arguments, check_slice_arguments
from peers.speed_figure import draw_speed
from peers.speed_table import print_sections

#: Section -> where it is run; imported by the process that runs it.
SECTIONS = {
    "rates": "speed_rates:run_rates",
    "profile": "speed_profile:run_profile",
    "steps": "speed_steps:run_steps",
    "pixels": "speed_steps:run_pixels",
    "big": "speed_big:run_big",
    "precision": "speed_precision:run_precision",
    "start": "speed_start:run_start",
}

#: Seconds after which a row is given up.
_TIMEOUT = 7200.0


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_slice_arguments(parser)
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--again", nargs="+", default=[], metavar="SECTION")
    parser.add_argument("--repeats", type=int, default=5, help="turns behind each median")
    parser.add_argument("--steps", type=int, default=3, help="steps a turn")
    parser.add_argument("--profile-steps", type=int, default=40)
    parser.add_argument("--precision-steps", type=int, default=400)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="of precision")
    parser.add_argument("--matrix-size", type=int, default=4096)
    parser.add_argument("--filters", type=int, default=16, help="of steps")
    parser.add_argument("--patch", type=int, default=192, help="of steps, pixels")
    parser.add_argument("--batch", type=int, default=8, help="of steps")
    parser.add_argument("--classical-filters", type=int, default=64)
    parser.add_argument("--sides", nargs="+", type=int, default=[2048, 4096, 8192, 16384])
    parser.add_argument("--output", type=Path, default=Path("out/speed.json"))
    parser.add_argument("--figure", type=Path, default=Path("out/speed.png"))
    arguments = parser.parse_args(argv)
    shared = ("repeats", "steps", "profile_steps", "precision_steps", "matrix_size", "filters",
              "patch", "batch", "classical_filters")  # fmt: skip
    arguments.settings = check_slice_arguments(parser, arguments)
    arguments.settings |= {name: getattr(arguments, name) for name in shared}
    return arguments


def specs(arguments: argparse.Namespace) -> Iterator[tuple[str, dict[str, Any]]]:
    """List the rows of each section: key and what to run."""
    data = {"data": str(arguments.data.resolve()), "train": arguments.train}
    repeats = {"repeats": arguments.repeats}
    turns = repeats | {"steps": arguments.steps}
    simple = {
        "rates": repeats | {"size": arguments.matrix_size},
        "profile": data | repeats | {"steps": arguments.profile_steps},
        "pixels": data | turns | {"classical_filters": arguments.classical_filters},
        "start": repeats,
    }
    for section in arguments.sections:
        if section in simple:
            yield section, {"section": section} | simple[section]
        elif section == "steps":
            shape = [arguments.batch, arguments.patch, arguments.patch]
            sizes = {"shape": shape, "base_filters": arguments.filters}
            for net in import_module("peers.speed_steps").NETS:
                yield f"steps, {net}", {"section": "steps", "net": net} | turns | sizes
        elif section == "big":
            folder = arguments.output.resolve().parent
            places = {"folder": str(folder), "segmenter": str(folder / "big_segmenter.pkl")}
            for side in arguments.sides:
                row = {"section": "big", "side": side, "warm_side": min(arguments.sides)}
                yield f"big, {side} x {side}", row | places
        else:
            steps = {"steps": arguments.precision_steps, "test": arguments.test}
            for seed in arguments.seeds:
                row = {"section": "precision", "seed": seed}
                yield f"precision, seed {seed}", row | data | steps


def run_speed_row(spec: dict[str, Any]) -> dict[str, Any]:
    """Run one row, in this process."""
    if spec["section"] == "make segmenter":
        import_module("peers.speed_big").make_segmenter(Path(spec["segmenter"]), {})
        return {}
    module, _, function = SECTIONS[spec["section"]].partition(":")
    run: Callable[[dict[str, Any]], dict[str, Any]] = getattr(
        import_module(f"peers.{module}"), function
    )
    return run(spec)


def run(key: str, spec: dict[str, Any], store: Store) -> None:
    """Run a row, with what it needs made before."""
    print(f"{key} ...", flush=True)
    if spec["section"] == "big":
        made = run_row(__file__, spec | {"section": "make segmenter"}, _TIMEOUT)
        if "failed" in made:
            store.add(key, spec | {"failed": made["failed"]})
            return
    try:
        store.add(key, run_row(__file__, spec, _TIMEOUT))
    finally:
        if spec["section"] == "big":
            Path(spec["segmenter"]).unlink(missing_ok=True)


def main(argv: list[str] | None = None) -> None:
    """Run what is missing, print all, draw the figure."""
    arguments = parse_arguments(argv)
    store = Store(arguments.output, arguments.settings)
    for key in [key for key, row in store.rows.items() if row["section"] in arguments.again]:
        del store.rows[key]
    if {"rates", "steps", "start"} & set(arguments.sections) and not is_installed("torch"):
        store.leave_out("torch", "PyTorch is not installed")
    store.write()
    for key, spec in specs(arguments):
        if not store.has(key):
            run(key, spec, store)
    print_sections(store.rows)
    draw_speed(store.content, arguments.figure)


if __name__ == "__main__":
    import sys

    if sys.argv[1:2] == ["--one-row"]:
        answer_row(sys.argv[2:], run_speed_row)
    else:
        main()

"""What a GPU does with membseg, beside a plain PyTorch loop on the same card.

Sections, each row in a process of its own::

    rate     the card's matrix rate in bfloat16 (or give it: --peak-tflops)
    train    training: 256 x 256 images a second, operations a second, share of the card's rate
    predict  the same for prediction
    quality  seconds of learning until V_Rand reaches 0.97: time limits 5, 10, 20, 40, ... s

Libraries: "membseg" (Keras on JAX, data on the device), "membseg, host" (batches from the host),
"torch" (torch.compile, bfloat16 autocast, channels_last, data on the card). Both train the same
layers on the same batches with the same views; in "quality" each has its own network::

    python examples/benchmark_gpu.py --data ../shared/data

Results are added to one JSON file; rows that are in it are not run again. Libraries that are not
installed are named and left out. It runs on a processor, too, with sizes to match::

    python examples/benchmark_gpu.py --data ../shared/data --filters 4 --batch-sizes 2 \\
        --patch 64 --matrix-size 512 --seconds 0.5 --limits 20
"""

import argparse
import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

from peers.machine import is_installed
from peers.rows import Store, answer_row, run_row
from peers.slices import add_slice_arguments, check_slice_arguments

SECTIONS = ("rate", "train", "predict", "quality")

#: Library -> the package that it needs, and where its rows are run.
LIBRARIES = {
    "membseg": ("jax", "peers.gpu_membseg"),
    "membseg, host": ("jax", "peers.gpu_membseg"),
    "torch": ("torch", "peers.gpu_torch"),
}

#: Section -> function that runs a row.
_FUNCTIONS = {
    "rate": "run_rate", "train": "run_training", "predict": "run_prediction",
    "quality": "run_quality",
}  # fmt: skip

#: Seconds after which a row is given up, beyond those that it was given.
_TIMEOUT = 900.0


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_slice_arguments(parser)
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--libraries", nargs="+", choices=LIBRARIES, default=list(LIBRARIES))
    parser.add_argument("--filters", nargs="+", type=int, default=[16, 64])
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[8, 32, 128])
    parser.add_argument("--patch", type=int, default=192, help="pixels, of train and predict")
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--stem-stride", type=int, default=1, choices=(1, 2))
    parser.add_argument("--seconds", type=float, default=2.0, help="of one measurement")
    parser.add_argument("--repeats", type=int, default=3, help="measurements behind each median")
    parser.add_argument("--matrix-size", type=int, default=8192)
    parser.add_argument("--peak-tflops", type=float, help="the card's rate, instead of measuring")
    parser.add_argument("--compile", default="default", help="mode of torch.compile, or 'no'")
    parser.add_argument("--limits", nargs="+", type=float, default=[5, 10, 20, 40, 80, 160, 320])
    parser.add_argument("--quality-batch", type=int, default=8)
    parser.add_argument("--target", type=float, default=0.97, help="V_Rand at the best threshold")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--output", type=Path, default=Path("out/gpu.json"))
    arguments = parser.parse_args(argv)
    arguments.settings = check_slice_arguments(parser, arguments)
    return arguments


def specs(arguments: argparse.Namespace, libraries: list[str]) -> Iterator[dict[str, Any]]:
    """List the rows of all sections but "quality"."""
    shared = {"seconds": arguments.seconds, "repeats": arguments.repeats}
    if "rate" in arguments.sections and arguments.peak_tflops is None:
        yield {"section": "rate", "library": "membseg", "size": arguments.matrix_size} | shared
    shared |= {
        "data": str(arguments.data.resolve()),
        "train": arguments.train,
        "patch": arguments.patch,
        "depth": arguments.depth,
        "stem_stride": arguments.stem_stride,
        "compile": arguments.compile,
    }
    for section in [name for name in ("train", "predict") if name in arguments.sections]:
        for filters in arguments.filters:
            for batch in arguments.batch_sizes:
                for library in libraries:
                    # Prediction is the same wherever training data live.
                    if section == "train" or library != "membseg, host":
                        row = {"section": section, "library": library, "filters": filters}
                        yield row | {"batch": batch} | shared


def run_gpu_row(spec: dict[str, Any]) -> dict[str, Any]:
    """Run one row, in this process."""
    module = import_module(LIBRARIES[spec["library"]][1])
    return getattr(module, _FUNCTIONS[spec["section"]])(spec)


def key_of(spec: dict[str, Any]) -> str:
    """Name a row by all that tells it from others."""
    left_out = ("data", "train", "test")
    return ", ".join(f"{name} {value}" for name, value in spec.items() if name not in left_out)


def run(spec: dict[str, Any], store: Store) -> dict[str, Any]:
    """Run a row that is not there yet, and give it."""
    key = key_of(spec)
    if not store.has(key):
        print(f"{spec['section']}: {key} ...", flush=True)
        store.add(key, run_row(__file__, spec, _TIMEOUT + spec.get("limit", 0.0)))
    return store.rows[key]


def run_until(
    arguments: argparse.Namespace, library: str, seed: int, store: Store
) -> list[dict[str, Any]]:
    """Double the time limit until the target is reached by one view or by eight."""
    rows = []
    for limit in arguments.limits:
        row = run(
            {
                "section": "quality",
                "library": library,
                "seed": seed,
                "limit": limit,
                "batch": arguments.quality_batch,
                "patch": arguments.patch,
                "compile": arguments.compile,
                "data": str(arguments.data.resolve()),
                "train": arguments.train,
                "test": arguments.test,
            },
            store,
        )
        rows.append(row)
        if best_v_rand(row) >= arguments.target:
            break
    return rows


def best_v_rand(row: dict[str, Any]) -> float:
    """V_Rand of a row, the better of one view and eight; 0 where it failed."""
    return max((scores["v_rand"] for scores in row.get("scores", {}).values()), default=0.0)


def print_speed(rows: list[dict[str, Any]], peak: float | None) -> None:
    """Print a line for each row of images a second."""
    print(
        f"\n{'':8} {'library':14} {'filters':>7} {'batch':>5} {'images/s':>9} {'TFLOP/s':>8} share"
    )
    for row in rows:
        head = f"{row['section']:8} {row['library']:14} {row['filters']:7d} {row['batch']:5d}"
        if "failed" in row:
            print(f"{head}  failed: {row['failed'].splitlines()[-1]}")
            continue
        share = f"{row['tflops'] / peak:5.1%}" if peak else "    -"
        more = ""
        if "first_call_seconds" in row:
            more = f"  first call {row['first_call_seconds']:.1f} s"
        if "host_images_per_second" in row:
            more = f"  from host to host {row['host_images_per_second']:.1f} images/s"
        print(f"{head} {row['images_per_second']:9.1f} {row['tflops']:8.2f} {share}{more}")


def print_quality(rows: list[dict[str, Any]], target: float) -> None:
    """Print a line for each fit."""
    for row in rows:
        head = f"quality  {row['library']:14} seed {row['seed']}  {row['limit']:5g} s"
        if "failed" in row:
            print(f"{head}  failed: {row['failed'].splitlines()[-1]}")
            continue
        shown = "  ".join(
            f"{views}: V_Rand {scores['v_rand']:.4f} V_Info {scores['v_info']:.4f}"
            for views, scores in row["scores"].items()
        )
        mark = f"  reached {target:g}" if best_v_rand(row) >= target else ""
        print(f"{head}  {row['n_steps']:6d} steps  {shown}{mark}")


def main(argv: list[str] | None = None) -> None:
    """Run what is missing and print all."""
    arguments = parse_arguments(argv)
    store = Store(arguments.output, arguments.settings)
    libraries = []
    for library in arguments.libraries:
        package = LIBRARIES[library][0]
        if is_installed(package):
            libraries.append(library)
        else:
            store.leave_out(library, f"{package} is not installed")
    store.write()
    rows = [run(spec, store) for spec in specs(arguments, libraries)]
    rates = [row.get("tflops") for row in rows if row["section"] == "rate"]
    peak = arguments.peak_tflops or next(iter(rates), None)
    fits = []
    if "quality" in arguments.sections:
        for seed in arguments.seeds:
            for library in libraries:
                fits += run_until(arguments, library, seed, store)
    machine = store.content["machine"]
    print(f"\n{', '.join(machine['gpu']) or machine['processor']}", end="")
    print(f"; peak {peak:.2f} TFLOP/s in bfloat16" if peak else "; peak not known")
    print_speed([row for row in rows if row["section"] != "rate"], peak)
    print_quality(fits, arguments.target)


if __name__ == "__main__":
    import sys

    if sys.argv[1:2] == ["--one-row"]:
        answer_row(sys.argv[2:], run_gpu_row)
    else:
        main()

"""Held-out scores of the default segmenter on real slices, one row a labelled set.

Each row trains for the same time on one block of a set and is scored on another, with a gap where
the slices are neighbours::

    python examples/benchmark_held_out.py --data ../shared/data --time-limit 120 --seeds 0 1 2

Rows: ``isbi2012`` (train 00-18, test 20-24), ``fibsem_medulla``, ``gala_fibsem``, ``epitools``,
``plantseg`` (the last two have bright membranes), and ``synthetic``: the weights that come with
the package, which never saw a real slice, on the test slices of isbi2012. A set whose folder is
missing is named and left out. Results are added to a JSON file row by row; rows that are in it
already are not run again. Scores are quoted at the threshold chosen in fit and at the best one.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from membseg import ThresholdSegmenter, UNetSegmenter, load_image_folder, make_membranes
from membseg.metrics import score_table

#: Set -> folders of images and masks, value of membrane, slices to train and to test on.
SETS = {
    "isbi2012": ("isbi2012/image", "isbi2012/label", 0, range(19), range(20, 25)),
    "fibsem_medulla": (
        "fibsem_medulla/image", "fibsem_medulla/membrane_from_labels", 255,
        range(39), range(40, 50)),
    # Two stacks: in natural order 50 slices "test", then 50 slices "train".
    "gala_fibsem": (
        "gala_fibsem/image", "gala_fibsem/membrane_from_labels", 255,
        range(50, 100), range(50)),
    "epitools": (
        "epitools/image", "epitools/membrane_from_labels", 255, range(5), range(6, 8)),
    "plantseg": (
        "plantseg/ovule_membrane/image", "plantseg/ovule_membrane/membrane_from_labels", 255,
        range(24), range(25, 32)),
}  # fmt: skip

#: Metrics that are printed; all are in the JSON file.
SHOWN = ("v_rand", "v_info", "v_rand_mask", "v_info_mask", "dice", "iou", "boundary_f1", "ece")


def take(stack: np.ndarray | list, numbers: range) -> np.ndarray | list:
    """Take slices of an array or of a list."""
    return [stack[i] for i in numbers] if isinstance(stack, list) else stack[list(numbers)]


def score(segmenter: UNetSegmenter | ThresholdSegmenter, X: object, y: object, label: int) -> dict:
    """Score on held-out slices, with the time that prediction took."""
    segmenter.predict_membrane(X[:1])
    start = time.perf_counter()
    maps = segmenter.predict_membrane(X)
    seconds = (time.perf_counter() - start) / len(X)
    table = score_table(y, maps, threshold=segmenter.threshold_, membrane_label=label)
    return {**table, "threshold": segmenter.threshold_, "predict_seconds": seconds}


def run_set(name: str, folder: Path, seed: int, options: dict) -> dict:
    """Train on one block of a set and score on the other."""
    images, masks, label, train, test = SETS[name]
    X, y = load_image_folder(folder / images, folder / masks)
    unet = UNetSegmenter(membrane_label=label, random_state=seed, **options)
    unet.fit(take(X, train), take(y, train))
    result = score(unet, take(X, test), take(y, test), label)
    result |= {"n_steps": unet.n_steps_, "fit_seconds": unet.fit_time_}
    otsu = ThresholdSegmenter(membrane_label=label).fit(take(X, train), take(y, train))
    result["otsu"] = score(otsu, take(X, test), take(y, test), label)
    return result


def run_synthetic(folder: Path, seed: int, options: dict) -> dict:
    """Train on synthetic slices only and score on the test slices of isbi2012."""
    images, masks, label, _, test = SETS["isbi2012"]
    X, y = load_image_folder(folder / images, folder / masks)
    slices, membranes = make_membranes(24, 512, 512, difficulty=0.7, random_state=seed)
    unet = UNetSegmenter(random_state=seed, **options).fit(slices, membranes)
    result = score(unet, take(X, test), take(y, test), label)
    return result | {"n_steps": unet.n_steps_, "fit_seconds": unet.fit_time_}


def jobs(arguments: argparse.Namespace) -> Iterator[tuple[str, str, int]]:
    """List the rows to run: key, set, seed."""
    for name in arguments.sets:
        if not (arguments.data / SETS.get(name, SETS["isbi2012"])[0]).is_dir():
            print(f"{name}: no such folder below {arguments.data}, left out")
            continue
        for seed in arguments.seeds:
            weights = arguments.initial_weights
            yield f"{name} {arguments.time_limit:g} s seed {seed} {weights}", name, seed


def main() -> None:
    """Run the rows that are missing and print all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the labelled sets")
    parser.add_argument("--sets", nargs="+", default=[*SETS, "synthetic"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--time-limit", type=float, default=120.0, help="seconds of learning")
    parser.add_argument("--initial-weights", default="auto", help="auto, random or synthetic")
    parser.add_argument("--output", type=Path, default=Path("out/held_out.json"))
    arguments = parser.parse_args()
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    rows = json.loads(arguments.output.read_text()) if arguments.output.exists() else {}
    options = {
        "time_limit": arguments.time_limit,
        "initial_weights": arguments.initial_weights,
    }
    for key, name, seed in jobs(arguments):
        if key not in rows:
            if name == "synthetic":
                rows[key] = run_synthetic(arguments.data, seed, options)
            else:
                rows[key] = run_set(name, arguments.data, seed, options)
            rows[key]["machine"] = f"{platform.processor()}, {os.cpu_count()} cores"
            arguments.output.write_text(json.dumps(rows, indent=1))
        print_row(key, rows[key])
        if "otsu" in rows[key]:
            print_row("  Otsu", rows[key]["otsu"])


def print_row(key: str, row: dict) -> None:
    """Print the main scores of one row."""
    shown = "  ".join(f"{name} {row[name]:.4f}" for name in SHOWN)
    print(f"{key:42s} {shown}  threshold {row['threshold']:.2f}", flush=True)


if __name__ == "__main__":
    main()

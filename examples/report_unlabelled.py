"""A report on slices that nobody has labelled.

A network is trained on labelled slices of ISBI 2012, a quality model learns on some of them what
good masks look like, and the challenge's unlabelled slices are judged: a table is printed, and a
page is written that explains itself::

    python examples/report_unlabelled.py --data ../shared/data --output report/unlabelled.html
"""

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")

import numpy as np
from peers.slices import load_slices, parse_numbers

from membseg import (
    QualityModel,
    RidgeSegmenter,
    UNetSegmenter,
    cached,
    load_image_folder,
    quality_report,
    write_report,
)

#: Side of a pixel, in nanometres.
PIXEL_SIZE = 4.0


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds isbi2012")
    parser.add_argument("--train", type=parse_numbers, default=parse_numbers("0-18"))
    parser.add_argument("--seconds", type=float, default=60.0, help="time to train")
    parser.add_argument("--steps", type=int, default=None, help="steps instead of a time")
    parser.add_argument("--filters", type=int, default=None, help="width of the network")
    parser.add_argument(
        "--judge", type=parse_numbers, default=parse_numbers("0,3,6,9,12,15,18"),
        help="slices that the quality model learns from",
    )  # fmt: skip
    parser.add_argument("--planted", type=int, default=8, help="bad masks a slice to learn from")
    parser.add_argument("--store", type=Path, default=Path("report/fits"), help="finished fits")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("report/unlabelled.html"))
    return parser.parse_args(argv)


def train(X: np.ndarray, y: np.ndarray, arguments: argparse.Namespace) -> Any:
    """Train the default network for a while."""
    limits: dict[str, Any] = {"time_limit": arguments.seconds}
    if arguments.steps is not None:
        limits = {"max_steps": arguments.steps, "threshold": 0.5}
    if arguments.filters is not None:
        limits |= {"base_filters": arguments.filters, "depth": 2}
    network = UNetSegmenter(random_state=arguments.seed, **limits)
    # Kept, so that an interrupted run goes on; the report is about the network itself.
    return cached(network, arguments.store).fit(X, y).estimator_


def main(argv: list[str] | None = None) -> None:
    """Train, judge, write."""
    arguments = parse_arguments(argv)
    X, y = load_slices(arguments.data, arguments.train)
    unlabelled = load_image_folder(arguments.data / "isbi2012/unlabelled")
    network = train(X, y, arguments)
    # The second opinion must not come from the network itself, which agrees with itself.
    judge = QualityModel(
        RidgeSegmenter(), n_planted=arguments.planted, cv=2, random_state=arguments.seed
    ).fit(*load_slices(arguments.data, arguments.judge))
    print(quality_report(network, unlabelled, reference=judge, pixel_size=PIXEL_SIZE), flush=True)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    files = write_report(
        arguments.output,
        network,
        unlabelled,
        reference=judge,
        pixel_size=PIXEL_SIZE,
        names=[f"slice {i}" for i in range(len(unlabelled))],
        title="Membranes of ten unlabelled slices",
        notes="Serial-section electron micrographs of a fly's ventral nerve cord (ISBI 2012). "
        "Nobody has labelled them; the network was trained on other slices of the same tissue.",
        overwrite=True,
    )
    print(f"written: {files[0]} and {len(files) - 1} files of numbers beside it", flush=True)


if __name__ == "__main__":
    main()

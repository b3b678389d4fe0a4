"""Train a Mask R-CNN on membranes' cells, and score its cells beside a baseline's.

On slices 00-18 of ISBI 2012, scored on 20-24, or on easy synthetic slices, scored on fresh ones::

    python examples/train_mask_rcnn.py --data ../shared/data --seconds 1800
    python examples/train_mask_rcnn.py --synthetic --seconds 600

The baseline is a threshold on the smoothed image with a watershed on the distance to membranes,
its parameters tuned on held-out training slices. Rows are added to one JSON file, one a run; the
fitted segmenter is kept beside it where ``--keep`` says so.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from peers.slices import add_slice_arguments, check_slice_arguments, load_slices

from membseg import (
    CellSegmenter,
    MaskRCNNSegmenter,
    ThresholdSegmenter,
    get_scorer,
    make_membranes,
)
from membseg.metrics import (
    instance_average_precision_score,
    label_components,
    mean_average_precision_score,
)

#: Scores besides average precision, by name.
SCORES = ("panoptic_quality", "v_rand", "v_info", "iou")

#: Images, and masks: True at membranes.
Slices = tuple[np.ndarray, np.ndarray]


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_slice_arguments(parser, required=False)
    parser.add_argument("--synthetic", action="store_true", help="make slices instead")
    parser.add_argument("--difficulty", type=float, default=0.1, help="of synthetic slices")
    parser.add_argument("--seconds", type=float, default=1800.0, help="that fit may take")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="parameters")
    parser.add_argument("--output", type=Path, default=Path("out/mask_rcnn.json"))
    parser.add_argument("--keep", type=Path, help="file for the fitted segmenter (joblib)")
    arguments = parser.parse_args(argv)
    if not arguments.synthetic:
        if arguments.data is None:
            parser.error("give --data or --synthetic")
        check_slice_arguments(parser, arguments)
    return arguments


def load(arguments: argparse.Namespace) -> tuple[Slices, Slices]:
    """Give slices for training and for the test."""
    if not arguments.synthetic:
        train, test = (
            load_slices(arguments.data, numbers) for numbers in (arguments.train, arguments.test)
        )
        return train, test
    options = {"difficulty": arguments.difficulty}
    train = make_membranes(24, 256, 256, random_state=0, **options)
    # Another volume: the first one's slices resemble each other.
    return train, make_membranes(5, 256, 256, random_state=1, **options)


def score(segmenter: Any, slices: Slices) -> dict[str, float]:
    """Score a fitted segmenter's cells and membranes."""
    X, y = slices
    start = time.perf_counter()
    labels, scores = segmenter.predict_instances(X, return_scores=True)
    seconds = (time.perf_counter() - start) / len(X)
    true = label_components(y)
    row = {
        "ap50": instance_average_precision_score(true, labels, scores),
        "map": mean_average_precision_score(true, labels, scores),
    }
    row |= {name: float(get_scorer(name)(segmenter, X, y)) for name in SCORES}
    return row | {
        "n_cells": int(sum(image.max() for image in labels)),
        "n_true": int(sum(image.max() for image in true)),
        "seconds_per_image": seconds,
    }


def main(argv: list[str] | None = None) -> None:
    """Train, score, add a row, print it."""
    arguments = parse_arguments(argv)
    train, test = load(arguments)
    options = {}
    for pair in arguments.set:
        name, _, value = pair.partition("=")
        options[name] = json.loads(value)
    segmenter = MaskRCNNSegmenter(
        time_limit=arguments.seconds, random_state=arguments.seed, verbose=1, **options
    )
    segmenter.fit(*train)
    if arguments.keep is not None:
        arguments.keep.parent.mkdir(parents=True, exist_ok=True)
        joblib.dump(segmenter, arguments.keep)
    watershed = CellSegmenter(ThresholdSegmenter(), method="watershed", tune="panoptic_quality")
    row = {
        "slices": "synthetic" if arguments.synthetic else "isbi2012",
        "difficulty": arguments.difficulty if arguments.synthetic else None,
        "seed": arguments.seed,
        "options": options,
        "time_limit": arguments.seconds,
        "fit_time": segmenter.fit_time_,
        "n_steps": segmenter.n_steps_,
        "n_parameters": segmenter.n_parameters_,
        "threshold": segmenter.threshold_,
        "last_epoch": segmenter.history_[-1],
        "mask_rcnn": score(segmenter, test),
        "threshold_watershed": score(watershed.fit(*train), test),
    }
    rows = json.loads(arguments.output.read_text()) if arguments.output.exists() else []
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps([*rows, row], indent=1) + "\n")
    for method in ("mask_rcnn", "threshold_watershed"):
        print(method, {name: round(value, 3) for name, value in row[method].items()})


if __name__ == "__main__":
    main()

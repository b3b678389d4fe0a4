"""Simple models first: baselines and U-Nets on the same blocks of slices.

Blocks of labelled slices are held out in turn, with a gap on both sides::

    python examples/compare_candidates.py --data ../shared/data

Finished fits are kept in ``--store``, so that an interrupted comparison goes on (seconds of fits
that are there already are those of reading them). The leaderboard goes to a JSON file, and a
figure is drawn.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from peers.figure import save_figure
from peers.slices import add_slice_arguments, check_slice_arguments, load_slices

from membseg import (
    DummySegmenter,
    PixelForestSegmenter,
    RidgeSegmenter,
    ThresholdSegmenter,
    UNetSegmenter,
    compare_segmenters,
)
from membseg.model_selection import SegmenterComparison, SliceBlockKFold, cached
from membseg.plotting import ComparisonDisplay

SCORES = ("v_rand_mask", "v_rand", "v_info_mask", "v_info", "iou", "dice", "ece")

#: Trained to the end on a GPU and scored on another part of the same stack.
CONTEXT = {"a published U-Net": {"v_rand": 0.982, "v_info": 0.984}}


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_slice_arguments(parser)
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200, help="training steps of the U-Nets")
    parser.add_argument("--store", type=Path, default=Path("out/fits"), help="finished fits")
    parser.add_argument("--output", type=Path, default=Path("out/comparison.json"))
    parser.add_argument("--figure", type=Path, default=Path("out/comparison.png"))
    arguments = parser.parse_args(argv)
    check_slice_arguments(parser, arguments)
    return arguments


def make_candidates(steps: int, store: Path) -> dict[str, Any]:
    """List the candidates, simple ones first."""
    budget = {"max_steps": steps, "steps_per_epoch": max(1, steps // 4), "random_state": 0}
    candidates = {
        "dummy": DummySegmenter(),
        "threshold": ThresholdSegmenter(),
        "ridge": RidgeSegmenter(),
        "forest": PixelForestSegmenter(random_state=0),
        "small U-Net": UNetSegmenter(depth=2, base_filters=8, **budget),
        "U-Net": UNetSegmenter(**budget),
    }
    return {name: cached(segmenter, store) for name, segmenter in candidates.items()}


def draw(comparison: SegmenterComparison, path: Path) -> None:
    """Draw every fold of every candidate, best candidate on top."""
    from matplotlib.figure import Figure

    shown = ("v_rand_mask", "v_rand", "iou", "ece")
    figure = Figure(figsize=(11, 3.2), layout="constrained")
    for axes, score in zip(figure.subplots(1, len(shown), sharey=True), shown, strict=True):
        ComparisonDisplay(comparison).plot(score, ax=axes)
    save_figure(figure, "Held-out blocks; a line at each mean", path)


def main(argv: list[str] | None = None) -> None:
    """Compare, print, draw."""
    arguments = parse_arguments(argv)
    X, y = load_slices(arguments.data, arguments.train)
    comparison = compare_segmenters(
        make_candidates(arguments.steps, arguments.store),
        X,
        y,
        cv=SliceBlockKFold(arguments.blocks, gap=1),
        scoring=SCORES,
        context=CONTEXT,
    )
    print(comparison)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(comparison.table(), indent=1))
    draw(comparison, arguments.figure)


if __name__ == "__main__":
    main()

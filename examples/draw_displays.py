"""Draw every display of masks, cells, quality and training, as the guide shows them.

Without arguments the slices are synthetic::

    python examples/draw_displays.py

With the folder of the real slices a network learns from 00-18, and 20-24 are shown::

    python examples/draw_displays.py --data ../shared/data

The figures of the guide come from both, since the real slices may not be copied into it::

    python examples/draw_displays.py --output docs/images \\
        --only segmentation grid merge_split merge_split_slice cells cells_contours cells_graph \\
        cells_heat
    python examples/draw_displays.py --data ../shared/data --output docs/images \\
        --only thickness quality history importance
"""

import argparse
import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

# TensorFlow greets with pages of its own; only its errors matter here.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from peers.slices import load_slices, parse_numbers
from scipy import ndimage

from membseg import UNetSegmenter, label_cells, link_slices, make_membranes, quality_report
from membseg.inspection import property_importance
from membseg.plotting import (
    CellsDisplay,
    GridDisplay,
    HistoryDisplay,
    ImportanceDisplay,
    MergeSplitDisplay,
    QualityDisplay,
    SegmentationDisplay,
    ThicknessDisplay,
)

#: Nanometres that a pixel of the real slices is wide; synthetic ones are drawn as if they were.
PIXEL_SIZE = 4.0


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder that holds isbi2012")
    parser.add_argument("--train", type=parse_numbers, default=parse_numbers("0-18"))
    parser.add_argument("--test", type=parse_numbers, default=parse_numbers("20-24"))
    parser.add_argument("--time-limit", type=float, default=40.0, help="seconds of learning")
    parser.add_argument("--output", type=Path, default=Path("out/displays"))
    parser.add_argument("--only", nargs="+", choices=FIGURES, default=list(FIGURES), metavar="NAME")
    return parser.parse_args(argv)


class Study:
    """A trained network, the slices that it has not seen, and what it makes of them."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        if arguments.data is None:
            X, y = make_membranes(24, 256, 256, difficulty=0.7, random_state=0)
            train, self.X, self.y = (X[:19], y[:19]), X[19:], y[19:]
        else:
            train = load_slices(arguments.data, arguments.train)
            self.X, self.y = load_slices(arguments.data, arguments.test)
        # Short epochs, so that the history has some.
        limits = {"time_limit": arguments.time_limit, "steps_per_epoch": 10}
        self.segmenter = UNetSegmenter(**limits, random_state=0)
        self.segmenter.fit(*train)

    @cached_property
    def maps(self) -> np.ndarray:
        """Membrane probability of the slices."""
        return self.segmenter.predict_membrane(self.X)

    @cached_property
    def masks(self) -> np.ndarray:
        """Masks of the slices."""
        return self.segmenter.predict(self.X)

    @cached_property
    def cells(self) -> np.ndarray:
        """Cells with the same number in all slices."""
        labels = label_cells(self.maps, threshold=self.segmenter.threshold_)
        return link_slices(labels).labels


def judge_damaged(study: Study) -> Any:
    """Judge the masks, two of them damaged."""
    masks = study.masks.copy()
    masks[1] = ndimage.binary_erosion(masks[1], iterations=2)
    third = masks.shape[1] // 3
    masks[3, third : 2 * third, third:] = 0
    return quality_report(None, study.X, masks=masks, pixel_size=PIXEL_SIZE)


def draw_cells(view: str) -> Callable[[Study], Any]:
    """Give the function that draws one view of the cells."""

    def draw(study: Study) -> Any:
        display = CellsDisplay(study.cells, study.X, pixel_size=PIXEL_SIZE)
        return display.plot(view, index=1, column="area")

    return draw


def draw_events(view: str) -> Callable[[Study], Any]:
    """Give the function that draws merges and splits, zoomed or on their slice."""
    size = {"pixel_size": PIXEL_SIZE}
    return lambda s: MergeSplitDisplay.from_predictions(s.X, s.masks, s.y, view=view, **size)


#: Name of the file -> function of the study that draws it.
FIGURES: dict[str, Callable[[Study], Any]] = {
    "segmentation": lambda s: SegmentationDisplay.from_predictions(
        s.X, s.masks, s.y, index=1, pixel_size=PIXEL_SIZE
    ),
    "grid": lambda s: GridDisplay.from_estimator(
        s.segmenter, s.X, s.y, scoring="v_rand", pixel_size=PIXEL_SIZE
    ),
    "merge_split": draw_events("zoom"),
    "merge_split_slice": draw_events("slice"),
    "cells": draw_cells("labels"),
    "cells_contours": draw_cells("contours"),
    "cells_graph": draw_cells("graph"),
    "cells_heat": draw_cells("heat"),
    "thickness": lambda s: ThicknessDisplay.from_predictions(
        s.masks, s.y, pixel_size=PIXEL_SIZE, expected=(12, 40)
    ),
    "quality": lambda s: QualityDisplay(judge_damaged(s)).plot(),
    "history": lambda s: HistoryDisplay.from_estimator(s.segmenter),
    "importance": lambda s: ImportanceDisplay(
        property_importance(s.segmenter, s.X, s.y, n_repeats=2, random_state=0)
    ).plot(),
}


def main(argv: list[str] | None = None) -> None:
    """Learn, draw, write."""
    arguments = parse_arguments(argv)
    study = Study(arguments)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name in arguments.only:
        path = arguments.output / f"display_{name}.png"
        FIGURES[name](study).figure_.savefig(path, dpi=150)
        print(path, flush=True)


if __name__ == "__main__":
    main()

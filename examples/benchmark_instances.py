"""How long cells take: label images of a large map by every method, and matching of 10,000 cells.

The map is that of a synthetic slice, laid side by side until it is large, blurred and with noise,
so that walls have gaps and specks as those of a network have; each row in a process of its own::

    python examples/benchmark_instances.py

The table is printed and goes to a JSON file; rows in it are not run again.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from peers.machine import peak_memory
from peers.rows import Store, answer_row, run_row
from peers.variant_table import print_failures, print_markdown
from scipy import ndimage

from membseg import label_cells, make_membranes
from membseg.instances import score_cells
from membseg.metrics import match_instances, mean_average_precision_score

#: Side of the synthetic slice, and where its map is cut.
_SIDE, _THRESHOLD = 1024, 0.4

ROWS = ("threshold", "watershed", "agglomerate", "match", "map")


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=4096, help="pixels of the map's side")
    parser.add_argument("--cells", type=int, default=100, help="cells in a row, for matching")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW")
    parser.add_argument("--output", type=Path, default=Path("out/instances_speed.json"))
    return parser.parse_args(argv)


def make_map(side: int) -> np.ndarray:
    """Make a large map, float32."""
    tile = make_membranes(1, _SIDE, _SIDE, random_state=0)[1][0]
    n = -(-side // _SIDE)
    blurred = ndimage.gaussian_filter(np.tile(tile, (n, n)).astype(np.float32), 1.2)
    noise = np.random.default_rng(0).normal(0, 0.05, blurred.shape)
    return np.clip(1.3 * blurred + noise, 0, 1).astype(np.float32)[:side, :side]


def make_cells(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Make n x n square cells of 20 px, and the same ones shifted."""
    places = np.arange(20 * n) // 20
    truth = (n * places[:, None] + places + 1)[np.newaxis]
    return truth, np.roll(truth, (3, 2), (1, 2))


def run_speed_row(spec: dict[str, Any]) -> dict[str, Any]:
    """Time one row, in this process."""
    if spec["row"] in ("match", "map"):
        truth, guess = make_cells(spec["cells"])
        scores = [np.random.default_rng(0).random(int(guess.max()))]
        start = time.perf_counter()
        if spec["row"] == "match":
            match_instances(truth, guess)
        else:
            mean_average_precision_score(truth, guess, scores)
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "peak_bytes": peak_memory(), "n_cells": int(truth.max())}
    proba = make_map(spec["side"])[np.newaxis]
    # What is imported by the first call belongs to no map.
    label_cells(proba[:, :64, :64], spec["row"])
    start = time.perf_counter()
    labels = label_cells(proba, spec["row"], threshold=_THRESHOLD)
    seconds = time.perf_counter() - start
    peak = peak_memory()
    start = time.perf_counter()
    score_cells(labels, proba)
    return {
        "seconds": seconds, "score_seconds": time.perf_counter() - start, "peak_bytes": peak,
        "n_cells": int(labels.max()),
    }  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    """Run the rows that are missing, print all."""
    arguments = parse_arguments(argv)
    settings = {"side": arguments.side, "cells": arguments.cells}
    store = Store(arguments.output, settings)
    for row in arguments.rows:
        if not store.has(row):
            print(f"{row} ...", flush=True)
            store.add(row, run_row(__file__, settings | {"row": row}, timeout=1800))
    names = {row: f"label_cells, {row}, {arguments.side} px" for row in ROWS[:3]} | {
        "match": "match_instances", "map": "mean_average_precision_score",
    }  # fmt: skip
    print_markdown(
        ["what", "cells", "seconds", "peak GB"],
        (
            [names[row], str(found["n_cells"]), f"{found['seconds']:.2f}",
             f"{found['peak_bytes'] / 1e9:.2f}"]
            for row, found in store.rows.items() if "failed" not in found
        ),
    )  # fmt: skip
    print_failures(store.rows)


def answer(argv: list[str]) -> None:
    """Run one row, as :func:`peers.rows.run_row` asks for it."""
    answer_row(argv, run_speed_row)


if __name__ == "__main__":
    import sys

    if sys.argv[1:2] == ["--one-row"]:
        answer(sys.argv[2:])
    else:
        main()

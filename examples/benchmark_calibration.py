"""What calibrating a stack costs beyond the predictions: seconds, and memory beyond the maps.

A frozen segmenter whose logits are there already, so that nothing but the curve is timed; each
method in a process of its own::

    python examples/benchmark_calibration.py

The table is printed and goes to a JSON file.
"""

import argparse
import json
import multiprocessing
import time
from pathlib import Path
from typing import Any

import numpy as np
from peers.machine import describe_machine, own_memory, peak_memory
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator

from membseg import CalibratedSegmenter, make_membranes
from membseg.base import SegmenterMixin

METHODS = ("temperature", "sigmoid", "beta", "isotonic", "local")


class Known(SegmenterMixin, BaseEstimator):
    """A segmenter whose images are its logits."""

    def fit(self, X: Any, y: Any) -> "Known":
        """Learn nothing."""
        self.classes_, self.threshold_ = np.array([0, 1]), 0.5
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Give the images."""
        return X


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--side", type=int, default=512, help="pixels")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--output", type=Path, default=Path("out/calibration_cost.json"))
    return parser.parse_args(argv)


def make_logits(n_images: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Make masks, and logits of a segmenter that is right mostly and too sure of itself."""
    _, y = make_membranes(n_images, side, side, random_state=0)
    noise = np.random.default_rng(0).normal(size=y.shape).astype(np.float32)
    return 8 * (y - np.float32(0.5)) + 4 * noise, y


def measure(pipe: Any, method: str, n_images: int, side: int) -> None:
    """Time fit and prediction of one method, in a process of its own."""
    logits, y = make_logits(n_images, side)
    calibrated = CalibratedSegmenter(FrozenEstimator(Known().fit(logits, y)), method=method)
    # What is imported, and compiled, by the first call belongs to no stack.
    calibrated.fit(logits[:, :16, :16], y[:, :16, :16])
    _forget_peak()
    before = own_memory()
    start = time.perf_counter()
    calibrated.fit(logits, y)
    fitted = time.perf_counter()
    maps = calibrated.predict_membrane(logits)
    predicted = time.perf_counter()
    most = peak_memory() - _backed_by_files()
    pipe.send(
        {
            "method": method,
            "fit_seconds": fitted - start,
            "predict_seconds": predicted - fitted,
            "memory_mb": None if before is None else (most - before - maps.nbytes) / 1e6,
        }
    )


def _forget_peak() -> None:
    """Let the largest memory of this process count from now, where the system can do that."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        print("The memory includes what making the data took.", flush=True)


def _backed_by_files() -> int:
    """Memory of this process that files back, such as libraries."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssFile:"):
            return 1024 * int(line.split()[1])
    return 0


def main(argv: list[str] | None = None) -> None:
    """Measure, print, write."""
    arguments = parse_arguments(argv)
    rows = []
    for method in arguments.methods:
        context = multiprocessing.get_context("spawn")
        pipe, other = context.Pipe()
        task = (other, method, arguments.images, arguments.side)
        process = context.Process(target=measure, args=task)
        process.start()
        other.close()
        row = pipe.recv()
        process.join()
        rows.append(row)
        memory = "unknown" if row["memory_mb"] is None else f"{row['memory_mb']:5.0f} MB"
        print(
            f"{method:12s} fit {row['fit_seconds']:6.1f} s  predict {row['predict_seconds']:5.1f} s"
            f"  memory beyond the maps {memory}",
            flush=True,
        )
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "images": arguments.images, "side": arguments.side, "rows": rows,
        "machine": describe_machine(),
    }  # fmt: skip
    arguments.output.write_text(json.dumps(content, indent=1))


if __name__ == "__main__":
    main()

"""Exported networks beside membseg's own prediction: size, difference, speed.

A default U-Net learns from synthetic slices for a few hundred steps, is exported to every format,
and predicts one image of each size with each format's own runtime. Every runtime has a process of
its own, and they take turns::

    python examples/benchmark_export.py --output out/export.json

A few minutes. The table is written as JSON and, beside it, as Markdown. Formats whose packages are
not installed are named and left out. A smaller run, for a try::

    python examples/benchmark_export.py --steps 2 --sizes 64x64 50x74 --repeats 1
"""

import argparse
import json
import pickle
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from peers.machine import describe_machine, is_installed
from peers.timing import take_turns
from sklearn.base import clone

import membseg
from membseg import UNetSegmenter, make_membranes
from membseg.export import export_litert, export_onnx, export_openvino, export_savedmodel

#: Row -> (the package it needs, the function that runs it, its options, its files).
ROWS: dict[str, tuple[str, str, dict[str, str], str]] = {
    "membseg, float32": ("tensorflow", "run_membseg", {"precision": "float32"}, ""),
    "membseg, bfloat16": ("tensorflow", "run_membseg", {"precision": "bfloat16"}, ""),
    "ONNX (ONNX Runtime)": ("onnxruntime", "run_onnx", {}, "net.onnx"),
    "OpenVINO, float32": ("openvino", "run_openvino", {"precision": "float32"}, "net.xml net.bin"),
    "OpenVINO, as it is": ("openvino", "run_openvino", {"precision": "own"}, "net.xml net.bin"),
    "SavedModel (TensorFlow)": ("tensorflow", "run_savedmodel", {}, "net"),
    "LiteRT": ("ai_edge_litert", "run_litert", {}, "net_{size}.tflite"),
}


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model", help="a file of membseg.save, instead of training; intensity_norm='image'"
    )
    parser.add_argument("--steps", type=int, default=200, help="of training")
    parser.add_argument("--sizes", nargs="+", default=["512x512", "500x740"], help="of images")
    parser.add_argument("--repeats", type=int, default=7, help="turns of each runtime")
    parser.add_argument("--images", type=int, default=2, help="images a turn")
    parser.add_argument("--output", type=Path, default=Path("out/export.json"))
    return parser.parse_args()


def main() -> None:
    """Train, export, measure, write."""
    arguments = parse_arguments()
    sizes = [tuple(int(side) for side in size.split("x")) for size in arguments.sizes]
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        segmenter, plain = make_segmenters(folder, arguments)
        rows = {row: parts for row, parts in ROWS.items() if is_there(row, parts[0])}
        export_all(segmenter, folder, sizes, rows)
        results = [
            measure(row, size, seconds, details, folder)
            for size in sizes
            for row, seconds, details in time_size(plain, folder, size, rows, arguments)
        ]
    content = {
        "machine": describe_machine(),
        "settings": {"steps": arguments.steps, "repeats": arguments.repeats},
        "network": {"parameters": segmenter.n_parameters_, "model": arguments.model},
        "rows": results,
    }
    arguments.output.write_text(json.dumps(content, indent=1))
    table = make_table(results, arguments.sizes)
    arguments.output.with_suffix(".md").write_text(table)
    print(table)


def make_segmenters(folder: Path, arguments: argparse.Namespace) -> tuple[Any, Any]:
    """Give the net to export, and one that predicts with its weights in float32.

    Files of the first, and of such ones in both number formats, go to the folder.
    """
    X, y = make_membranes(8, 256, 256, random_state=0)
    if arguments.model:
        segmenter = membseg.load(arguments.model)
        X = with_channels(X, segmenter.n_channels_in_)
    else:
        segmenter = UNetSegmenter(max_steps=arguments.steps, random_state=0)
        segmenter.set_params(precision="float32").fit(X, y)
    likes = {}
    for precision in ("float32", "bfloat16"):
        # One step, for a network in this number format; the weights are put in later.
        like = clone(segmenter).set_params(precision=precision, init_from=segmenter, max_steps=1)
        like.set_params(threshold=0.5, tta="none", verbose=0).fit(X, y)
        likes[precision] = like
        (folder / f"{precision}.pkl").write_bytes(pickle.dumps(like))
    (folder / "exported.pkl").write_bytes(pickle.dumps(segmenter))
    likes["float32"].network_.set_weights(segmenter.network_.get_weights())
    return segmenter, likes["float32"]


def with_channels(X: np.ndarray, n_channels: int) -> np.ndarray:
    """Repeat grey images in each channel."""
    return X if n_channels == 1 else np.stack([X] * n_channels, axis=-1)


def is_there(row: str, package: str) -> bool:
    """Tell whether a package is installed, and say so if not."""
    there = is_installed(package)
    if not there:
        print(f"{row}: {package} is not installed, left out", flush=True)
    return there


def export_all(segmenter: Any, folder: Path, sizes: list[Any], rows: dict[str, Any]) -> None:
    """Write a file of each format, for LiteRT one a size."""
    functions = {parts[1] for parts in rows.values()}
    if "run_onnx" in functions:
        export_onnx(segmenter, folder / "net.onnx")
    if "run_openvino" in functions:
        export_openvino(segmenter, folder / "net.xml")
    if "run_savedmodel" in functions:
        export_savedmodel(segmenter, folder / "net")
    if "run_litert" in functions:
        for height, width in sizes:
            path = folder / f"net_{height}x{width}.tflite"
            export_litert(segmenter, path, height=height, width=width)


def time_size(
    segmenter: Any, folder: Path, size: Any, rows: dict[str, Any], arguments: argparse.Namespace
) -> list[tuple[str, list[float], dict[str, Any]]]:
    """Time all rows on one image, in turns: (row, seconds of each turn, details)."""
    X = with_channels(make_membranes(1, *size, random_state=1)[0], segmenter.n_channels_in_)
    pixels = X.reshape(*size, -1).astype(np.float32)
    image = folder / "image.npz"
    np.savez(image, pixels=pixels, expected=segmenter.predict_membrane(X)[0])
    contenders = {
        row: (f"peers.export_runs:{name}", {"folder": str(folder), "image": str(image)} | options)
        for row, (_, name, options, _) in rows.items()
    }
    seconds, details = take_turns(contenders, repeats=arguments.repeats, n_steps=arguments.images)
    return [(row, seconds[row], details[row]) for row in contenders]


def measure(
    row: str, size: Any, seconds: list[float], details: dict[str, Any], folder: Path
) -> dict[str, Any]:
    """Put together one row of the result."""
    text = "{}x{}".format(*size)
    names = ROWS[row][3].format(size=text).split()
    return {
        "row": row,
        "size": text,
        "bytes": sum(count_bytes(folder / name) for name in names) or None,
        "difference": details["difference"],
        "pixels_per_second": size[0] * size[1] / float(np.median(seconds)),
        "seconds": seconds,
    }


def count_bytes(path: Path) -> int:
    """Count the bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def make_table(results: list[dict[str, Any]], sizes: list[str]) -> str:
    """Write the results as a Markdown table."""
    heads = ["", "MB"]
    heads += [f"difference, {size}" for size in sizes] + [f"Mpixel/s, {size}" for size in sizes]
    lines = [heads, ["---"] * len(heads)]
    for row in dict.fromkeys(result["row"] for result in results):
        mine = [result for result in results if result["row"] == row]
        size = mine[0]["bytes"]
        lines.append(
            [row, f"{size / 1e6:.2f}" if size else ""]
            + [f"{result['difference']:.0e}" for result in mine]
            + [f"{result['pixels_per_second'] / 1e6:.2f}" for result in mine]
        )
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()

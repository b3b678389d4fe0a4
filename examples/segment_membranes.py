"""Learn membranes from labelled slices, segment held-out ones, and say how good it is.

Without arguments the slices are synthetic::

    python examples/segment_membranes.py

With a folder of images and a folder of masks of the same names, slices 0 to 18 to learn from and
20 to 24 to test on::

    python examples/segment_membranes.py --images image --masks label --membrane-label 0 \\
        --train 0:19 --test 20:25 --time-limit 120

Prints a table of scores beside a baseline (Otsu's threshold) and writes the masks, the
probability maps, overlays and a summary picture to the output folder.
"""

import argparse
import os
import time
from pathlib import Path

# TensorFlow greets with pages of its own; only its errors matter here.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from membseg import ThresholdSegmenter, UNetSegmenter, load_image_folder, make_membranes, save_stack
from membseg.metrics import SCORERS, score_table
from membseg.utils import encode_masks

#: Scores of which less is better; all others are better when higher.
LESS_IS_BETTER = {name for name, scorer in SCORERS.items() if scorer.sign < 0}


def parse_range(text: str) -> slice:
    """Read ``start:stop`` as a range of slices."""
    start, _, stop = text.partition(":")
    if ":" not in text or not (start + stop).isdigit():
        raise argparse.ArgumentTypeError(f"must look like 0:19; got {text!r}")
    return slice(int(start or 0), int(stop) if stop else None)


def parse_label(text: str) -> float:
    """Read a mask value: an integer where it is one."""
    value = float(text)
    return int(value) if value.is_integer() else value


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, help="folder of slices (default: synthetic ones)")
    parser.add_argument("--masks", type=Path, help="folder of masks with the same names")
    parser.add_argument("--membrane-label", type=parse_label, help="value of membrane in the masks")
    parser.add_argument("--ignore-label", type=parse_label, help="value of unlabelled pixels")
    parser.add_argument("--train", type=parse_range, help="slices to learn from, e.g. 0:19")
    parser.add_argument("--test", type=parse_range, help="slices to test on, e.g. 20:25")
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds of learning")
    parser.add_argument("--initial-weights", default="auto", help="auto, random or synthetic")
    parser.add_argument("--seed", type=int, default=0, help="random_state of the fit")
    parser.add_argument("--output", type=Path, default=Path("out"), help="folder to write to")
    arguments = parser.parse_args()
    if (arguments.images is None) != (arguments.masks is None):
        parser.error("--images and --masks go together: give both, or neither")
    return arguments


def load(arguments: argparse.Namespace) -> tuple[np.ndarray, np.ndarray, slice, slice]:
    """Get slices, masks, and which of them are for learning and for testing."""
    if arguments.images is None:
        X, y = make_membranes(16, 256, 256, random_state=7)
        # Slice 12 resembles its neighbours on both sides: it is used for neither.
        train, test = slice(0, 12), slice(13, 16)
    else:
        X, y = load_image_folder(arguments.images, arguments.masks)
        last = round(0.8 * len(X))
        train, test = slice(0, last - 1), slice(last, None)
    return X, y, arguments.train or train, arguments.test or test


def print_table(columns: dict[str, dict[str, float]]) -> None:
    """Print one row a metric and one column a segmenter."""
    print(f"{'':26s}" + "".join(f"{name:>14s}" for name in columns))
    for metric in next(iter(columns.values())):
        values = "".join(f"{scores[metric]:14.4f}" for scores in columns.values())
        print(f"{metric:26s}{values}{'  (less is better)' if metric in LESS_IS_BETTER else ''}")


def draw_overlay(image: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Colour an image: found membrane green, missed red, false blue."""
    image = image.mean(axis=-1) if image.ndim == 3 else image
    low, high = np.percentile(image, (0.5, 99.5))
    grey = np.clip((image - low) / max(high - low, 1e-9), 0, 1)
    colour = np.repeat(grey[..., np.newaxis], 3, axis=2)
    for where, tint in (
        (truth & mask, (0.1, 0.8, 0.3)),
        (truth & ~mask, (0.9, 0.1, 0.1)),
        (mask & ~truth, (0.2, 0.4, 1.0)),
    ):
        colour[where] = 0.45 * colour[where] + 0.55 * np.array(tint)
    return (255 * colour).round().astype(np.uint8)


def draw_summary(
    path: Path, image: np.ndarray, truth: np.ndarray, proba: np.ndarray, overlay: np.ndarray
) -> None:
    """Draw slice, truth, probability map and overlay side by side."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 4, figsize=(14, 3.9), layout="constrained")
    panels = {
        "slice": image,
        "membranes as labelled": truth,
        "membrane probability": proba,
        "found (green), missed (red), false (blue)": overlay,
    }
    for axis, (title, panel) in zip(axes, panels.items(), strict=True):
        axis.imshow(panel, cmap="gray", interpolation="nearest")
        axis.set_title(title, fontsize=10)
        axis.axis("off")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    """Fit, score and draw."""
    arguments = parse_arguments()
    X, y, train, test = load(arguments)
    labels = {"membrane_label": arguments.membrane_label, "ignore_label": arguments.ignore_label}
    unet = UNetSegmenter(
        time_limit=arguments.time_limit,
        initial_weights=arguments.initial_weights,
        random_state=arguments.seed,
        verbose=1,
        **labels,
    )
    print(f"learning from {len(X[train])} slices for {arguments.time_limit:g} s ...", flush=True)
    unet.fit(X[train], y[train])
    otsu = ThresholdSegmenter(**labels).fit(X[train], y[train])
    start = time.perf_counter()
    maps = unet.predict_membrane(X[test])
    seconds = time.perf_counter() - start
    columns = {
        name: score_table(y[test], proba, threshold=segmenter.threshold_, **labels)
        for name, segmenter, proba in (
            ("U-Net", unet, maps),
            ("Otsu", otsu, otsu.predict_membrane(X[test])),
        )
    }
    print(
        f"\nfit: {unet.fit_time_:.0f} s, {unet.n_steps_} steps; prediction: "
        f"{seconds / len(maps):.2f} s a slice; threshold {unet.threshold_:.2f}"
    )
    print(f"scores on {len(maps)} held-out slices (v_rand and v_info at the best threshold,")
    print("v_rand_mask and v_info_mask at the threshold chosen in fit):\n")
    print_table(columns)
    write_results(arguments.output, X[test], y[test], maps, unet)


def write_results(
    folder: Path, X: np.ndarray, y: np.ndarray, maps: np.ndarray, unet: UNetSegmenter
) -> None:
    """Write masks, maps, overlays and the summary picture."""
    truth = [code == 1 for code in encode_masks(y, classes=unet.classes_,
                                                ignore_label=unet.ignore_label).masks]  # fmt: skip
    masks = [proba >= unet.threshold_ for proba in maps]
    folder.mkdir(parents=True, exist_ok=True)
    overlays = [draw_overlay(*parts) for parts in zip(X, truth, masks, strict=True)]
    same_size = len({mask.shape for mask in masks}) == 1
    if same_size:
        save_stack(folder / "masks.tif", np.stack(masks), overwrite=True)
        save_stack(folder / "probability.tif", np.stack(maps), overwrite=True)
    for number, overlay in enumerate(overlays):
        save_stack(folder / f"overlay{number:02d}.png", overlay[np.newaxis], overwrite=True)
    draw_summary(folder / "summary.png", X[0], truth[0], maps[0], overlays[0])
    print(f"\nmasks, probability maps, overlays and summary.png are in {folder}")


if __name__ == "__main__":
    main()

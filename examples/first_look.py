"""How far the segmenter that comes with the package gets without a single label.

``load_pretrained("synthetic_unet")`` learnt from synthetic slices only. Here it is scored as it is,
on new synthetic slices and, where there are any, on real ones::

    python examples/first_look.py --data ../shared/data

Its threshold is chosen on the synthetic slices, by the rule of ``threshold="auto"``; both that and
the best one are printed. A synthetic slice and its map go to a figure.
"""

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from peers.slices import load_slices
from train_initial_weights import make_slices

from membseg import ThresholdSegmenter, load_pretrained, make_membranes
from membseg.metrics import score_table, threshold_curve

#: Row -> set of real slices and their places in it.
SETS = {
    "ISBI 2012, 00-18": ("isbi2012", range(19)),
    "ISBI 2012, 20-24": ("isbi2012", range(20, 25)),
    "FIB-SEM, medulla, 00-39": ("fibsem_medulla", range(40)),
}
SHOWN = ("v_rand", "v_info", "v_rand_mask", "dice", "iou", "boundary_f1", "ece")


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of isbi2012 and fibsem_medulla")
    parser.add_argument("--volumes", type=int, default=12, help="of 4 synthetic slices each")
    parser.add_argument("--figure", type=Path, default=Path("out/first_look.png"))
    return parser.parse_args(argv)


def print_rows(name: str, segmenter: Any, X: np.ndarray, y: np.ndarray) -> None:
    """Print the scores of the net, and of Otsu's threshold, as rows of a table."""
    otsu = ThresholdSegmenter().fit(X, y)
    for who, what in ((name, segmenter), ("— Otsu", otsu)):
        maps = what.predict_membrane(X)
        table = score_table(y, maps, threshold=what.threshold_)
        curve = threshold_curve(y, maps)
        cells = [f"{table[metric]:.3f}" for metric in SHOWN]
        cells += [f"{curve.scores.max():.3f} at {curve.best_threshold:.2f}"]
        print(f"| {who} | {' | '.join(cells)} |", flush=True)


def draw(segmenter: Any, path: Path) -> None:
    """Draw a slice and what the net makes of it."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    X, _ = make_membranes(1, 192, 288, random_state=5)
    pictures = {
        "a synthetic slice": X[0],
        "probability of membrane": segmenter.predict_membrane(X)[0],
    }
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 2.7), layout="constrained")
    for axis, (title, picture) in zip(axes, pictures.items(), strict=True):
        axis.imshow(picture, cmap="gray")
        axis.set_title(title, fontsize=10)
        axis.axis("off")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def main() -> None:
    """Choose the threshold, score, draw."""
    arguments = parse_arguments()
    segmenter = load_pretrained("synthetic_unet")
    # Slices like those of the training, of another seed.
    X, y = make_slices(arguments.volumes, seed=777)
    chosen = threshold_curve(y, segmenter.predict_membrane(X)).lowest_good_threshold
    print(f"threshold: {segmenter.threshold_:g}; these synthetic slices say {chosen:g}\n")
    print(f"| slices | {' | '.join(SHOWN)} | best iou |")
    print("|---" * (len(SHOWN) + 2) + "|")
    # One slice of each volume is enough here: the scores of cells take a second a slice.
    print_rows("synthetic", segmenter, X[::4], y[::4])
    for name, (folder, numbers) in SETS.items():
        if arguments.data is not None and (arguments.data / folder).is_dir():
            slices, masks = load_slices(arguments.data, list(numbers), folder)
            print_rows(name, segmenter, slices, masks)
    draw(segmenter, arguments.figure)
    print(f"\nwrote {arguments.figure}")


if __name__ == "__main__":
    main()

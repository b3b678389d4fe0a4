"""How many more slices must I label? scikit-learn's learning curve, on real slices.

Each split draws its labelled slices in an order of its own; the net is trained on the first one,
two, five and ten of them and scored on slices that are in none::

    python examples/learning_curve.py --data ../shared/data

Finished fits are kept in ``--store``, so that an interrupted curve goes on.
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from peers.figure import save_figure
from peers.slices import add_slice_arguments, check_slice_arguments, load_slices
from sklearn.model_selection import LearningCurveDisplay, learning_curve

from membseg import UNetSegmenter, get_scorer
from membseg.model_selection import cached


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_slice_arguments(parser)
    parser.add_argument("--sizes", nargs="+", type=int, default=[1, 2, 5, 10])
    parser.add_argument("--splits", type=int, default=5, help="orders of the labelled slices")
    parser.add_argument("--steps", type=int, default=150, help="training steps of every fit")
    parser.add_argument("--scoring", default="v_rand_mask")
    parser.add_argument("--store", type=Path, default=Path("out/fits"), help="finished fits")
    parser.add_argument("--output", type=Path, default=Path("out/learning_curve.json"))
    parser.add_argument("--figure", type=Path, default=Path("out/learning_curve.png"))
    arguments = parser.parse_args(argv)
    check_slice_arguments(parser, arguments)
    if max(arguments.sizes) > len(arguments.train):
        parser.error(f"--sizes must not exceed the {len(arguments.train)} slices of --train")
    return arguments


def make_splits(arguments: argparse.Namespace) -> list[tuple[np.ndarray, np.ndarray]]:
    """Give (train, test) indices; `learning_curve` trains on the first ones of train."""
    n_train, n_test = len(arguments.train), len(arguments.test)
    test = n_train + np.arange(n_test)
    return [(np.random.default_rng(i).permutation(n_train), test) for i in range(arguments.splits)]


def main(argv: list[str] | None = None) -> None:
    """Train, print, draw."""
    from matplotlib.figure import Figure

    arguments = parse_arguments(argv)
    X, y = load_slices(arguments.data, arguments.train + arguments.test)
    segmenter = UNetSegmenter(
        max_steps=arguments.steps, steps_per_epoch=max(1, arguments.steps // 4), random_state=0
    )
    sizes, train_scores, test_scores = learning_curve(
        cached(segmenter, arguments.store),
        X,
        y,
        cv=make_splits(arguments),
        train_sizes=arguments.sizes,
        scoring=get_scorer(arguments.scoring),
        # What differs between splits is the slices, not the order of patches.
        shuffle=False,
    )
    print(f"{'slices':>6s} {'held out':>20s} {'trained on':>20s}   {arguments.scoring}")
    for size, train, test in zip(sizes, train_scores, test_scores, strict=True):
        cells = [
            f"{values.mean():11.4f} ± {values.std(ddof=1) / len(values) ** 0.5:.4f}"
            for values in (test, train)
        ]
        print(f"{size:6d} {cells[0]:>20s} {cells[1]:>20s}")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    results = {
        "sizes": sizes.tolist(),
        "train_scores": train_scores.tolist(),
        "test_scores": test_scores.tolist(),
        "steps": arguments.steps,
        "scoring": arguments.scoring,
    }
    arguments.output.write_text(json.dumps(results, indent=1))
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes = figure.subplots()
    LearningCurveDisplay(
        train_sizes=sizes,
        train_scores=train_scores,
        test_scores=test_scores,
        score_name=arguments.scoring,
    ).plot(ax=axes, std_display_style="errorbar")
    axes.set(xscale="log", xlabel="labelled slices", xticks=sizes)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
    save_figure(figure, f"UNetSegmenter, {arguments.steps} steps", arguments.figure)


if __name__ == "__main__":
    main()

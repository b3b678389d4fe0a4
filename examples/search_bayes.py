"""Bayesian search over a segmenter's parameters, beside the default and a random search.

Ten labelled slices, contiguous folds with a gap, the same small number of steps for every
candidate; the winners are scored once on slices that no search saw::

    python examples/search_bayes.py --data ../shared/data

Every finished fit is kept in ``--store``: a search that is killed and started again reads those
instead of repeating them, and ends with the same trials. Results go to a JSON file that a second
run goes on from, and a figure is drawn from it.
"""

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from peers.figure import save_figure
from peers.slices import (
    add_slice_arguments,
    check_slice_arguments,
    load_slices,
    parse_numbers,
)
from sklearn.model_selection import RandomizedSearchCV
from skopt import BayesSearchCV

from membseg import UNetSegmenter, get_scorer
from membseg.exceptions import TrainingWarning
from membseg.metrics import score_table
from membseg.model_selection import SliceBlockKFold, cached

SCORES = ("v_rand_mask", "v_info_mask", "v_rand", "v_info", "dice", "log_loss")


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_slice_arguments(parser)
    parser.set_defaults(train=parse_numbers("9-18"))
    parser.add_argument("--candidates", type=int, default=16)
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=80, help="training steps of every fit")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--scoring", default="v_rand_mask", help="what the searches maximise")
    parser.add_argument("--store", type=Path, default=Path("out/fits"), help="finished fits")
    parser.add_argument("--output", type=Path, default=Path("out/search.json"))
    parser.add_argument("--figure", type=Path, default=Path("out/search.png"))
    arguments = parser.parse_args(argv)
    arguments.settings = check_slice_arguments(parser, arguments) | {
        name: getattr(arguments, name) for name in ("candidates", "folds", "steps", "scoring")
    }
    return arguments


def make_segmenter(arguments: argparse.Namespace, seed: int) -> Any:
    """Make the segmenter that is searched; a bad candidate does not end the search."""
    segmenter = UNetSegmenter(
        max_steps=arguments.steps,
        steps_per_epoch=max(1, arguments.steps // 4),
        on_failure="worst",
        random_state=seed,
    )
    return cached(segmenter, arguments.store)


def make_space(library: str) -> dict[str, Any]:
    """Give the ready-made space but for the batch size, so that budgets are equal."""
    space = UNetSegmenter.search_space("small", library=library)
    del space["batch_size"]
    return space


def default_row(arguments: argparse.Namespace, seed: int, X: Any, y: Any) -> dict[str, Any]:
    """Fit the default with the same budget, without a search."""
    return {"segmenter": make_segmenter(arguments, seed).fit(X, y), "n_fits": 1}


def bayes_row(arguments: argparse.Namespace, seed: int, X: Any, y: Any) -> dict[str, Any]:
    """Let a Gaussian process choose the candidates, after a third of them at random."""
    search = BayesSearchCV(
        make_segmenter(arguments, seed),
        make_space("skopt"),
        n_iter=arguments.candidates,
        optimizer_kwargs={"n_initial_points": max(2, arguments.candidates // 3)},
        cv=SliceBlockKFold(arguments.folds, gap=1),
        scoring=get_scorer(arguments.scoring),
        random_state=seed,
    )
    return searched(search.fit(X, y), arguments)


def random_row(arguments: argparse.Namespace, seed: int, X: Any, y: Any) -> dict[str, Any]:
    """Draw the candidates at random."""
    search = RandomizedSearchCV(
        make_segmenter(arguments, seed),
        make_space("sklearn"),
        n_iter=arguments.candidates,
        cv=SliceBlockKFold(arguments.folds, gap=1),
        scoring=get_scorer(arguments.scoring),
        random_state=seed,
    )
    return searched(search.fit(X, y), arguments)


def searched(search: Any, arguments: argparse.Namespace) -> dict[str, Any]:
    """Take what matters out of a finished search."""
    results = search.cv_results_
    trials = [
        {"params": as_plain(params), "score": float(score)}
        for params, score in zip(results["params"], results["mean_test_score"], strict=True)
    ]
    return {
        "segmenter": search.best_estimator_,
        "n_fits": arguments.candidates * arguments.folds + 1,
        "best_params": as_plain(search.best_params_),
        "best_score": float(search.best_score_),
        "trials": trials,
    }


def as_plain(params: dict[str, Any]) -> dict[str, Any]:
    """Turn numpy's scalars into those of Python."""
    return {name: np.asarray(value).item() for name, value in params.items()}


ROWS: dict[str, Callable[..., dict[str, Any]]] = {
    "default": default_row,
    "random search": random_row,
    "Bayesian search": bayes_row,
}


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run the rows that are missing."""
    content: dict[str, Any] = {"settings": arguments.settings, "rows": {}}
    if arguments.output.exists():
        content = json.loads(arguments.output.read_text())
        if content["settings"] != arguments.settings:
            raise SystemExit(f"{arguments.output} holds other settings; give another --output.")
    X, y = load_slices(arguments.data, arguments.train)
    X_test, y_test = load_slices(arguments.data, arguments.test)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    for seed in arguments.seeds:
        for name, make in ROWS.items():
            key = f"{name}, seed {seed}"
            if key in content["rows"]:
                continue
            start = time.perf_counter()
            row = make(arguments, seed, X, y)
            row["seconds"] = time.perf_counter() - start
            segmenter = row.pop("segmenter")
            membrane = segmenter.predict_membrane(X_test)
            row["threshold"] = float(segmenter.threshold_)
            row["test"] = score_table(y_test, membrane, threshold=segmenter.threshold_)
            row["test"] = {metric: float(row["test"][metric]) for metric in SCORES}
            row |= {"name": name, "seed": seed}
            content["rows"][key] = row
            arguments.output.write_text(json.dumps(content, indent=1))
            print_row(row)
    return content


def print_row(row: dict[str, Any]) -> None:
    """Print one line."""
    scores = "  ".join(f"{metric} {row['test'][metric]:.4f}" for metric in SCORES)
    print(
        f"{row['name']:16s} seed {row['seed']}  {row['n_fits']:3d} fits {row['seconds']:6.0f} s  "
        f"in the search {row.get('best_score', float('nan')):.4f}  |  {scores}",
        flush=True,
    )


def print_table(rows: list[dict[str, Any]]) -> None:
    """Print means over seeds with their standard errors."""
    print(f"\n{'held-out slices':16s}" + "".join(f"{metric:>20s}" for metric in SCORES))
    for name in ROWS:
        line = f"{name:16s}"
        for metric in SCORES:
            values = [row["test"][metric] for row in rows if row["name"] == name]
            error = np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else np.nan
            line += f"{np.mean(values):11.4f} ± {error:.4f}"
        print(line)


def draw(rows: list[dict[str, Any]], scoring: str, path: Path) -> None:
    """Draw the best candidate so far, and the winners on the held-out slices."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    colours = dict(zip(ROWS, ("0.4", "tab:orange", "tab:blue"), strict=True))
    for row in rows:
        if "trials" in row:
            best = np.maximum.accumulate([trial["score"] for trial in row["trials"]])
            label = row["name"] if row["seed"] == rows[0]["seed"] else None
            steps = np.arange(1, len(best) + 1)
            left.step(steps, best, where="post", color=colours[row["name"]], label=label, alpha=0.7)
    left.set(xlabel="candidates", ylabel=f"best {scoring} so far, cross-validated")
    left.legend(frameon=False)
    for i, name in enumerate(ROWS):
        values = [row["test"][scoring] for row in rows if row["name"] == name]
        right.plot(np.full(len(values), i), values, "o", color=colours[name], alpha=0.6)
        right.hlines(np.mean(values), i - 0.2, i + 0.2, color=colours[name])
    right.set_xticks(range(len(ROWS)), list(ROWS))
    right.set(xlim=(-0.5, len(ROWS) - 0.5), ylabel=f"{scoring} on held-out slices")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    save_figure(figure, "Search over the parameters of UNetSegmenter", path)


def main(argv: list[str] | None = None) -> None:
    """Run, print, draw."""
    arguments = parse_arguments(argv)
    # Candidates that cannot be trained are part of a search.
    warnings.simplefilter("ignore", TrainingWarning)
    rows = list(run(arguments)["rows"].values())
    print_table(rows)
    draw(rows, arguments.scoring, arguments.figure)


if __name__ == "__main__":
    main()

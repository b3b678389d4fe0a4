"""Three networks instead of one: what their average gains on held-out slices.

Each repetition trains one ensemble and scores it beside its own members::

    python examples/ensemble_of_seeds.py --data ../shared/data
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from peers.slices import add_slice_arguments, check_slice_arguments, load_slices

from membseg import EnsembleSegmenter, UNetSegmenter
from membseg.metrics import score_table
from membseg.model_selection import cached

SCORES = ("v_rand", "v_info", "v_rand_mask", "v_info_mask", "dice", "log_loss", "ece")


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_slice_arguments(parser)
    parser.add_argument("--members", type=int, default=3)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200, help="training steps of every member")
    parser.add_argument("--store", type=Path, default=Path("out/fits"), help="finished fits")
    parser.add_argument("--output", type=Path, default=Path("out/ensemble.json"))
    arguments = parser.parse_args(argv)
    check_slice_arguments(parser, arguments)
    return arguments


def score(segmenter: Any, X: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Score at the segmenter's own threshold, and at the best where the name has no "mask"."""
    table = score_table(y, segmenter.predict_membrane(X), threshold=segmenter.threshold_)
    return {name: float(table[name]) for name in SCORES}


def mean_of(tables: list[dict[str, float]]) -> dict[str, float]:
    """Average score by score."""
    return {name: float(np.mean([table[name] for table in tables])) for name in SCORES}


def main(argv: list[str] | None = None) -> None:
    """Train, score, print."""
    arguments = parse_arguments(argv)
    X, y = load_slices(arguments.data, arguments.train)
    X_test, y_test = load_slices(arguments.data, arguments.test)
    net = UNetSegmenter(max_steps=arguments.steps, steps_per_epoch=max(1, arguments.steps // 4))
    rows = []
    print(f"{'repetition':34s}" + "".join(f"{name:>12s}" for name in SCORES))
    for repetition in range(arguments.repetitions):
        ensemble = EnsembleSegmenter(
            cached(net, arguments.store), n_members=arguments.members, random_state=repetition
        ).fit(X, y)
        members = [score(member, X_test, y_test) for member in ensemble.estimators_]
        row = {"members": members, "ensemble": score(ensemble, X_test, y_test)}
        rows.append(row)
        print_line(f"{repetition}: mean of {len(members)} members", mean_of(members))
        print_line(f"{repetition}: the ensemble", row["ensemble"])
    single = mean_of([member for row in rows for member in row["members"]])
    together = mean_of([row["ensemble"] for row in rows])
    print_line("mean of all single members", single)
    print_line("mean of the ensembles", together)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(rows, indent=1))


def print_line(name: str, table: dict[str, float]) -> None:
    """Print one line of the table."""
    print(f"{name:34s}" + "".join(f"{table[score]:12.4f}" for score in SCORES), flush=True)


if __name__ == "__main__":
    main()

"""Kill a training again and again, at random moments, and see whether anything is lost.

A small network with dropout, a weight average, augmentation and early stopping is trained in a
process of its own, which is killed (SIGKILL) while it learns or writes its state, and started again
until it is done. Each start must go on where the last one stopped, and the weights must be those of
a training that nobody interrupted, bit for bit::

    python examples/kill_and_resume.py --kills 200

Epochs are two steps long, so that writing the state is a large part of the time, and kills hit it.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from membseg import UNetSegmenter, make_membranes
from membseg.io._container import load_container

#: At most so many epochs pass between a start and a kill.
MOST_EPOCHS = 4

#: Seconds after which a silent process is taken for stuck.
PATIENCE = 300


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--output", type=Path, default=Path("out/kill_and_resume.json"))
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--keep", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def train(result: Path, folder: Path | None, n_epochs: int) -> None:
    """Train in this process; it may be killed at any moment."""
    X, y = make_membranes(4, 48, 48, random_state=0)
    segmenter = UNetSegmenter(
        depth=1,
        base_filters=4,
        dropout=0.3,
        weight_averaging=0.9,
        early_stopping=True,
        patience=n_epochs,
        augmentation="d4+elastic+intensity+sharpness+noise+cutmix",
        max_steps=2 * n_epochs,
        steps_per_epoch=2,
        batch_size=2,
        patch_size=32,
        tta="none",
        precision="float32",
        random_state=0,
        checkpoint_dir=folder,
        verbose=1,
    ).fit(X, y)
    rows = [{name: row[name] for name in row if name != "seconds"} for row in segmenter.history_]
    facts = {
        "history": rows,
        "best_epoch": segmenter.best_epoch_,
        "threshold": segmenter.threshold_,
        "n_steps": segmenter.n_steps_,
    }
    np.savez(result, *segmenter.network_.get_weights(), facts=json.dumps(facts))


def start(result: Path, folder: Path | None, kills: int) -> "subprocess.Popen[str]":
    """Start a process that trains."""
    command = [sys.executable, __file__, "--train", str(result), "--kills", str(kills)]
    if folder is not None:
        command += ["--keep", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def run_until_killed(process: "subprocess.Popen[str]", moments: random.Random) -> list[int]:
    """Kill a process some time after its first epochs; give the epochs that it told of."""
    told: list[int] = []
    times = []
    wanted = moments.randint(0, MOST_EPOCHS - 1)
    if wanted == 0:
        # While it starts, mostly.
        time.sleep(moments.uniform(0, 6))
    while len(told) < wanted:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            break  # it has come to its end
        found = re.match(r"epoch +(\d+)", line)
        if found:
            told.append(int(found[1]))
            times.append(time.perf_counter())
    # Anywhere in the next epoch, writing its state included.
    if wanted:
        time.sleep(moments.uniform(0, times[-1] - times[-2] if len(times) > 1 else 0.1))
    process.kill()
    rest, _ = process.communicate(timeout=PATIENCE)
    return told + [int(epoch) for epoch in re.findall(r"^epoch +(\d+) .*\n", rest, re.MULTILINE)]


def read_state(folder: Path) -> tuple[int, int]:
    """Give the epoch that was kept, and how many unfinished files lie beside it."""
    n_parts = len(list(folder.glob(".membseg-*")))
    paths = list(folder.glob("*.checkpoint"))
    if not paths:
        return 0, n_parts
    (path,) = paths
    document, _ = load_container(path, "checkpoint")
    return len(document["loop"]["progress"]["history"]), n_parts


def compare(one: Path, other: Path) -> bool:
    """Whether two trainings ended with the same weights, history, best epoch and threshold."""
    with np.load(one) as first, np.load(other) as second:
        return first.files == second.files and all(
            np.array_equal(first[name], second[name]) for name in first.files
        )


def kill_and_resume(kills: int, seed: int, folder: Path) -> dict[str, object]:
    """Train twice, once in peace; give what was found."""
    moments = random.Random(seed)
    states = folder / "states"
    whole, resumed = folder / "whole.npz", folder / "resumed.npz"
    peaceful = start(whole, None, kills)
    if peaceful.wait() != 0:
        raise SystemExit("the training that nobody kills failed")
    lost, kept, n_parts = [], 0, 0
    for number in range(1, kills + 1):
        told = run_until_killed(start(resumed, states, kills), moments)
        if told and told[0] != kept + 1:
            raise SystemExit(f"start {number} did not go on after epoch {kept}; it told of {told}")
        reached = told[-1] if told else kept
        kept, n_parts = read_state(states)
        lost.append(reached - kept)
        print(f"kill {number:3d}  told of epoch {reached:4d}  kept epoch {kept:4d}", flush=True)
    last = start(resumed, states, kills)
    last.communicate(timeout=PATIENCE)
    return {
        "kills": kills,
        "kills_while_writing": n_parts,
        "most_epochs_lost": max(lost, default=0),
        "same_weights": last.returncode == 0 and compare(whole, resumed),
        "states_left": len(list(states.glob("*.checkpoint"))),
    }


def main(argv: list[str] | None = None) -> None:
    """Kill, resume, compare, tell."""
    arguments = parse_arguments(argv)
    if arguments.train is not None:
        train(arguments.train, arguments.keep, (MOST_EPOCHS + 1) * (arguments.kills + 1))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = kill_and_resume(arguments.kills, arguments.seed, Path(folder))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))
    if found["most_epochs_lost"] not in (0, 1) or not found["same_weights"] or found["states_left"]:
        raise SystemExit("something was lost")


if __name__ == "__main__":
    main()

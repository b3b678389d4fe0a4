"""The examples run as a new user would run them, from another folder."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from membseg import load_stack, make_membranes, save_stack

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = pytest.mark.slow


def run(folder, name, *arguments, expect=0):
    """Run an example in a folder and give what it wrote."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expect, done.stderr[-3000:]
    return done.stdout if expect == 0 else done.stderr


def scores_of(output):
    """Read the table: metric -> (U-Net, Otsu)."""
    rows = re.findall(r"^(\w+) +(-?\d+\.\d+) +(-?\d+\.\d+)", output, re.MULTILINE)
    return {name: (float(unet), float(otsu)) for name, unet, otsu in rows}


def test_segment_membranes_on_the_embedded_default(tmp_path):
    output = run(tmp_path, "segment_membranes.py", "--time-limit", 20)
    scores = scores_of(output)
    assert scores["v_rand"][0] >= 0.95
    assert scores["dice"][0] > scores["dice"][1]
    assert load_stack(tmp_path / "out/masks.tif").shape == (3, 256, 256)
    assert load_stack(tmp_path / "out/probability.tif").dtype == np.float32
    assert (tmp_path / "out/summary.png").stat().st_size > 10_000
    assert len(list((tmp_path / "out").glob("overlay*.png"))) == 3


def test_segment_membranes_on_folders_of_another_polarity(tmp_path):
    X, y = make_membranes(8, 96, 96, random_state=0)
    save_stack(tmp_path / "image", X)
    save_stack(tmp_path / "label", 255 * (1 - y))
    output = run(
        tmp_path, "segment_membranes.py", "--images", "image", "--masks", "label",
        "--membrane-label", 0, "--train", "0:5", "--test", "6:8", "--time-limit", 15,
        "--output", "results",
    )  # fmt: skip
    assert "2 held-out slices" in output
    assert "learning from 5 slices" in output
    assert scores_of(output)["iou"][0] > 0.4
    masks = load_stack(tmp_path / "results/masks.tif", mode="values")
    assert 0.05 < np.mean(masks == 255) < 0.6


def test_segment_membranes_says_what_is_missing(tmp_path):
    assert "--images and --masks go together" in run(
        tmp_path, "segment_membranes.py", "--images", "here", expect=2
    )
    assert "must look like 0:19; got '7'" in run(
        tmp_path, "segment_membranes.py", "--train", "7", expect=2
    )


def test_benchmark_resumes_row_by_row(tmp_path):
    X, y = make_membranes(25, 64, 64, random_state=0)
    (tmp_path / "data/isbi2012").mkdir(parents=True)
    save_stack(tmp_path / "data/isbi2012/image", X)
    save_stack(tmp_path / "data/isbi2012/label", 255 * (1 - y))
    arguments = ("--data", "data", "--time-limit", 6, "--sets", "isbi2012", "epitools")
    first = run(tmp_path, "benchmark_held_out.py", *arguments)
    assert "epitools: no such folder below data, left out" in first
    rows = json.loads((tmp_path / "out/held_out.json").read_text())
    assert list(rows) == ["isbi2012 6 s seed 0 auto"]
    assert 0 <= rows["isbi2012 6 s seed 0 auto"]["otsu"]["v_rand"] <= 1
    assert run(tmp_path, "benchmark_held_out.py", *arguments) == first
    assert json.loads((tmp_path / "out/held_out.json").read_text()) == rows


def test_initial_weights_can_be_made(tmp_path):
    output = run(
        tmp_path, "train_initial_weights.py", "--output", "w.npz", "--volumes", 1, "--steps", 1
    )
    assert "1 steps; wrote w.npz" in output
    assert (tmp_path / "w.npz").stat().st_size > 500_000


def test_a_first_look_without_labels(tmp_path):
    output = run(tmp_path, "first_look.py", "--volumes", 1)
    assert "threshold: 0.36; these synthetic slices say 0." in output
    (row,) = [line for line in output.splitlines() if line.startswith("| synthetic |")]
    assert float(row.split("|")[6]) > 0.5
    assert (tmp_path / "out/first_look.png").stat().st_size > 1000

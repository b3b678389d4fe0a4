"""The examples of search, comparison, learning curve and ensemble, with tiny trainings."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.slow


def search_arguments(data, folder):
    return [
        "--data", data, "--train", "9-14", "--test", "20-21", "--candidates", "3", "--steps", "2",
        "--seeds", "0", "--store", folder / "fits", "--output", folder / "search.json",
        "--figure", folder / "search.png",
    ]  # fmt: skip


@pytest.fixture
def needs_skopt():
    pytest.importorskip("skopt", reason="needs scikit-optimize, of the extra 'search'")


def test_search_prints_a_table_and_draws(run_example, data, tmp_path, needs_skopt):
    printed = run_example("search_bayes.py", *search_arguments(data, tmp_path))
    rows = json.loads((tmp_path / "search.json").read_text())["rows"]
    assert set(rows) == {
        f"{name}, seed 0" for name in ("default", "random search", "Bayesian search")
    }
    assert all(len(row["trials"]) == 3 for row in rows.values() if row["n_fits"] > 1)
    for row in rows.values():
        assert f"{row['test']['v_rand_mask']:.4f}" in printed
    assert (tmp_path / "search.png").stat().st_size > 1000
    # A second run has nothing left to do.
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "fits").rglob("*")}
    run_example("search_bayes.py", *search_arguments(data, tmp_path))
    assert json.loads((tmp_path / "search.json").read_text())["rows"] == rows
    assert files == {path: path.stat().st_mtime_ns for path in (tmp_path / "fits").rglob("*")}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills as POSIX does")
def test_killed_search_repeats_no_finished_fit(run_example, examples, data, tmp_path, needs_skopt):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    run_example("search_bayes.py", *search_arguments(data, whole))
    command = [sys.executable, examples / "search_bayes.py", *search_arguments(data, killed)]
    with subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ,
    ) as process:
        deadline = time.monotonic() + 120
        while len(fits_in(killed)) < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
    finished = fits_in(killed)
    assert 4 <= len(finished) < len(fits_in(whole))
    run_example("search_bayes.py", *search_arguments(data, killed))
    assert finished.items() <= fits_in(killed).items()
    expected, found = (
        {
            key: [row["test"], row.get("trials")]
            for key, row in json.loads((folder / "search.json").read_text())["rows"].items()
        }
        for folder in (whole, killed)
    )
    assert found == expected


def fits_in(folder):
    """Finished fits and when they were written."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / "fits").rglob("*.fit")}


def test_comparison_ranks_and_draws(run_example, data, tmp_path):
    printed = run_example(
        "compare_candidates.py", "--data", data, "--train", "0-7", "--blocks", "2", "--steps", "2"
    )
    names = ("dummy", "threshold", "ridge", "forest", "small U-Net", "U-Net")
    rows = json.loads((tmp_path / "out/comparison.json").read_text())
    assert {row["candidate"] for row in rows if row["rank"]} == set(names)
    assert all(name in printed for name in names)
    assert "a published U-Net" in printed.splitlines()[-1]
    assert (tmp_path / "out/comparison.png").stat().st_size > 1000


def test_learning_curve(run_example, data, tmp_path):
    printed = run_example(
        "learning_curve.py", "--data", data, "--train", "0-4", "--test", "20", "--sizes", "1", "2",
        "--splits", "2", "--steps", "2",
    )  # fmt: skip
    found = json.loads((tmp_path / "out/learning_curve.json").read_text())
    assert found["sizes"] == [1, 2]
    assert len(found["test_scores"]) == len(found["test_scores"][0]) == 2
    assert printed.splitlines()[1].split()[0] == "1"
    assert (tmp_path / "out/learning_curve.png").stat().st_size > 1000


def test_ensemble_beside_its_members(run_example, data, tmp_path):
    printed = run_example(
        "ensemble_of_seeds.py", "--data", data, "--train", "0-3", "--test", "20",
        "--members", "2", "--repetitions", "1", "--steps", "2",
    )  # fmt: skip
    (row,) = json.loads((tmp_path / "out/ensemble.json").read_text())
    assert len(row["members"]) == 2
    mean = sum(member["log_loss"] for member in row["members"]) / 2
    assert f"{mean:.4f}" in printed
    # The log loss is convex.
    assert row["ensemble"]["log_loss"] <= mean + 1e-6


def test_calibration_is_measured_both_ways(run_example, data, tmp_path):
    printed = run_example(
        "calibrate.py", "--data", data, "--fit", "0-3", "--calibrate", "5-6", "--train", "0-6",
        "--test", "8-9", "--folds", "2", "--steps", "2",
    )  # fmt: skip
    content = json.loads((tmp_path / "out/calibration.json").read_text())
    assert set(content) == {
        f"{net}, {way}"
        for net in ("default", "Dice loss")
        for way in ("kept slices", "out of fold")
    }
    for name, rows in content.items():
        assert list(rows) == ["none", "temperature", "sigmoid", "beta", "isotonic", "local"]
        assert rows["none"]["changed"] == 0
        assert all(0 <= area <= 1 for area in rows["none"]["error_auc"].values())
        for method, row in rows.items():
            assert f"{name}, {method}" in printed
            assert row["ece_interval"][0] <= row["ece"] <= row["ece_interval"][1]
    assert (tmp_path / "out/calibration.png").stat().st_size > 1000


def test_cost_of_calibration(run_example, tmp_path):
    printed = run_example(
        "benchmark_calibration.py", "--images", "3", "--side", "64", "--methods", "sigmoid", "local"
    )
    rows = json.loads((tmp_path / "out/calibration_cost.json").read_text())["rows"]
    assert [row["method"] for row in rows] == ["sigmoid", "local"]
    for row in rows:
        assert f"fit {row['fit_seconds']:6.1f} s" in printed
        assert row["memory_mb"] is None or row["memory_mb"] < 200

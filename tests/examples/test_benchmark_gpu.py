"""The benchmark of GPUs: its rows, its doubling of time limits, and all of it on a processor."""

import json
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return import_module("benchmark_gpu")


@pytest.fixture
def arguments(data, tmp_path):
    return [
        "--data", str(data), "--train", "0-2", "--test", "3-4", "--output",
        str(tmp_path / "gpu.json"), "--filters", "4", "--batch-sizes", "2", "--patch", "64",
        "--matrix-size", "64", "--seconds", "0.1", "--repeats", "1", "--depth", "2",
    ]  # fmt: skip


@pytest.fixture
def scripted(benchmark, monkeypatch):
    """Rows are not run but answered: V_Rand grows with the time limit."""
    asked = []

    def run_row(script, spec, timeout):
        asked.append(spec)
        if spec["section"] == "quality":
            v_rand = spec["limit"] / 20
            scores = {"none": {"v_rand": v_rand - 0.1, "v_info": 0.5}}
            scores["d4"] = {"v_rand": v_rand, "v_info": 0.5}
            return spec | {"scores": scores, "n_steps": 3, "fit_seconds": spec["limit"]}
        if spec.get("batch") == 99:
            return spec | {"failed": "one\nout of memory"}
        return spec | {"tflops": 2.0, "images_per_second": 12.5}

    monkeypatch.setattr(benchmark, "run_row", run_row)
    monkeypatch.setattr(benchmark, "is_installed", lambda package: package != "torch")
    return asked


def test_limits_double_until_the_target_is_reached(benchmark, scripted, arguments, capsys):
    arguments += ["--sections", "quality", "--limits", "5", "10", "20", "40", "--target", "0.9"]
    benchmark.main(arguments)
    asked = [(spec["library"], spec["limit"]) for spec in scripted]
    assert asked == [(name, s) for name in ("membseg", "membseg, host") for s in (5, 10, 20)]
    output = capsys.readouterr().out
    assert "torch: torch is not installed, left out" in output
    assert output.count("reached 0.9") == 2
    # Nothing is run again.
    benchmark.main(arguments)
    assert len(scripted) == 6


def test_every_library_gets_the_same_rows(benchmark, scripted, arguments, monkeypatch, capsys):
    monkeypatch.setattr(benchmark, "is_installed", lambda package: True)
    arguments += ["--sections", "rate", "train", "predict"]
    arguments[arguments.index("--batch-sizes") + 1 : arguments.index("--patch")] = ["2", "99"]
    benchmark.main(arguments)
    rows = {(spec["section"], spec["library"], spec.get("batch")) for spec in scripted}
    libraries = ("membseg", "membseg, host", "torch")
    wanted = {("rate", "membseg", None)}
    wanted |= {("train", name, batch) for name in libraries for batch in (2, 99)}
    wanted |= {("predict", name, batch) for name in libraries[::2] for batch in (2, 99)}
    assert rows == wanted
    output = capsys.readouterr().out
    assert "100.0%" in output
    assert output.count("failed: out of memory") == 5


def test_a_peak_that_is_given_is_not_measured(benchmark, scripted, arguments, capsys):
    benchmark.main([*arguments, "--sections", "rate", "train", "--peak-tflops", "8"])
    assert {spec["section"] for spec in scripted} == {"train"}
    assert " 25.0%" in capsys.readouterr().out


@pytest.mark.slow
def test_all_of_it_on_a_processor(arguments, run_example, tmp_path):
    pytest.importorskip("jax")
    arguments += ["--limits", 8, "--target", 1, "--libraries", "membseg", "membseg, host"]
    output = run_example("benchmark_gpu.py", *arguments, KERAS_BACKEND="jax", JAX_PLATFORMS="cpu")
    assert "failed" not in output
    content = json.loads((tmp_path / "gpu.json").read_text())
    rows = list(content["rows"].values())
    sections = [row["section"] for row in rows]
    assert sections == ["rate", "train", "train", "predict", "quality", "quality"]
    assert all(row["tflops"] > 0 for row in rows[:4])
    assert all(row["images_per_second"] > 0 for row in rows[1:4])
    for row in rows[4:]:
        assert row["n_steps"] >= 1
        assert all(0 <= scores["v_rand"] <= 1 for scores in row["scores"].values())


def test_operations_are_counted_as_they_are_done(benchmark, arguments):
    pytest.importorskip("keras")
    membseg = import_module("peers.gpu_membseg")
    spec = {"filters": 4, "depth": 1, "stem_stride": 1, "batch": 2, "patch": 8}
    # By hand: two 3x3 convolutions on each of three levels, the way up, the logits.
    pixels = np.array([64, 64, 16, 16, 16, 64, 64, 64])
    kernels = np.array([9 * 4, 9 * 16, 9 * 32, 9 * 64, 4 * 32, 9 * 32, 9 * 16, 4])
    assert membseg.count(spec)["predict"] == 2 * 2 * (pixels * kernels).sum()
    rate = membseg.rate_of(0.5, 10**12, spec)
    assert rate == {"images_per_second": 2 * 64 / 256**2 / 0.5, "tflops": 2.0}

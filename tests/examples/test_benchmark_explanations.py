"""The benchmark of explanations: what it plants, counts and keeps."""

import json
from importlib import import_module

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("examples")

FEW = ("--slices", "15", "--net-slices", "12", "--stacks", "1", "--nets", "1", "--net-steps", "1")


@pytest.fixture
def explanations(data, tmp_path, monkeypatch):
    """Run the benchmark, tiny; gives the rows."""
    module = import_module("benchmark_explanations")
    monkeypatch.chdir(tmp_path)

    def run(*more):
        output = tmp_path / "explanations.json"
        module.main([*map(str, ["--data", data, *FEW, "--output", output, *more])])
        return json.loads(output.read_text())["rows"]

    return run


@pytest.mark.parametrize("kind", ["planted", "chance", "none", "plain"])
def test_marks_are_planted_as_said(kind):
    module = import_module("benchmark_explanations")
    X, y = module.plant(3, 13, 48, kind)
    inverted = y.mean(axis=(1, 2)) > 0.5
    marked = (X[:, : module.MARK, : module.MARK] == 255).all(axis=(1, 2))
    assert inverted.sum() in ((0,) if kind == "plain" else (4, 5))
    assert (marked.sum() > 3) == (kind in ("planted", "chance"))
    assert (inverted == marked).all() == (kind in ("planted", "plain"))


def test_leak_check_is_asked_once(explanations, capsys):
    rows = explanations("--part", "leaks")
    assert set(rows) == {f"leaks {kind} 0" for kind in ("planted", "chance", "none", "plain")}
    assert rows["leaks planted 0"]["leaks"][0][0] == "top left corner"
    assert "leak_check, planted: 1 of 1 stacks, in the corner 1" in capsys.readouterr().out
    assert explanations("--part", "leaks") == rows


@pytest.mark.slow
def test_nets_are_covered_and_drawn(explanations, tmp_path):
    rows = explanations("--part", "occlusion", "--figure", tmp_path / "figure.png")
    assert rows["occlusion planted 0"]["n"] == 3
    assert np.isfinite(rows["occlusion plain 0"]["strongest"]).all()
    assert (tmp_path / "figure.png").stat().st_size > 5_000


@pytest.mark.slow
def test_real_slices(explanations, capsys):
    rows = explanations("--part", "real", "--real-steps", "1", "--n-slices", "1")
    assert {"receptive field", "importance", "randomised grad_cam"} <= set(rows)
    # One for each of the stages that the example asks for.
    assert len(rows["randomised input_gradients"]["spearman"]) == 4
    assert "randomised grad_cam" in capsys.readouterr().out

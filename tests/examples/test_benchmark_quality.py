"""The quality benchmark: what it averages, runs, leaves out, resumes and draws."""

import json
import math
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.usefixtures("examples")


def peer(name):
    return import_module(f"peers.{name}")


def quality_row(row="membseg", limit=60.0, seed=0, v_rand=0.9, views=("one view",), **more):
    scores = dict.fromkeys(peer("quality_table").SHOWN, 0.8)
    scores |= {"v_rand": v_rand, "threshold": 0.5, "predict_seconds": 0.1}
    return {
        "row": row, "time_limit": limit, "seed": seed, "train": [0], "n_labels": None,
        "fit_seconds": limit, "n_steps": 10, "peak_bytes": 2**30,
        "views": dict.fromkeys(views, scores),
    } | more  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(n_slices=st.integers(1, 7), n_labels=st.integers(1, 7))
def test_every_slice_is_in_equally_many_sets(n_slices, n_labels):
    sets = peer("quality_rows").label_sets(list(range(10, 10 + n_slices)), n_labels)
    assert {len(chosen) for chosen in sets} == {min(n_labels, n_slices)}
    if n_slices % 2 or n_labels <= n_slices // 2:
        assert all(len(set(chosen)) == len(chosen) for chosen in sets)
    counts = np.bincount(np.concatenate(sets), minlength=10 + n_slices)[10:]
    assert len(set(counts)) == 1


def test_means_and_standard_errors():
    rows = {str(k): quality_row(seed=k, v_rand=v) for k, v in enumerate((0.8, 0.9, 0.95))}
    rows["failed"] = {"row": "membseg", "failed": "boom"}
    rows["other"] = quality_row("torch16", v_rand=0.9, views=("one view", "eight views"))
    found = {s.name: s for s in peer("quality_table").summarise(rows)}
    assert list(found) == ["torch16, one view", "torch16, eight views", "membseg"]
    mean = (0.8 + 0.9 + 0.95) / 3
    assert found["membseg"].mean["v_rand"] == pytest.approx(mean)
    error = math.sqrt(sum((v - mean) ** 2 for v in (0.8, 0.9, 0.95)) / 2 / 3)
    assert found["membseg"].error["v_rand"] == pytest.approx(error)
    assert found["membseg"].mean["peak_gb"] == 1
    assert math.isnan(found["torch16, one view"].error["v_rand"])


def test_seconds_until_a_score_is_reached():
    curve = {15.0: 0.5, 30.0: 0.9, 60.0: 0.94, 120.0: 0.96}
    rows = {str(t): quality_row(limit=t, v_rand=v) for t, v in curve.items()}
    # Halfway between 0.94 and 0.96: halfway between 60 and 120 s on a logarithmic axis.
    until = peer("quality_table").seconds_until
    found = until(rows, 0.95, list(curve))["membseg"]
    assert found == [{"seed": 0, "limit": 120.0, "seconds": pytest.approx(60 * math.sqrt(2))}]
    assert until(rows, 0.97, list(curve))["membseg"][0]["limit"] is None
    assert until(rows, 0.4, list(curve))["membseg"][0]["seconds"] == 15
    # Rows of other limits do not belong to the curve.
    assert until(rows, 0.9, [60.0, 120.0])["membseg"][0] == {
        "seed": 0, "limit": 60.0, "seconds": 60.0,
    }  # fmt: skip


# ------------------------------------------------------------------ quality: what is run, and when


@pytest.fixture
def quality(data, tmp_path, monkeypatch):
    """Run benchmark_quality with rows that are made up; gives the rows run and the JSON."""
    module = import_module("benchmark_quality")
    asked = []

    def run_row(script, spec, timeout):
        asked.append(spec)
        views = ("one view", "eight views") if spec["row"] == "membseg" else ("one view",)
        v_rand = spec["time_limit"] / (spec["time_limit"] + (5 if spec["row"] == "membseg" else 20))
        return spec | quality_row(v_rand=v_rand, views=views) | spec

    monkeypatch.setattr(module, "run_row", run_row)

    def run(*arguments):
        asked.clear()
        paths = ["--output", tmp_path / "q.json", "--figure", tmp_path / "q.png"]
        module.main([*map(str, ["--data", data, *arguments, *paths])])
        keys = [(spec["row"], spec["time_limit"], spec["seed"], spec["train"]) for spec in asked]
        return keys, json.loads((tmp_path / "q.json").read_text())

    return SimpleNamespace(run=run, module=module, monkeypatch=monkeypatch, folder=tmp_path)


def test_quality_runs_what_is_missing_only(quality, capsys):
    train = list(range(19))
    rows = ("--rows", "membseg", "forest")
    keys, content = quality.run(*rows, "--time-limits", 60, "--seeds", 0)
    assert keys == [("membseg", 60, 0, train), ("forest", 60, 0, train)]
    assert list(content["rows"]) == ["membseg 60 s seed 0", "forest 60 s seed 0"]
    assert content["settings"]["test"] == [20, 21, 22, 23, 24]
    keys, _ = quality.run(*rows, "--time-limits", 60, 120, "--seeds", 0)
    assert keys == [("membseg", 120, 0, train), ("forest", 120, 0, train)]
    keys, _ = quality.run(*rows, "--time-limits", 60, "--seeds", 0, "--again", "forest")
    assert keys == [("forest", 60, 0, train)]
    assert "membseg, eight views" in capsys.readouterr().out
    assert (quality.folder / "q.png").stat().st_size > 10_000


def test_a_failed_row_is_named_and_run_again(quality, capsys):
    made_up = quality.module.run_row
    quality.monkeypatch.setattr(
        quality.module, "run_row", lambda script, spec, timeout: spec | {"failed": "boom"}
    )
    quality.run("--rows", "forest", "--time-limits", 60, "--seeds", 0)
    assert "forest 60 s seed 0 failed: boom" in capsys.readouterr().out
    quality.monkeypatch.setattr(quality.module, "run_row", made_up)
    keys, content = quality.run("--rows", "forest", "--time-limits", 60, "--seeds", 0)
    assert len(keys) == 1
    assert "failed" not in content["rows"]["forest 60 s seed 0"]


def test_a_peer_that_is_not_installed_is_named_and_left_out(quality, capsys):
    quality.monkeypatch.setattr(quality.module, "is_installed", lambda name: name != "torch")
    keys, content = quality.run("--time-limits", 60, "--seeds", 0)
    assert [key[0] for key in keys] == ["membseg", "forest", "classical"]
    reason = "PyTorch is not installed"
    assert content["left_out"] == {"torch16": reason, "torch64": reason}
    assert "torch16: PyTorch is not installed, left out" in capsys.readouterr().out


def test_few_labels(quality, capsys):
    quality.monkeypatch.setattr(quality.module, "is_installed", lambda name: name != "torch")
    keys, content = quality.run("--labels", 1, 5, "--seeds", 0)
    assert [key[0] for key in keys] == ["membseg", "forest"] * 6
    assert [key[3] for key in keys[::2]] == [[2], [6], [10], [15], [18], [2, 6, 10, 15, 18]]
    assert "membseg 60 s seed 0 slices 15" in content["rows"]
    output = capsys.readouterr().out
    assert "60 s, 1 labelled slice (mean" in output
    assert "60 s, 5 labelled slices (mean" in output


def test_until_doubles_the_limit_and_stops(quality, capsys):
    rows = ("--rows", "membseg", "forest", "--seeds", 0)
    keys, content = quality.run(*rows, "--until", 0.9, "--until-most", 100)
    # 60 / 65 reaches 0.9 and 30 / 35 does not; the other does not until 180 s.
    assert [key[:2] for key in keys] == [
        ("membseg", 15), ("membseg", 30), ("membseg", 60),
        ("forest", 15), ("forest", 30), ("forest", 60),
    ]  # fmt: skip
    found = content["seconds_until"]["rows"]
    assert found["membseg, one view"][0]["limit"] == 60
    assert found["forest"][0]["limit"] is None
    assert "not reached" in capsys.readouterr().out


def test_nothing_to_draw_draws_nothing(tmp_path):
    content = {"rows": {}, "settings": {"test": [1]}, "machine": {}}
    peer("quality_figure").draw_quality(content, tmp_path / "q.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_quality_from_end_to_end(run_example, data, tmp_path):
    arguments = ("--data", data, "--rows", "membseg", "forest", "--time-limits", 5, "--seeds", 0)
    output = run_example("benchmark_quality.py", *arguments)
    content = json.loads((tmp_path / "out/quality.json").read_text())
    assert {key: row.get("failed") for key, row in content["rows"].items()} == {
        "membseg 5 s seed 0": None, "forest 5 s seed 0": None,
    }  # fmt: skip
    for row in content["rows"].values():
        assert row["peak_bytes"] >= row["peak_bytes_fit"] > 50e6
        for scores in row["views"].values():
            assert 0 <= scores["v_rand"] <= 1
            assert scores["roc_auc"] > 0.5
    assert "membseg, eight views" in output
    assert (tmp_path / "out/quality.png").stat().st_size > 10_000
    tables = output.partition("\n\n")[2]
    assert run_example("benchmark_quality.py", *arguments).strip() == tables.strip()

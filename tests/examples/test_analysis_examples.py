"""The examples of analysis and reports, on synthetic slices."""

import json

import pytest

from membseg import make_membranes, save_stack


@pytest.mark.slow
def test_planted_events_are_counted(run_example, data, tmp_path):
    printed = run_example(
        "benchmark_merges_splits.py", "--data", data, "--slices", "0-2", "--seeds", 1,
        "--merges", 2, "--splits", 2, "--output", tmp_path / "events.json",
    )  # fmt: skip
    slices = json.loads((tmp_path / "events.json").read_text())["rows"]
    assert len(slices) == 3
    rows = [(name, row) for one in slices.values() for name, row in one.items()]
    assert len(rows) == 3 * 4 * 2
    assert sum(row["merges planted"] for _, row in rows) > 0
    for name, row in rows:
        for kind in ("merges", "splits"):
            assert row[f"{kind} found"] == row[f"{kind} planted"]
            assert row[f"{kind} invented"] == 0
            assert name.endswith(", planted") or row[f"{kind} planted"] == 0
    assert "thin walls, planted" in printed


@pytest.mark.slow
def test_the_report_of_unlabelled_slices_is_written(run_example, tmp_path):
    pytest.importorskip("matplotlib")
    X, y = make_membranes(7, 64, 64, random_state=0)
    folder = tmp_path / "data/isbi2012"
    folder.mkdir(parents=True)
    save_stack(folder / "image", X[:4])
    save_stack(folder / "label", 255 * (1 - y[:4]))
    save_stack(folder / "unlabelled", X[4:])
    printed = run_example(
        "report_unlabelled.py", "--data", tmp_path / "data", "--train", "0-3", "--steps", 2,
        "--filters", 4, "--judge", "0-3", "--planted", 2, "--output", tmp_path / "out/report.html",
    )  # fmt: skip
    assert "V_Rand?" in printed
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert "Membranes of ten unlabelled slices" in page
    assert (tmp_path / "out/report_quality.csv").is_file()

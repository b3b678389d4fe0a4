"""The benchmark of exported networks runs, and writes the table that it prints."""

import json

import pytest


@pytest.mark.slow
def test_every_format_has_a_row_at_each_size(run_example, tmp_path):
    for package in ("onnxruntime", "openvino", "ai_edge_litert", "tf2onnx"):
        pytest.importorskip(package)
    table = run_example(
        "benchmark_export.py", "--steps", 2, "--sizes", "64x64", "50x74", "--repeats", 1,
        "--images", 1, "--output", "out/e.json",
    )  # fmt: skip
    rows = json.loads((tmp_path / "out/e.json").read_text())["rows"]
    assert [row["size"] for row in rows] == 7 * ["64x64"] + 7 * ["50x74"]
    exact = [row for row in rows if row["row"] not in ("membseg, bfloat16", "OpenVINO, as it is")]
    assert max(row["difference"] for row in exact) <= 1e-4
    assert all(row["bytes"] > 1000 for row in rows if not row["row"].startswith("membseg"))
    assert table.strip() == (tmp_path / "out/e.md").read_text().strip()

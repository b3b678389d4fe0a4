"""The example trains, scores and adds a row each time."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "train_mask_rcnn.py"
TINY = ("base_filters=2", "pyramid_filters=4", "head_units=8", "mask_filters=2", "batch_size=1")


@pytest.mark.slow
def test_a_row_is_added(tmp_path):
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "rows.json"
    path.write_text('[{"slices": "of an earlier run"}]')
    command = [sys.executable, str(SCRIPT), "--synthetic", "--seconds", "15", "--set", *TINY]
    command += ["--output", "out/rows.json", "--keep", "out/fitted.joblib"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = json.loads(path.read_text())
    assert [row["slices"] for row in rows] == ["of an earlier run", "synthetic"]
    assert 0 <= rows[1]["mask_rcnn"]["ap50"] <= 1
    assert rows[1]["threshold_watershed"]["ap50"] > 0.4
    assert rows[1]["options"]["base_filters"] == 2
    assert (tmp_path / "out" / "fitted.joblib").exists()


def test_slices_must_be_given(tmp_path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "give --data or --synthetic" in done.stderr

"""Processes that are killed at random moments, in the middle of writing too, lose nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "kill_and_resume.py"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is not of Windows")
def test_twenty_kills(tmp_path):
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), "--kills", "20"],
        cwd=tmp_path,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    found = json.loads((tmp_path / "out" / "kill_and_resume.json").read_text("utf-8"))
    assert found["kills"] == 20
    assert found["most_epochs_lost"] <= 1
    assert found["same_weights"]
    assert found["states_left"] == 0

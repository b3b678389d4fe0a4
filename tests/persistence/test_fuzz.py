"""Thousands of damaged and forged files: each is told, and nothing else happens."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("fuzz.py")


def test_a_few_hundred_files(fuzz, tmp_path):
    seeds = fuzz.read_seeds(["forest", "tuned", "unet"])
    fuzz.warm_up(tmp_path, seeds)
    counts, wrong = fuzz.run(tmp_path, seeds, 400, seed=0)
    assert wrong == []
    refused = sum(n for name, n in counts.items() if name.endswith(": refused"))
    assert refused > 300
    assert all(counts[f"{way.__name__}: refused"] for way in set(fuzz.WAYS))


def test_the_fuzz_sees_what_it_looks_for(fuzz, monkeypatch, tmp_path):
    monkeypatch.setattr(fuzz.membseg, "load", lambda path: {}["gone"])
    _, wrong = fuzz.run(tmp_path, fuzz.read_seeds(["tuned"]), 3, seed=0)
    assert len(wrong) == 3
    assert "KeyError: 'gone'" in wrong[0][2]


@pytest.mark.slow
def test_ten_thousand_files():
    """In a process of its own, whose memory, imports and events are watched."""
    command = [sys.executable, str(SCRIPT), "10000", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert report["wrong"] == []
    assert report["events"] == []
    assert report["peak_bytes"] - report["peak_bytes_before"] < 2**28
    assert done.returncode == 0

"""Rows of a benchmark: each in a process of its own, kept in one JSON file, never run twice."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from peers.machine import describe_machine, same_machine


class Store:
    """The JSON file of a benchmark.

    Parameters
    ----------
    path : Path
        The file; made with its folder where it is missing.
    settings : dict
        What all rows have in common, plain values. A file of other settings, or of another
        machine, is refused, since its rows cannot stand beside these.
    """

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self.path = path
        machine = describe_machine()
        self.content: dict[str, Any] = {
            "machine": machine, "settings": settings, "left_out": {}, "rows": {},
        }  # fmt: skip
        if path.exists():
            old = json.loads(path.read_text())
            if old["settings"] != settings or not same_machine(old["machine"], machine):
                raise SystemExit(
                    f"{path} holds rows of other settings or of another machine: "
                    f"{old['settings']} on {old['machine']['processor']}. Give another --output."
                )
            self.content["rows"] = old["rows"]

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """Key -> row."""
        return self.content["rows"]

    def has(self, key: str) -> bool:
        """Tell whether a row is there and did not fail."""
        return key in self.rows and "failed" not in self.rows[key]

    def add(self, key: str, row: dict[str, Any]) -> None:
        """Add a row and write the file."""
        self.rows[key] = row
        self.write()

    def leave_out(self, name: str, reason: str) -> None:
        """Note what could not be run, and say so."""
        self.content["left_out"][name] = reason
        print(f"{name}: {reason}, left out", flush=True)
        self.write()

    def write(self) -> None:
        """Write the file in one go, so that no interruption leaves half of it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_name(self.path.name + ".new")
        new.write_text(json.dumps(self.content, indent=1))
        new.replace(self.path)


def run_row(script: str, spec: dict[str, Any], timeout: float) -> dict[str, Any]:
    """Run one row in a fresh process.

    Parameters
    ----------
    script : str
        The benchmark itself; it is called with ``--one-row`` and must answer with
        :func:`answer_row`.
    spec : dict
        What to run, plain values.
    timeout : float
        Seconds after which the row is given up.

    Returns
    -------
    dict
        `spec` and the row's numbers, or `spec` and why it "failed".
    """
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "row.json"
        command = [sys.executable, script, "--one-row", json.dumps(spec), str(answer)]
        environment = {"TF_CPP_MIN_LOG_LEVEL": "3"} | os.environ
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=timeout,
                env=environment,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return spec | {"failed": f"took longer than {timeout:.0f} s"}
        if done.returncode or not answer.exists():
            last = done.stderr.strip().splitlines()[-12:] or [f"exit code {done.returncode}"]
            return spec | {"failed": "\n".join(last)}
        return spec | json.loads(answer.read_text())


def answer_row(request: list[str], function: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Run a row in this process and leave its numbers where :func:`run_row` looks for them."""
    spec, path = request
    Path(path).write_text(json.dumps(function(json.loads(spec))))

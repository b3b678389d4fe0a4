"""The notebook runs, and what it shows is stored in it."""

import ast
import importlib
import json
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
NOTEBOOKS = sorted(DOCS.glob("notebooks/*.ipynb"))
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|usr|opt|var|mnt|Users)/|[A-Z]:\\")


def code_cells(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def source_of(cell):
    return "".join(cell["source"])


def shown_by(cell):
    """Text of each output of a cell, whatever kind it is of."""
    for output in cell["outputs"]:
        yield "".join(output.get("text", ""))
        for kind, content in output.get("data", {}).items():
            if kind.startswith("text/"):
                yield "".join(content)


def test_there_is_a_notebook():
    assert "first_segmentation" in [path.stem for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_were_run_once_from_top_to_bottom(path):
    counts = [cell["execution_count"] for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_stored_without_errors_and_warnings(path):
    outputs = [output for cell in code_cells(path) for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {"stream", "display_data"}
    assert {output.get("name", "stdout") for output in outputs} == {"stdout"}
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    drawn = sum(source_of(cell).count("plt.show()") for cell in code_cells(path))
    assert len(pictures) >= drawn > 0


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_path_of_a_machine_is_stored(path):
    cells = code_cells(path)
    texts = [source_of(cell) for cell in cells] + [
        text for cell in cells for text in shown_by(cell)
    ]
    assert [text for text in texts if MACHINE_PATH.search(text)] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_imported_exists(path):
    # A quick stand-in for running the cells, which the slow test does.
    for cell in code_cells(path):
        for node in ast.walk(ast.parse(source_of(cell))):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("membseg"):
                room = importlib.import_module(node.module)
                assert all(hasattr(room, alias.name) for alias in node.names)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_runs(path, tmp_path, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    # The first cell sets it; monkeypatch puts it back.
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.chdir(tmp_path)
    plt = pytest.importorskip("matplotlib.pyplot")
    # Agg warns that it has no window to show, and the figures are counted at the end.
    monkeypatch.setattr(plt, "show", lambda: None)
    plt.close("all")
    namespace = {"__name__": "__main__"}
    try:
        for number, cell in enumerate(code_cells(path)):
            exec(compile(source_of(cell), f"{path.name}[{number}]", "exec"), namespace)
        drawn = len(plt.get_fignums())
    finally:
        plt.close("all")
    expected = sum(
        1 for cell in code_cells(path) for o in cell["outputs"] if "image/png" in o.get("data", {})
    )
    assert drawn == expected

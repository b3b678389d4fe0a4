"""The code of the guide runs, page by page, from top to bottom."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
#: Pages that convert or train for longer than the others.
SLOW = (
    "baselines", "big_images", "bioimageio", "exporting", "instances", "networks", "pretrained",
    "quality", "training",
)  # fmt: skip
FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", flags=re.MULTILINE)


def blocks(text):
    """List (info string, line number of the first line, code) of each fenced block."""
    return [
        (match[1].strip(), text[: match.start(2)].count("\n"), match[2])
        for match in FENCE.finditer(text)
    ]


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=page.name, marks=[pytest.mark.slow] * (page.stem in SLOW))
        for page in PAGES
    ],
)
def test_code_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    namespace = {"__name__": "__main__"}
    for info, line, code in blocks(page.read_text(encoding="utf-8")):
        if info == "python":
            # Empty lines in front, so that a traceback tells the line of the page.
            exec(compile("\n" * line + code, str(page), "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_block_hides_from_the_tests(page):
    infos = [info for info, _, _ in blocks(page.read_text(encoding="utf-8"))]
    assert [info for info in infos if "py" in info.lower() and info != "python"] == []


def test_blocks_are_found_with_their_lines():
    text = "a\n\n```python\nx = 1\ny = 2\n```\n\n```{toctree}\ndata\n```\n\n```python\n```\n"
    assert blocks(text) == [
        ("python", 3, "x = 1\ny = 2\n"),
        ("{toctree}", 8, "data\n"),
        ("python", 12, ""),
    ]


def test_the_api_page_lists_every_public_room():
    rooms = {path.parent.name for path in (DOCS.parent / "membseg").glob("*/__init__.py")}
    files = {path.stem for path in (DOCS.parent / "membseg").glob("[!_]*.py")}
    internal = {"inference", "training", "utils"}
    listed = re.findall(r"^   membseg\.(\w+)$", (DOCS / "api.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted((rooms | files) - internal)

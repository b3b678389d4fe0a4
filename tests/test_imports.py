"""The public door is light, and rooms import only what the house plan allows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("keras", "tensorflow", "matplotlib", "skimage", "pandas")

#: Runs a statement in a fresh interpreter and tells how long it took and what it loaded.
PROBE = """
import json, sys, time
start = time.perf_counter()
{statement}
seconds = time.perf_counter() - start
loaded = [name for name in {heavy!r} if name in sys.modules]
print(json.dumps({{"seconds": seconds, "loaded": loaded}}))
"""


def probe(statement):
    code = PROBE.format(statement=statement, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_importing_the_package_is_quick_and_loads_nothing_heavy():
    runs = [probe("import membseg") for _ in range(3)]
    assert min(run["seconds"] for run in runs) < 1.0
    assert runs[0]["loaded"] == []


def test_importing_the_segmenter_loads_no_keras():
    loaded = probe("from membseg import UNetSegmenter")["loaded"]
    assert not {"keras", "tensorflow", "matplotlib"} & set(loaded)


@pytest.mark.parametrize("room", ["datasets", "io", "metrics"])
def test_rooms_of_numbers_load_no_keras(room):
    loaded = probe(f"import membseg.{room}")["loaded"]
    assert not {"keras", "tensorflow", "matplotlib"} & set(loaded)


def test_an_unknown_name_is_an_ordinary_attribute_error():
    import membseg

    with pytest.raises(AttributeError, match="module 'membseg' has no attribute 'Nonsense'"):
        _ = membseg.Nonsense


def test_every_public_name_is_found_and_listed():
    import membseg

    for name in membseg.__all__:
        assert getattr(membseg, name).__name__ == name
        assert name in dir(membseg)


def test_rooms_import_only_what_the_house_plan_allows():
    pytest.importorskip("importlinter")
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--config", str(ROOT / "setup.cfg"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

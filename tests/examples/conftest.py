"""What the tests of the benchmarks share."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from membseg import make_membranes, save_stack

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def examples():
    """Make the examples importable, as they are for their own scripts; gives their folder."""
    sys.path.insert(0, str(EXAMPLES))
    yield EXAMPLES
    sys.path.remove(str(EXAMPLES))


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A folder as of ISBI 2012: 25 slices of 96 px, membranes 0."""
    folder = tmp_path_factory.mktemp("data")
    X, y = make_membranes(25, 96, 96, random_state=0)
    (folder / "isbi2012").mkdir()
    save_stack(folder / "isbi2012/image", X)
    save_stack(folder / "isbi2012/label", 255 * (1 - y))
    return folder


@pytest.fixture
def run_example(tmp_path):
    """Run an example as a user would, in an empty folder; gives what it prints."""

    def run(name, *arguments, **environment):
        done = subprocess.run(
            [sys.executable, str(EXAMPLES / name), *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run

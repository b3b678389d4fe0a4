"""The same tests of explanations under Keras's other backends."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
FILES = [
    FOLDER / f"test_{name}.py"
    for name in ("gradients", "integrated_gradients", "grad_cam", "receptive_field")
]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_explanations_under(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"needs {backend}, which is not installed")
    environment = os.environ | {"KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, FILES)]
    run = subprocess.run(
        command, env=environment, cwd=FOLDER.parents[1], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout[-4000:]
    assert " passed" in run.stdout

"""The same tests of networks, fit and predict under Keras's JAX backend."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
NETWORKS = FOLDER.parent / "networks"

FILES = {
    "resume": [FOLDER / "test_checkpoint.py", FOLDER / "test_partial_fit.py"],
    "unet": [FOLDER / "test_unet_contract.py", FOLDER / "test_unet_fit.py"],
    "candidates": [
        FOLDER / "test_candidates.py",
        *(
            NETWORKS / f"test_{name}.py"
            for name in ("reach", "fcn", "segnet", "deeplab", "multipath")
        ),
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_fit_and_predict_under_jax(name):
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    options = ["-q", "-p", "no:cacheprovider"]
    if name == "candidates":
        # Those that take long to compile too.
        options += ["-m", "slow or not slow"]
    if name == "resume":
        # What is read from files and told does not depend on the backend.
        options += ["-k", "bit_for_bit or go_on or repeatable or one_class"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *map(str, FILES[name])],
        env=environment,
        cwd=FOLDER.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:]
    assert " passed" in run.stdout

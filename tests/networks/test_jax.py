"""The same tests of the U-Net's variants under Keras's JAX backend."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
#: Layers of our own; whole networks are tested as segmenters.
NAMES = ("recurrent", "residual_gain", "heads", "attention_gate", "window_attention")


@pytest.mark.slow
def test_variants_under_jax():
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    files = [FOLDER / f"test_{name}.py" for name in NAMES]
    files.append(FOLDER.parent / "segmenters" / "test_unet_variants.py")
    options = ("-q", "-p", "no:cacheprovider", "-m", "slow or not slow")
    # Of the segmenters' tests those that show whether they run at all; compiling takes minutes.
    options += ("-k", "not test_unet_variants or test_fit_and_predict")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *map(str, files)],
        env=environment,
        cwd=FOLDER.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:]
    assert " passed" in run.stdout

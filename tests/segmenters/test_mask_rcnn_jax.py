"""The same tests of the Mask R-CNN under Keras's JAX backend."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FILES = (
    "networks/test_roi_align.py",
    "networks/test_nms.py",
    "networks/test_mask_rcnn.py",
    "losses/test_detection.py",
    "training/test_cell_targets.py",
    "segmenters/test_mask_rcnn.py",
)

#: What a fit learns, when it ends, what it tells, and what is done with images before and with
#: maps after the network does not depend on the backend, and each compiles a network anew.
WITHOUT_BACKEND = (
    "test_it_learns",
    "test_the_threshold_is_taken",
    "test_intensities_of_the_stack",
    "test_a_time_limit_ends",
    "test_verbose_tells",
)


@pytest.mark.slow
def test_mask_rcnn_under_jax():
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "slow or not slow"]
        + ["-k", " and ".join(f"not {name}" for name in WITHOUT_BACKEND)]
        + [str(TESTS / name) for name in FILES],
        env=environment,
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:]
    assert " passed" in run.stdout

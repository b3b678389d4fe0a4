"""Processes of joblib: threads in bounds, no shared accelerator without a word."""

import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from joblib import Parallel, delayed

from membseg.exceptions import TrainingWarning
from membseg.segmenters import _workers

_VARIABLES = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def _limits_of_a_worker():
    _workers.limit_threads()
    limits = [os.environ.get(name) for name in (*_VARIABLES, "OMP_NUM_THREADS")]
    return _workers.is_worker(), limits


@pytest.mark.slow
def test_a_process_of_joblib_hands_its_limit_on():
    for is_worker, limits in Parallel(n_jobs=2)(delayed(_limits_of_a_worker)() for _ in range(2)):
        assert is_worker
        assert limits[0] == limits[1] == limits[2] is not None


@pytest.fixture
def worker(monkeypatch):
    """Make this process look like one of joblib's."""
    process = SimpleNamespace(name="LokyProcess-1")
    monkeypatch.setattr("multiprocessing.current_process", lambda: process)


@pytest.fixture
def fresh(monkeypatch):
    """Make this process look as it does before TensorFlow is imported."""
    modules = {name: sys.modules[name] for name in sys.modules if name != "tensorflow"}
    monkeypatch.setattr(_workers, "sys", SimpleNamespace(modules=modules))
    monkeypatch.setattr(os, "environ", {"OMP_NUM_THREADS": "3"})


def test_limit_is_handed_on(worker, fresh):
    _workers.limit_threads()
    assert [os.environ[name] for name in _VARIABLES] == ["3", "3"]


def test_what_the_user_has_set_stays(worker, fresh):
    os.environ["TF_NUM_INTRAOP_THREADS"] = "1"
    _workers.limit_threads()
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "1"


def test_the_main_process_is_left_alone(fresh):
    _workers.limit_threads()
    assert not set(_VARIABLES) & set(os.environ)
    assert not _workers.is_worker()


@pytest.mark.parametrize(("accelerator", "warns"), [(True, True), (False, False)])
def test_processes_on_one_accelerator_are_told(worker, monkeypatch, recwarn, accelerator, warns):
    monkeypatch.setattr("membseg.training.has_accelerator", lambda: accelerator)
    if warns:
        text = re.escape("n_jobs > 1 lets several processes train on one accelerator")
        with pytest.warns(TrainingWarning, match=text):
            _workers.warn_shared_accelerator()
    else:
        _workers.warn_shared_accelerator()
    assert not recwarn.list


@pytest.mark.slow
def test_importing_keras_leaves_numpys_global_state():
    code = (
        "import numpy as np\n"
        "from membseg.segmenters._workers import load_keras\n"
        "np.random.seed(3)\n"
        "expected = np.random.random()\n"
        "np.random.seed(3)\n"
        "load_keras()\n"
        "import sys\n"
        "assert 'keras' in sys.modules\n"
        "assert np.random.random() == expected\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

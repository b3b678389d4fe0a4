"""Processes in which joblib fits side by side (``n_jobs``)."""

import multiprocessing
import os
import sys

import numpy as np

from membseg.exceptions import TrainingWarning
from membseg.utils import warn_user

#: What TensorFlow reads when it starts.
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def is_worker() -> bool:
    """Whether this process is one of joblib's."""
    return multiprocessing.current_process().name.startswith("LokyProcess")


def load_keras() -> None:
    """Import Keras and its backend so that nothing else changes.

    TensorFlow draws from numpy's global random state while it is imported: the state is put back.
    """
    if "keras" in sys.modules:
        return
    limit_threads()
    state = np.random.get_state()  # noqa: NPY002  # the legacy state is what is kept
    import keras  # noqa: F401  # for what the import does

    np.random.set_state(state)  # noqa: NPY002  # the legacy state is put back


def limit_threads() -> None:
    """Hand the limit that joblib gives its processes on to TensorFlow, which does not read it.

    Without it, two processes on two cores run four threads. To be called before TensorFlow is
    imported; what the user has set stays.
    """
    limit = os.environ.get("OMP_NUM_THREADS")
    if is_worker() and limit and "tensorflow" not in sys.modules:
        for name in _THREADS:
            os.environ.setdefault(name, limit)


def warn_shared_accelerator() -> None:
    """Warn where processes share an accelerator: they take its memory from each other."""
    from membseg.training import has_accelerator

    if is_worker() and has_accelerator():
        warn_user(
            "n_jobs > 1 lets several processes train on one accelerator, where each wants all of "
            "its memory. Use n_jobs=1: one fit keeps the device busy.",
            TrainingWarning,
        )

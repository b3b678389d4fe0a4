"""What is kept of a trained peer: scores, seconds and memory."""

import time
from typing import Any

import numpy as np

from membseg.metrics import score_table
from peers.gaps import count_gaps
from peers.machine import peak_memory
from peers.trained import VIEW_NAMES, Trained


def judge(trained: Trained, X: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Predict slices that training has not seen, and score the maps.

    Parameters
    ----------
    trained : Trained
        The peer.
    X : ndarray of shape (n, height, width)
        Images.
    y : ndarray of shape (n, height, width), bool
        True at membranes.

    Returns
    -------
    dict
        What training and prediction took, and the scores of each of the peer's "views".
    """
    result: dict[str, Any] = {
        "fit_seconds": trained.seconds,
        "n_steps": trained.n_steps,
        "details": trained.details,
        "slice_pixels": int(y[0].size),
        "peak_bytes_fit": peak_memory(),
    }
    maps = {views: _predict(trained, X, views) for views in trained.views}
    # Before scoring, which is no part of anybody's work. The system's count wavers by some pages.
    result["peak_bytes"] = max(peak_memory(), result["peak_bytes_fit"])
    result["views"] = {
        VIEW_NAMES[views]: {
            **score_table(y, proba, threshold=trained.threshold),
            **count_gaps(y, proba >= trained.threshold),
            "threshold": trained.threshold,
            "predict_seconds": seconds / len(X),
        }
        for views, (proba, seconds) in maps.items()
    }
    return result


def _predict(trained: Trained, X: np.ndarray, views: str) -> tuple[np.ndarray, float]:
    """Predict, and tell how long it took once everything was compiled."""
    trained.predict(X[:1], views)
    start = time.perf_counter()
    proba = trained.predict(X, views)
    return proba, time.perf_counter() - start

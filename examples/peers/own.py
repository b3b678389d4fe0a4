"""membseg itself, as its own peer."""

from typing import Any

import numpy as np

from membseg import UNetSegmenter
from peers.trained import Trained


def train(X: np.ndarray, y: np.ndarray, *, time_limit: float, seed: int, **options: Any) -> Trained:
    """Fit the default segmenter; one fit serves one view and eight.

    Parameters
    ----------
    X : ndarray of shape (n, height, width)
        Images.
    y : ndarray of shape (n, height, width), bool
        True at membranes.
    time_limit : float
        Seconds.
    seed : int
        ``random_state``.
    **options
        Further parameters of the segmenter.
    """
    # Importing is not training, for no peer.
    import keras

    segmenter = UNetSegmenter(time_limit=time_limit, random_state=seed, **options).fit(X, y)

    def predict(images: np.ndarray, views: str) -> np.ndarray:
        return segmenter.set_params(tta=views).predict_membrane(images)

    return Trained(
        predict,
        ("none", "d4"),
        float(segmenter.threshold_),
        float(segmenter.fit_time_),
        int(segmenter.n_steps_),
        {
            "backend": keras.backend.backend(),
            "n_parameters": int(segmenter.network_.count_params()),
            "dtype": str(segmenter.network_.layers[1].compute_dtype),
            "patch": segmenter.patch_size_,
            "batch": segmenter.batch_size_,
        },
    )

"""membseg itself, as its own peer."""

import math
from importlib import import_module
from typing import Any

import numpy as np

import membseg
from peers.trained import Trained


def train(X: np.ndarray, y: np.ndarray, **options: Any) -> Trained:
    """Fit a segmenter, the default one unless said; one fit serves one view and eight.

    Parameters
    ----------
    X : ndarray of shape (n, height, width)
        Images.
    y : ndarray of shape (n, height, width)
        True, or 1, at membranes; -1 at pixels without a label.
    **options
        As for :func:`fit`.
    """
    return as_trained(fit(X, y, **options))


def fit(
    X: np.ndarray,
    y: np.ndarray,
    *,
    time_limit: float | None,
    seed: int,
    segmenter: str = "UNetSegmenter",
    sample_weight: np.ndarray | None = None,
    **options: Any,
) -> Any:
    """Fit a segmenter.

    Parameters
    ----------
    X, y : ndarray
        As for :func:`train`.
    time_limit : float or None
        Seconds; None where ``max_steps`` stands in `options`.
    seed : int
        ``random_state``.
    segmenter : str, default="UNetSegmenter"
        Name of its class.
    sample_weight : ndarray or None, default=None
        Weights of pixels.
    **options
        Further parameters of the segmenter.
    """
    # Importing is not training, for no peer.
    import_module("keras")
    kind = getattr(membseg, segmenter)
    made = kind(time_limit=time_limit, random_state=seed, **options)
    return made.fit(X, y, sample_weight=sample_weight)


def as_trained(segmenter: Any) -> Trained:
    """Hand back a fitted segmenter as every peer is."""

    def predict(images: np.ndarray, views: str) -> np.ndarray:
        return segmenter.set_params(tta=views).predict_membrane(images)

    return Trained(
        predict,
        ("none", "d4"),
        float(segmenter.threshold_),
        float(segmenter.fit_time_),
        int(segmenter.n_steps_),
        {
            "backend": import_module("keras").backend.backend(),
            "n_parameters": int(segmenter.network_.count_params()),
            "dtype": str(segmenter.network_.layers[1].compute_dtype),
            "patch": segmenter.patch_size_,
            "batch": segmenter.batch_size_,
            "val_loss": _validation_loss(segmenter),
        },
    )


def _validation_loss(segmenter: Any) -> float:
    """Loss of the weights that were kept, on the blocks that training left out."""
    row = segmenter.history_[segmenter.best_epoch_ - 1]
    return float(row.get("val_loss", math.nan))

"""The U-Net that learnt from synthetic slices, as a fitted segmenter."""

from typing import Any

import numpy as np

from membseg.segmenters import UNetSegmenter
from membseg.segmenters._workers import load_keras

#: Sizes that its weights belong to.
_SIZES: dict[str, Any] = {"depth": 3, "base_filters": 16, "stem_stride": 2, "zoom": 1}

#: What its training left besides the weights; zero where that was not kept, as its history was not.
_FITTED: dict[str, Any] = {
    "n_channels_in_": 1,
    "n_images_seen_": 144,
    "n_steps_": 8439,
    "batch_size_": 8,
    "patch_size_": 192,
    "best_epoch_": 0,
    "fit_time_": 0.0,
}

#: Chosen on synthetic slices of another seed, by the rule of ``threshold="auto"``.
_THRESHOLD = 0.36


def build_synthetic_unet() -> UNetSegmenter:
    """Give the segmenter that the weights of the package make, as if fit had just ended.

    Returns
    -------
    UNetSegmenter
        Fitted; its masks are uint8, 1 is membrane.
    """
    load_keras()
    from membseg.networks import load_synthetic_weights
    from membseg.training import choose_policy

    segmenter = UNetSegmenter(initial_weights="synthetic", **_SIZES)
    config = {
        "n_channels": 1,
        **_SIZES,
        "norm_layer": "none",
        "dropout": 0.0,
        "l1": 0.0,
        "l2": 0.0,
        # Of the machine that predicts, as after a fit on it.
        "dtype": choose_policy(segmenter.precision),
        "seed": 0,
    }
    weights: Any = load_synthetic_weights(config)
    state = _FITTED | {
        "_network": None,
        "_weights": weights,
        "_config": config,
        "_intensity_norm": segmenter.intensity_norm,
        "_images_seen": [],
        "n_parameters_": sum(weight.size for weight in weights),
        "classes_": np.array([0, 1], dtype=np.uint8),
        "threshold_": _THRESHOLD,
        "intensity_": None,
        "history_": [],
    }
    for name, value in state.items():
        setattr(segmenter, name, value)
    return segmenter

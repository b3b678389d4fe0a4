"""What bfloat16 costs in quality."""

from typing import Any

import numpy as np

from membseg import UNetSegmenter
from membseg.metrics import score_table
from peers.slices import load_slices

_PRECISIONS = ("float32", "bfloat16")


def run_precision(spec: dict[str, Any]) -> dict[str, Any]:
    """Train in both number formats for equally many steps; predict one net in both."""
    X, y = load_slices(spec["data"], spec["train"])
    X_test, y_test = load_slices(spec["data"], spec["test"])
    options = {"random_state": spec["seed"], "tta": "none"}
    fitted = {
        precision: UNetSegmenter(precision=precision, max_steps=spec["steps"], **options).fit(X, y)
        for precision in _PRECISIONS
    }
    threshold = fitted["float32"].threshold_
    result: dict[str, Any] = {
        "trained": {
            precision: score_table(
                y_test, segmenter.predict_membrane(X_test), threshold=segmenter.threshold_
            )
            for precision, segmenter in fitted.items()
        }
    }
    # One set of weights, trained in float32, in both networks.
    maps = {"float32": fitted["float32"].predict_membrane(X_test)}
    weights = fitted["float32"].network_.get_weights()
    fitted["bfloat16"].network_.set_weights(weights)
    maps["bfloat16"] = fitted["bfloat16"].predict_membrane(X_test)
    result["predicted"] = {
        precision: score_table(y_test, proba, threshold=threshold)
        for precision, proba in maps.items()
    }
    difference = np.abs(maps["float32"] - maps["bfloat16"])
    changed = (maps["float32"] >= threshold) != (maps["bfloat16"] >= threshold)
    return result | {
        "seconds": {precision: segmenter.fit_time_ for precision, segmenter in fitted.items()},
        "largest_difference": float(difference.max()),
        "mean_difference": float(difference.mean()),
        "changed_pixels": float(changed.mean()),
    }

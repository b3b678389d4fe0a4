"""Segmenters that look at an image once."""

from typing import Any

#: Where segmenters keep those inside them.
_INSIDE = ("estimator", "estimator_", "best_estimator_", "segmenter", "segmenter_")


def set_one_view(estimator: Any) -> None:
    """Turn off the views of a segmenter and of all that are inside it.

    Parameters
    ----------
    estimator : estimator
        Changed in place; a copy that nobody else has.
    """
    inside = vars(estimator)
    if "tta" in inside:
        estimator.tta = "none"
    single = [inside.get(name) for name in _INSIDE]
    steps = [step for _, step in inside.get("steps", [])]
    for part in (*single, *inside.get("estimators_", []), *steps):
        if hasattr(part, "fit"):
            set_one_view(part)

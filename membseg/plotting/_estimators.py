"""What Display classes ask of a fitted segmenter."""

from typing import Any

from membseg.utils._maps import take_membrane


def predict_maps(estimator: Any, X: Any) -> tuple[Any, dict[str, Any]]:
    """Predict membrane maps, and tell what the values of masks mean.

    Returns
    -------
    maps : ndarray of shape (n_images, height, width) or list of (height, width) arrays
        Membrane probabilities.
    labels : dict
        "membrane_label" and "ignore_label", as the metrics take them.
    """
    maps = take_membrane(estimator.predict_proba(X))
    cell, membrane = estimator.classes_
    ignored = getattr(estimator, "ignore_label", None)
    # A parameter of that name may hold a value that is no mark in these masks.
    ignored = None if ignored in (cell, membrane) else ignored
    return maps, {"membrane_label": membrane, "ignore_label": ignored}

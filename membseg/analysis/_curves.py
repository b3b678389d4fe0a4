"""ROC and precision-recall curves over pixels, thinned."""

import numpy as np

from membseg.analysis._histograms import Histograms

#: Points of a curve that are kept.
_POINTS = 200


def curves_of(found: Histograms) -> dict[str, list[dict[str, float]]]:
    """Give both curves as rows, from the highest cut down.

    Returns
    -------
    dict of str to list of dict
        "roc": "threshold", "false_positive_rate", "true_positive_rate". "precision_recall":
        "threshold", "recall", "precision". Without one of the classes a curve is empty.
    """
    cuts, cell, membrane = found.reached()
    n_cell, n_membrane = cell[-1], membrane[-1]
    kept = cell + membrane > 0
    cuts, cell, membrane = cuts[kept], cell[kept], membrane[kept]
    if not n_cell or not n_membrane:
        return {"roc": [], "precision_recall": []}
    false_rate, true_rate = cell / n_cell, membrane / n_membrane
    precision = membrane / (membrane + cell)
    roc = [
        {
            "threshold": float(cuts[i]),
            "false_positive_rate": float(false_rate[i]),
            "true_positive_rate": float(true_rate[i]),
        }
        for i in _spread(false_rate + true_rate)
    ]
    recall = [
        {
            "threshold": float(cuts[i]),
            "recall": float(true_rate[i]),
            "precision": float(precision[i]),
        }
        for i in _spread(true_rate)
    ]
    return {"roc": roc, "precision_recall": recall}


def _spread(travelled: np.ndarray) -> list[int]:
    """Places of so many points, evenly spread over what a curve has travelled; both ends."""
    wanted = np.linspace(travelled[0], travelled[-1], _POINTS)
    places = np.searchsorted(travelled, wanted).clip(0, len(travelled) - 1)
    return np.unique(np.append(places, [0, len(travelled) - 1])).tolist()

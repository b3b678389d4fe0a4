"""Rows of little data: unlabelled slices beside few labelled ones, and weights of another set."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from peers.judge import judge
from peers.own import as_trained, fit
from peers.slices import load_slices
from peers.variants import Variant

#: The set that networks of ISBI 2012 are tuned on.
FAR_SET = "fibsem_medulla"

#: All have the same labelled slices and the same seconds.
SEMI = {
    "labelled": Variant("labelled slices alone"),
    "mean_teacher": Variant("mean teacher", {"unlabelled": "mean_teacher"}),
    "pseudo_labels": Variant("pseudo-labels", {"unlabelled": "pseudo_labels"}),
}

#: Of networks that start from another one's weights: chosen on slices 30-38 of the other set.
_TUNING_RATE = 5e-4

#: All learn from the same slices of the other set for the same seconds.
TRANSFER = {
    "scratch": Variant("random weights", {"initial_weights": "random"}),
    "synthetic": Variant("weights of synthetic slices"),
    "tuned": Variant("weights of ISBI 2012", {"learning_rate": _TUNING_RATE}),
    "tuned_frozen": Variant(
        "weights of ISBI 2012, first level frozen",
        {"learning_rate": _TUNING_RATE, "freeze_depth": 1},
    ),
}

#: Rows that start from the source.
TUNED = ("tuned", "tuned_frozen")


def run_little_row(spec: dict[str, Any]) -> dict[str, Any]:
    """Train, predict and score one row, in this process."""
    row, test_set = spec["row"], "isbi2012"
    options: dict[str, Any] = {}
    if row == "source":
        X, y = load_slices(spec["data"], spec["train"])
    elif row in SEMI:
        options |= SEMI[row].options
        X, y = partly_labelled(spec) if options else load_slices(spec["data"], spec["train"])
    else:
        test_set = FAR_SET
        options |= TRANSFER[row].options
        X, y = load_slices(spec["data"], spec["train"], FAR_SET)
        if row in TUNED:
            options["init_from"] = pickle.loads(Path(spec["source"]).read_bytes())
    segmenter = fit(X, y, time_limit=spec["time_limit"], seed=spec["seed"], **options)
    if row == "source":
        Path(spec["source"]).write_bytes(pickle.dumps(segmenter))
    X_test, y_test = load_slices(spec["data"], spec["test"], test_set)
    return judge(as_trained(segmenter), X_test, y_test)


def partly_labelled(spec: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Load all slices of the pool; those that are not for training have -1 for a label."""
    X, membranes = load_slices(spec["data"], spec["pool"])
    labelled = np.isin(spec["pool"], spec["train"])
    return X, np.where(labelled[:, None, None], membranes, np.int8(-1)).astype(np.int8)

"""Membrane maps that all methods make their cells of: trained once, kept in files."""

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

import membseg
from membseg import SliceBlockKFold
from membseg.base import SegmenterMixin
from peers.instance_sets import load_set

#: Which segmenters make maps.
NETS = ("unet", "forest")


class KeptMaps(SegmenterMixin, BaseEstimator):
    """A segmenter whose images are its membrane maps.

    Parameters
    ----------
    threshold : float, default=0.5
        That of the segmenter which made the maps.
    """

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = threshold

    def fit(self, X: Any, y: Any) -> "KeptMaps":
        """Learn nothing."""
        self.classes_, self.n_channels_in_ = np.array([0, 1]), 1
        self.threshold_ = self.threshold
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Give the logits of the maps."""
        prob = np.clip(np.asarray(X), 1e-7, 1 - 1e-7)
        return np.log(prob / (1 - prob)).astype(np.float32)


def list_parts(train: list[int], test: list[int], n_folds: int) -> dict[str, Any]:
    """Say what is learnt from, and predicted, for each part of the maps.

    Returns
    -------
    dict of str to (list of int, list of int)
        "test": all of `train`, and `test`. "fold 0" and so on: blocks of `train` that are left
        out with a slice on either side, so that methods can be tuned on maps as they will be.
    """
    parts = {"test": (train, test)}
    places = np.array(train)
    for k, (learn, look) in enumerate(SliceBlockKFold(n_folds, gap=1).split(places)):
        parts[f"fold {k}"] = (places[learn].tolist(), places[look].tolist())
    return parts


def map_file(spec: dict[str, Any], part: str) -> Path:
    """Name the file of a part's maps."""
    return Path(spec["maps"]) / f"{spec['set']} {spec['net']} {part}.npz".replace(" ", "_")


def make_maps(spec: dict[str, Any]) -> dict[str, Any]:
    """Train on one part's slices and keep the maps of its others, in this process."""
    learn, look = spec["parts"][spec["part"]]
    segmenter = _new_segmenter(spec).fit(*load_set(spec["data"], spec["set"], learn))
    X, y = load_set(spec["data"], spec["set"], look)
    path = map_file(spec, spec["part"])
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new.npz")
    threshold = float(segmenter.threshold_)
    np.savez(new, maps=segmenter.predict_membrane(X), y=y, threshold=threshold)
    new.replace(path)
    return {"threshold": threshold, "n_steps": getattr(segmenter, "n_steps_", None)}


def load_maps(spec: dict[str, Any], part: str) -> tuple[np.ndarray, np.ndarray, float]:
    """Load a part's maps, its masks, and the threshold of the segmenter."""
    with np.load(map_file(spec, part)) as kept:
        return kept["maps"], kept["y"], float(kept["threshold"])


def load_fold_maps(spec: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Load the maps of all training slices, each by a segmenter that has not seen it."""
    folds = [load_maps(spec, part) for part in spec["parts"] if part != "test"]
    return np.concatenate([fold[0] for fold in folds]), np.concatenate([fold[1] for fold in folds])


def _new_segmenter(spec: dict[str, Any]) -> Any:
    if spec["net"] == "forest":
        return membseg.PixelForestSegmenter(random_state=spec["seed"])
    limits = {"time_limit": spec["time_limit"], "max_steps": spec.get("max_steps")}
    if limits["max_steps"] is not None:
        limits["time_limit"] = None
    return membseg.UNetSegmenter(random_state=spec["seed"], **limits)

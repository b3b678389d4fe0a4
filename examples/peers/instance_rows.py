"""The rows of the comparison of cells: who makes them, of what, and how they are scored."""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator

import membseg
from membseg import CellSegmenter, metrics
from membseg.instances import score_cells
from peers.instance_maps import KeptMaps, load_fold_maps, load_maps, make_maps
from peers.instance_sets import load_set


@dataclass(frozen=True)
class Maker:
    """Who makes the cells.

    Attributes
    ----------
    title : str
        Its name in tables.
    net : str
        Whose maps they are made of; "" for those who need none.
    options : dict
        Parameters of :class:`membseg.CellSegmenter`.
    tuned : bool
        Whether its other parameters are chosen on the held-out maps of the training slices.
    """

    title: str
    net: str
    options: dict[str, Any] = field(default_factory=dict)
    tuned: bool = False


def _pair(name: str, title: str, net: str, **options: Any) -> dict[str, Maker]:
    return {
        name: Maker(title, net, options),
        f"{name}_tuned": Maker(f"{title}, tuned", net, options, tuned=True),
    }


MAKERS = {
    **_pair("threshold", "U-Net, threshold", "unet", method="threshold"),
    **_pair("watershed", "U-Net, watershed", "unet", method="watershed"),
    **_pair("agglomerate", "U-Net, agglomeration", "unet", method="agglomerate"),
    "mask_rcnn": Maker("Mask R-CNN", ""),
    **_pair("forest_watershed", "random forest, watershed", "forest", method="watershed"),
}

#: The class of "mask_rcnn"; a version without it leaves the row out.
RCNN = "MaskRCNNSegmenter"

#: What is scored, with the name for tables, in their order.
SCORES = {
    "map": "mAP", "ap50": "AP50", "panoptic_quality": "panoptic quality",
    "mean_accuracy": "mean accuracy", "v_rand": "V_Rand", "v_info": "V_Info",
}  # fmt: skip


def run_instance_row(spec: dict[str, Any]) -> dict[str, Any]:
    """Make maps, or make and score cells, in this process."""
    start = time.perf_counter()
    if spec["job"] == "maps":
        made = make_maps(spec)
        return made | {"seconds": time.perf_counter() - start}
    maker = MAKERS[spec["row"]]
    result, labels, scores = _find_with_rcnn(spec) if not maker.net else _find_of_maps(spec, maker)
    _, y = load_set(spec["data"], spec["set"], spec["parts"]["test"][1])
    return result | judge_cells(y, labels, scores)


def _find_of_maps(spec: dict[str, Any], maker: Maker) -> tuple[dict[str, Any], Any, Any]:
    spec = spec | {"net": maker.net}
    maps, y, threshold = load_maps(spec, "test")
    of_maps = FrozenEstimator(KeptMaps(threshold).fit(maps, y))
    start = time.perf_counter()
    if maker.tuned:
        cells = CellSegmenter(of_maps, tune=spec["tune"], **maker.options)
        cells.fit(*load_fold_maps(spec))
    else:
        # The masks are looked at only to see that they are some.
        cells = CellSegmenter(of_maps, **maker.options).fit(maps, y)
    fitted = time.perf_counter()
    labels = cells.predict_instances(maps)
    seconds = (time.perf_counter() - fitted) / len(maps)
    names = ("threshold", "wall_threshold", "seed_distance", "merge_threshold")
    result = {
        "fit_seconds": fitted - start, "seconds_per_slice": seconds,
        "parameters": {name: float(getattr(cells, f"{name}_")) for name in names},
    }  # fmt: skip
    return result, labels, score_cells(labels, maps)


def _find_with_rcnn(spec: dict[str, Any]) -> tuple[dict[str, Any], Any, Any]:
    learn, look = spec["parts"]["test"]
    X, y = load_set(spec["data"], spec["set"], learn)
    start = time.perf_counter()
    made = getattr(membseg, RCNN)
    network = made(random_state=spec["seed"], time_limit=spec["rcnn_time_limit"]).fit(X, y)
    fitted = time.perf_counter()
    X_test, _ = load_set(spec["data"], spec["set"], look)
    labels, scores = network.predict_instances(X_test, return_scores=True)[:2]
    seconds = (time.perf_counter() - fitted) / len(X_test)
    return {"fit_seconds": fitted - start, "seconds_per_slice": seconds}, labels, scores


def judge_cells(y: np.ndarray, labels: np.ndarray, scores: list[np.ndarray]) -> dict[str, Any]:
    """Score label images against masks.

    Parameters
    ----------
    y : ndarray of shape (n, height, width), int
        1 at membranes, 0 at cells.
    labels : ndarray of the same shape, int
        Numbers of the cells, 0 elsewhere.
    scores : list of ndarray
        How sure each cell of each image is.

    Returns
    -------
    dict
        The scores, and the numbers of true and of found cells.
    """
    truth = metrics.label_components(y)
    mask = as_masks(labels)
    return {
        "map": metrics.mean_average_precision_score(truth, labels, scores),
        "ap50": metrics.instance_average_precision_score(truth, labels, scores),
        "panoptic_quality": metrics.panoptic_quality_score(truth, labels),
        "mean_accuracy": metrics.mean_instance_accuracy_score(truth, labels),
        "v_rand": metrics.v_rand_score(y, mask),
        "v_info": metrics.v_info_score(y, mask),
        "n_true": int(truth.max((1, 2)).sum()),
        "n_found": sum(map(len, scores)),
    }


def as_masks(labels: np.ndarray) -> np.ndarray:
    """Give masks whose components are the cells: 1 outside them, and where two touch."""
    mask = (labels == 0).astype(int)
    for axis in (1, 2):
        cells, walls = np.moveaxis(labels, axis, 0), np.moveaxis(mask, axis, 0)
        near, far = cells[:-1], cells[1:]
        walls[:-1][(near != far) & (near > 0) & (far > 0)] = 1
    return mask

"""How cells are made of a map of membrane probability."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from membseg.exceptions import InvalidInputError
from membseg.instances._agglomerate import agglomerate
from membseg.instances._spread import spread_cells
from membseg.instances._tidy import clear_border, fill_holes, part_cells, remove_small
from membseg.instances._watershed import flood_cells
from membseg.metrics._checks import check_inside, check_number
from membseg.utils._clean_mask import clean_mask

#: Ways from a map to cells.
METHODS = ("threshold", "watershed", "agglomerate")


@dataclass(frozen=True)
class CellRules:
    """Parameters of :func:`label_cells`, which documents them, and what they do to one map."""

    method: str = "watershed"
    threshold: float = 0.5
    wall_threshold: float = 0.5
    closing: int = 0
    seed_distance: float = 3.0
    merge_threshold: float = 0.5
    min_size: int = 20
    fill_holes: bool = False
    clear_border: bool = False

    def check(self) -> "CellRules":
        """Refuse parameters that cannot be used."""
        if self.method not in METHODS:
            listed = ", ".join(repr(name) for name in METHODS)
            raise InvalidInputError(f"method must be one of {listed}; got {self.method!r}.")
        for name in ("threshold", "wall_threshold", "merge_threshold"):
            check_inside(getattr(self, name), name, "a membrane probability")
        for name in ("closing", "seed_distance", "min_size"):
            check_number(getattr(self, name), name, low=0)
        return self

    def label(self, prob: np.ndarray) -> np.ndarray:
        """Make an int32 label image of one map."""
        # Cut in the map's own dtype, as segmenters do.
        membrane = prob >= float(self.threshold)
        if self.closing:
            membrane = clean_mask(membrane, closing=int(self.closing))
        labels = remove_small(self._part(prob, membrane), int(self.min_size))
        if self.fill_holes:
            labels = fill_holes(labels)
        return clear_border(labels) if self.clear_border else labels

    def _part(self, prob: np.ndarray, membrane: np.ndarray) -> np.ndarray:
        if self.method == "threshold":
            return ndimage.label(~membrane)[0]
        wall = membrane
        if self.wall_threshold > self.threshold:
            wall = membrane & (prob >= float(self.wall_threshold))
        distance, weak = float(self.seed_distance), float(self.merge_threshold)
        if self.method == "watershed":
            cells = flood_cells(prob, membrane, distance)
            return part_cells(spread_cells(prob, cells, membrane & ~wall))
        return part_cells(agglomerate(prob, membrane, wall, distance, weak))


def make_rules(**parameters: Any) -> CellRules:
    """Give checked rules."""
    return CellRules(**parameters).check()

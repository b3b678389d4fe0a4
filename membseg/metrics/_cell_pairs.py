"""True and predicted cells side by side: what the scorers of instances work on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from membseg.metrics._instance_matches import InstanceMatches, match
from membseg.metrics._label_components import MIN_SIZE, find_components, keep_labels
from membseg.metrics._overlaps import Overlaps, count_overlaps
from membseg.metrics._pairs import Pairs
from membseg.utils import IGNORED


@dataclass(frozen=True)
class CellPairs:
    """Label images of the images that count; cells of at least 20 labelled pixels.

    Attributes
    ----------
    truth, guess : list of ndarray of shape (height, width), int32
        Label images.
    weights : ndarray of shape (n_images,), float64
        Weights of the images.
    """

    truth: list[np.ndarray]
    guess: list[np.ndarray]
    weights: np.ndarray

    @cached_property
    def overlaps(self) -> list[Overlaps]:
        """Pixels that cells share."""
        return [count_overlaps(t, g) for t, g in zip(self.truth, self.guess, strict=True)]

    @cached_property
    def matches(self) -> InstanceMatches:
        """Cells matched at an intersection over union of 0.5."""
        return match(self.overlaps, 0.5, self.weights)

    def mean(self, value: Callable[[np.ndarray, np.ndarray], float]) -> float:
        """Weighted mean over images of a value of two label images."""
        values = [value(t, g) for t, g in zip(self.truth, self.guess, strict=True)]
        return float(np.average(values, weights=self.weights))


def cells_of_masks(pairs: Pairs) -> CellPairs:
    """Cells of encoded masks; what is predicted at pixels without a label does not matter."""
    guess = [
        find_components((mask != 1) & (truth != IGNORED))
        for truth, mask in zip(pairs.truth, pairs.guess, strict=True)
    ]
    return _counted(pairs, guess)


def cells_of_labels(pairs: Pairs) -> CellPairs:
    """Cells of label images that stand beside encoded truth."""
    guess = []
    for truth, labels in zip(pairs.truth, pairs.guess, strict=True):
        seen = np.where(truth == IGNORED, 0, labels)
        ids, codes = np.unique(seen, return_inverse=True)
        codes = codes.reshape(seen.shape) + (ids[0] != 0)
        guess.append(keep_labels(codes, np.bincount(codes.ravel()) >= MIN_SIZE))
    return _counted(pairs, guess)


def _counted(pairs: Pairs, guess: list[np.ndarray]) -> CellPairs:
    weights = pairs.image_weights()
    used = np.flatnonzero(weights)
    truth = [find_components(pairs.truth[i] == 0) for i in used]
    return CellPairs(truth, [guess[i] for i in used], weights[used])

"""Pixels counted by probability and truth, image by image: ranking and calibration from counts."""

from dataclasses import dataclass

import numpy as np

from membseg.metrics._pairs import Pairs

#: Probabilities are told apart at so many quantiles, found in at most so many pixels.
_QUANTILES, _PIXELS = 1023, 2_000_000

#: Equal bins of the calibration error, as the metric has them.
_BINS = 15


@dataclass(frozen=True, eq=False)
class Histograms:
    """Counts of the pixels of each image.

    Attributes
    ----------
    edges : ndarray of shape (n_edges,), float64
        Probabilities that part the bins, ascending; a bin holds its lower edge.
    counts : ndarray of shape (n_images, 2, n_edges + 1), float64
        Cell and membrane pixels in each bin.
    gaps : ndarray of shape (n_images, 15), float64
        Sums of probability less truth in equal bins of probability.
    """

    edges: np.ndarray
    counts: np.ndarray
    gaps: np.ndarray

    @classmethod
    def of(cls, pairs: Pairs) -> "Histograms":
        """Count the labelled pixels of encoded pairs of truth and maps."""
        _, pooled, _ = pairs.flat()
        step = max(1, pooled.size // _PIXELS)
        quantiles = np.quantile(pooled[::step].astype(np.float64), _levels())
        # The lowest value of all parts nothing.
        edges = np.unique(quantiles)
        edges = edges[edges > pooled.min()]
        counts, gaps = [], []
        for i in range(len(pairs.truth)):
            truth, prob, _ = pairs.one(i).flat()
            prob = prob.astype(np.float64)
            places = np.searchsorted(edges, prob, side="right")
            counts.append(
                [np.bincount(places[t], minlength=len(edges) + 1) for t in (~truth, truth)]
            )
            bins = np.minimum((prob * _BINS).astype(np.intp), _BINS - 1)
            gaps.append(np.bincount(bins, weights=prob - truth, minlength=_BINS))
        return cls(edges, np.array(counts, dtype=np.float64), np.array(gaps))

    def calibration_error(self, weights: np.ndarray) -> float:
        """Expected calibration error, with each image so many times."""
        total = np.tensordot(weights, self.counts, 1).sum()
        return float(np.abs(weights @ self.gaps).sum() / total)

    def roc_auc(self, weights: np.ndarray) -> float:
        """Area under the ROC curve, with each image so many times."""
        cell, membrane = np.tensordot(weights, self.counts, 1)
        if not cell.sum() or not membrane.sum():
            return 0.5
        below = np.cumsum(cell) - cell / 2
        return float(membrane @ below / (membrane.sum() * cell.sum()))

    def average_precision(self, weights: np.ndarray) -> float:
        """Precision weighted by steps of recall, with each image so many times."""
        cell, membrane = np.tensordot(weights, self.counts, 1)
        if not cell.sum() or not membrane.sum():
            return float(membrane.sum() > 0)
        tp, fp = np.cumsum(membrane[::-1]), np.cumsum(cell[::-1])
        precision = np.divide(tp, tp + fp, out=np.ones_like(tp), where=tp + fp > 0)
        return float(precision @ membrane[::-1] / membrane.sum())

    def reached(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give cuts, falling, and the cell and membrane pixels of all images that reach them."""
        cell, membrane = self.counts.sum(axis=0)
        cuts = np.append(self.edges[::-1], 0.0)
        return cuts, np.cumsum(cell[::-1]), np.cumsum(membrane[::-1])


def _levels() -> np.ndarray:
    return np.arange(1, _QUANTILES + 1) / (_QUANTILES + 1)

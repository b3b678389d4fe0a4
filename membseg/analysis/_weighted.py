"""Every metric as a function of how often each image counts: what a bootstrap needs."""

from collections.abc import Callable, Iterable
from functools import cached_property

import numpy as np

from membseg.analysis._histograms import Histograms
from membseg.metrics._confusion import ConfusionCounts
from membseg.metrics._evaluation import METRICS, Evaluation
from membseg.metrics._instance_matches import InstanceMatches, coco_thresholds, match
from membseg.metrics._instance_scores import aggregated_jaccard

#: Gives a metric of a set in which each image counts so many times, ndarray of shape (n_images,).
Score = Callable[[np.ndarray], float]

#: Metrics that follow from counts of pixels -> the counts' property.
_COUNTED = {name: name for name in METRICS if hasattr(ConfusionCounts, name)} | {"dice": "f1"}

#: Metrics that follow from matched cells -> the matches' property.
_MATCHED = {
    "instance_precision": "precision",
    "instance_recall": "recall",
    "instance_f1": "f1",
    "instance_accuracy": "accuracy",
    "panoptic_quality": "panoptic_quality",
}

#: Metrics that are means over pixels. What is named nowhere here is a mean over images.
_PIXEL_MEANS = ("brier", "log_loss")

#: Metrics of the order of probabilities, which draws take from counts in bins.
_RANKING = ("roc_auc", "average_precision")

#: Metrics of the challenge at the best of its cuts.
_AT_BEST = ("v_rand", "v_info")


class WeightedScores:
    """Metrics of a set of images, as it is and with each image so many times.

    Parameters
    ----------
    evaluation : Evaluation
        Truth and predictions; each image has a labelled pixel.
    names : iterable of str
        The metrics.

    Attributes
    ----------
    rows : list of dict of str to float
        The metrics of each image by itself.
    scores : dict of str to Score
        The functions, by name.
    """

    def __init__(self, evaluation: Evaluation, names: Iterable[str]) -> None:
        self.evaluation = evaluation
        self.n_images = len(evaluation.masks.truth)
        self._images = [
            Evaluation({name: pairs.one(i) for name, pairs in evaluation.pairs.items()})
            for i in range(self.n_images)
        ]
        names = list(names)
        self.rows = [{name: METRICS[name].value(one) for name in names} for one in self._images]
        self._labelled = np.array([one.counts.total for one in self._images])
        self.scores = {name: self._score(name) for name in names}

    def values(self) -> dict[str, float]:
        """Give the metrics of the set as it is."""
        ones = np.ones(self.n_images)
        # These two are known to the last digit without bins.
        return {
            name: METRICS[name].value(self.evaluation) if name in _RANKING else float(score(ones))
            for name, score in self.scores.items()
        }

    @cached_property
    def histograms(self) -> Histograms:
        """Counts of pixels by probability."""
        return Histograms.of(self.evaluation.maps)

    def _score(self, name: str) -> Score:
        if name in _COUNTED:
            return self._of_counts(_COUNTED[name])
        if name in _MATCHED:
            return self._of_matches(_MATCHED[name])
        if name in _AT_BEST:
            cuts = np.array([one.best.per_slice[name][0] for one in self._images])
            return lambda weights: float((weights @ cuts).max() / weights.sum())
        if name in _RANKING:
            return getattr(self.histograms, name)
        if name == "ece":
            return self.histograms.calibration_error
        if name == "mean_instance_accuracy":
            return self._of_all_cuts()
        if name == "aggregated_jaccard":
            overlaps = [one.cells.overlaps[0] for one in self._images]
            return lambda weights: aggregated_jaccard(overlaps, weights)
        values = np.array([row[name] for row in self.rows])
        share = self._labelled if name in _PIXEL_MEANS else np.ones(self.n_images)
        return lambda weights: float(weights * share @ values / (weights @ share))

    def _of_counts(self, score: str) -> Score:
        table = np.array([[c.tp, c.fp, c.fn, c.tn] for c in (one.counts for one in self._images)])
        return lambda weights: getattr(ConfusionCounts(*(weights @ table).tolist()), score)

    def _of_matches(self, score: str) -> Score:
        found = _joined([one.cells.matches for one in self._images])
        return lambda weights: getattr(found(weights), score)

    def _of_all_cuts(self) -> Score:
        overlaps = [one.cells.overlaps for one in self._images]
        cuts = [_joined([match(part, cut) for part in overlaps]) for cut in coco_thresholds()]
        return lambda weights: float(np.mean([found(weights).accuracy for found in cuts]))


def _joined(parts: list[InstanceMatches]) -> Callable[[np.ndarray], InstanceMatches]:
    """Put the matches of single images together, with each image so many times."""
    n_true = np.concatenate([part.n_true for part in parts])
    n_pred = np.concatenate([part.n_pred for part in parts])
    pairs = [part.pairs[0] for part in parts]
    ious = [part.ious[0] for part in parts]
    return lambda weights: InstanceMatches(parts[0].threshold, n_true, n_pred, pairs, ious, weights)

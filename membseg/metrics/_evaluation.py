"""All metrics of one prediction, by name; what several of them need is computed once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from membseg.metrics._boundary import boundary_f1
from membseg.metrics._calibration_error import calibration_error
from membseg.metrics._cell_pairs import CellPairs, cells_of_labels, cells_of_masks
from membseg.metrics._cldice import cldice
from membseg.metrics._confusion import ConfusionCounts, count
from membseg.metrics._cuts import score_best, score_cut
from membseg.metrics._hausdorff import hausdorff
from membseg.metrics._instance_scores import aggregated_jaccard, mean_accuracy
from membseg.metrics._isbi import IsbiScores
from membseg.metrics._pairs import Pairs, image_mean
from membseg.metrics._partition_errors import information_parts, rand_error
from membseg.metrics._proper_losses import brier, cross_entropy
from membseg.metrics._ranking import average_precision, roc_auc


@dataclass(frozen=True)
class Evaluation:
    """Encoded truth beside what a segmenter predicts.

    Attributes
    ----------
    pairs : dict of str to Pairs
        Truth and masks under "predict", truth and maps under "predict_proba", truth and label
        images under "predict_instances"; at least those that the metrics to come are computed
        from. Without label images cells are the components of the masks.
    """

    pairs: dict[str, Pairs]

    @property
    def masks(self) -> Pairs:
        """Truth and masks."""
        return self.pairs["predict"]

    @property
    def maps(self) -> Pairs:
        """Truth and maps of membrane probability."""
        return self.pairs["predict_proba"]

    @cached_property
    def counts(self) -> ConfusionCounts:
        """Counts of pixels."""
        return count(self.masks)

    @cached_property
    def cells(self) -> CellPairs:
        """True and predicted cells."""
        labels = self.pairs.get("predict_instances")
        return cells_of_masks(self.masks) if labels is None else cells_of_labels(labels)

    @cached_property
    def cut(self) -> IsbiScores:
        """The challenge's scores of the masks."""
        return score_cut(self.masks)

    @cached_property
    def best(self) -> IsbiScores:
        """The challenge's scores at its own thresholds."""
        return score_best(self.maps)


@dataclass(frozen=True)
class Metric:
    """How a metric is computed from an evaluation.

    Attributes
    ----------
    value : callable
        Gives the metric of an :class:`Evaluation`.
    response : {"predict", "predict_proba", "predict_instances"}
        The method of a segmenter whose result it judges; "predict" where a segmenter has no
        "predict_instances".
    higher_is_better : bool
        False for losses and distances.
    """

    value: Callable[[Evaluation], float]
    response: str = "predict"
    higher_is_better: bool = True


_PROBA = "predict_proba"
_CELLS = "predict_instances"

#: Every metric by name, in the order of tables.
METRICS: dict[str, Metric] = {
    "accuracy": Metric(lambda e: e.counts.accuracy),
    "precision": Metric(lambda e: e.counts.precision),
    "recall": Metric(lambda e: e.counts.recall),
    "f1": Metric(lambda e: e.counts.f1),
    "dice": Metric(lambda e: e.counts.f1),
    "iou": Metric(lambda e: e.counts.iou),
    "cell_iou": Metric(lambda e: e.counts.cell_iou),
    "mean_iou": Metric(lambda e: e.counts.mean_iou),
    "specificity": Metric(lambda e: e.counts.specificity),
    "balanced_accuracy": Metric(lambda e: e.counts.balanced_accuracy),
    "matthews": Metric(lambda e: e.counts.matthews),
    "boundary_f1": Metric(lambda e: image_mean(e.masks, boundary_f1)),
    "cldice": Metric(lambda e: image_mean(e.masks, cldice)),
    "hausdorff": Metric(lambda e: image_mean(e.masks, hausdorff), higher_is_better=False),
    "roc_auc": Metric(lambda e: roc_auc(e.maps), _PROBA),
    "average_precision": Metric(lambda e: average_precision(e.maps), _PROBA),
    "brier": Metric(lambda e: brier(e.maps), _PROBA, higher_is_better=False),
    "log_loss": Metric(lambda e: cross_entropy(e.maps), _PROBA, higher_is_better=False),
    "ece": Metric(lambda e: calibration_error(e.maps), _PROBA, higher_is_better=False),
    "v_rand": Metric(lambda e: e.best.v_rand, _PROBA),
    "v_info": Metric(lambda e: e.best.v_info, _PROBA),
    "v_rand_mask": Metric(lambda e: e.cut.v_rand),
    "v_info_mask": Metric(lambda e: e.cut.v_info),
    "instance_precision": Metric(lambda e: e.cells.matches.precision, _CELLS),
    "instance_recall": Metric(lambda e: e.cells.matches.recall, _CELLS),
    "instance_f1": Metric(lambda e: e.cells.matches.f1, _CELLS),
    "instance_accuracy": Metric(lambda e: e.cells.matches.accuracy, _CELLS),
    "mean_instance_accuracy": Metric(
        lambda e: mean_accuracy(e.cells.overlaps, e.cells.weights), _CELLS
    ),
    "panoptic_quality": Metric(lambda e: e.cells.matches.panoptic_quality, _CELLS),
    "aggregated_jaccard": Metric(
        lambda e: aggregated_jaccard(e.cells.overlaps, e.cells.weights), _CELLS
    ),
    "adapted_rand_error": Metric(
        lambda e: e.cells.mean(rand_error), _CELLS, higher_is_better=False
    ),
    "variation_of_information": Metric(
        lambda e: e.cells.mean(lambda t, g: sum(information_parts(t, g))),
        _CELLS,
        higher_is_better=False,
    ),
}

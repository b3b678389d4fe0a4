"""Metrics of masks, boundaries, probabilities, partitions and cells, and scorers by name."""

from membseg.metrics._accuracy import (
    balanced_accuracy_score,
    matthews_score,
    pixel_accuracy_score,
    specificity_score,
)
from membseg.metrics._boundary import boundary_f1_score
from membseg.metrics._calibration_error import expected_calibration_error
from membseg.metrics._cldice import cldice_score
from membseg.metrics._confusion import ConfusionCounts, confusion_counts
from membseg.metrics._hausdorff import hausdorff_distance
from membseg.metrics._instance_matches import InstanceMatches, match_instances
from membseg.metrics._instance_precision import (
    instance_average_precision_score,
    mean_average_precision_score,
)
from membseg.metrics._instance_scores import (
    aggregated_jaccard_score,
    instance_accuracy_score,
    mean_instance_accuracy_score,
    panoptic_quality_score,
)
from membseg.metrics._isbi import IsbiScores, isbi_challenge_scores
from membseg.metrics._label_components import label_components
from membseg.metrics._overlap import cell_iou_score, dice_score, iou_score, mean_iou_score
from membseg.metrics._partition_errors import (
    VariationOfInformation,
    adapted_rand_error,
    variation_of_information,
)
from membseg.metrics._precision_recall import f1_score, precision_score, recall_score
from membseg.metrics._proper_losses import brier_loss, log_loss
from membseg.metrics._ranking import average_precision_score, roc_auc_score
from membseg.metrics._score_table import score_table
from membseg.metrics._scorers import (
    SCORERS,
    MultiScorer,
    SegmentationScorer,
    get_scorer,
    make_scoring,
)
from membseg.metrics._thin_borders import thin_borders
from membseg.metrics._threshold_curve import ThresholdCurve, threshold_curve
from membseg.metrics._v_scores import (
    PartitionScore,
    v_info_parts,
    v_info_score,
    v_rand_parts,
    v_rand_score,
)

__all__ = [
    "SCORERS",
    "ConfusionCounts",
    "InstanceMatches",
    "IsbiScores",
    "MultiScorer",
    "PartitionScore",
    "SegmentationScorer",
    "ThresholdCurve",
    "VariationOfInformation",
    "adapted_rand_error",
    "aggregated_jaccard_score",
    "average_precision_score",
    "balanced_accuracy_score",
    "boundary_f1_score",
    "brier_loss",
    "cell_iou_score",
    "cldice_score",
    "confusion_counts",
    "dice_score",
    "expected_calibration_error",
    "f1_score",
    "get_scorer",
    "hausdorff_distance",
    "instance_accuracy_score",
    "instance_average_precision_score",
    "iou_score",
    "isbi_challenge_scores",
    "label_components",
    "log_loss",
    "make_scoring",
    "match_instances",
    "matthews_score",
    "mean_average_precision_score",
    "mean_instance_accuracy_score",
    "mean_iou_score",
    "panoptic_quality_score",
    "pixel_accuracy_score",
    "precision_score",
    "recall_score",
    "roc_auc_score",
    "score_table",
    "specificity_score",
    "thin_borders",
    "threshold_curve",
    "v_info_parts",
    "v_info_score",
    "v_rand_parts",
    "v_rand_score",
    "variation_of_information",
]

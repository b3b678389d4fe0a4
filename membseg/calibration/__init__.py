"""Probabilities that mean what they say, thresholds chosen for a purpose, and doubt."""

from membseg.calibration._calibrated_segmenter import CalibratedSegmenter
from membseg.calibration._cells import CellConfidence, cell_confidence
from membseg.calibration._choose_slices import choose_slices
from membseg.calibration._reliability import ReliabilityTable, reliability_table
from membseg.calibration._retention import RetentionCurve, retention_curve
from membseg.calibration._risk_controlled import RiskControlledSegmenter
from membseg.calibration._tuned_threshold import TunedThresholdSegmenter
from membseg.calibration._uncertainty import Uncertainty, predict_uncertainty

__all__ = [
    "CalibratedSegmenter",
    "CellConfidence",
    "ReliabilityTable",
    "RetentionCurve",
    "RiskControlledSegmenter",
    "TunedThresholdSegmenter",
    "Uncertainty",
    "cell_confidence",
    "choose_slices",
    "predict_uncertainty",
    "reliability_table",
    "retention_curve",
]

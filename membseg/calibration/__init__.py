"""Probabilities that mean what they say, thresholds chosen for a purpose, and doubt."""

from membseg.calibration._calibrated_segmenter import CalibratedSegmenter
from membseg.calibration._reliability import ReliabilityTable, reliability_table
from membseg.calibration._retention import RetentionCurve, retention_curve
from membseg.calibration._risk_controlled import RiskControlledSegmenter
from membseg.calibration._tuned_threshold import TunedThresholdSegmenter
from membseg.calibration._uncertainty import Uncertainty, predict_uncertainty

__all__ = [
    "CalibratedSegmenter",
    "ReliabilityTable",
    "RetentionCurve",
    "RiskControlledSegmenter",
    "TunedThresholdSegmenter",
    "Uncertainty",
    "predict_uncertainty",
    "reliability_table",
    "retention_curve",
]

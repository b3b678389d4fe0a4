"""Probabilities that mean what they say."""

from membseg.calibration._calibrated_segmenter import CalibratedSegmenter
from membseg.calibration._reliability import ReliabilityTable, reliability_table

__all__ = ["CalibratedSegmenter", "ReliabilityTable", "reliability_table"]

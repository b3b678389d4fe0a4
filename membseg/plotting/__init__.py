"""Figures: Display classes that hold numbers and draw them."""

from membseg.plotting._comparison import ComparisonDisplay
from membseg.plotting._confidence_map import ConfidenceMapDisplay
from membseg.plotting._reliability import ReliabilityDisplay
from membseg.plotting._retention import RetentionCurveDisplay
from membseg.plotting._runs import RunsDisplay
from membseg.plotting._threshold_curve import ThresholdCurveDisplay

__all__ = [
    "ComparisonDisplay",
    "ConfidenceMapDisplay",
    "ReliabilityDisplay",
    "RetentionCurveDisplay",
    "RunsDisplay",
    "ThresholdCurveDisplay",
]

"""Figures: Display classes that hold numbers and draw them."""

from membseg.plotting._cells import CellsDisplay
from membseg.plotting._comparison import ComparisonDisplay
from membseg.plotting._confidence_map import ConfidenceMapDisplay
from membseg.plotting._curves_display import CurvesDisplay
from membseg.plotting._errors_display import ErrorsDisplay
from membseg.plotting._grid import GridDisplay
from membseg.plotting._history import HistoryDisplay
from membseg.plotting._importance import ImportanceDisplay
from membseg.plotting._merge_split import MergeSplitDisplay
from membseg.plotting._quality import QualityDisplay
from membseg.plotting._reliability import ReliabilityDisplay
from membseg.plotting._retention import RetentionCurveDisplay
from membseg.plotting._runs import RunsDisplay
from membseg.plotting._segmentation import SegmentationDisplay
from membseg.plotting._thickness import ThicknessDisplay
from membseg.plotting._threshold_curve import ThresholdCurveDisplay

__all__ = [
    "CellsDisplay",
    "ComparisonDisplay",
    "ConfidenceMapDisplay",
    "CurvesDisplay",
    "ErrorsDisplay",
    "GridDisplay",
    "HistoryDisplay",
    "ImportanceDisplay",
    "MergeSplitDisplay",
    "QualityDisplay",
    "ReliabilityDisplay",
    "RetentionCurveDisplay",
    "RunsDisplay",
    "SegmentationDisplay",
    "ThicknessDisplay",
    "ThresholdCurveDisplay",
]

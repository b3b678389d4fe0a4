"""Where a segmenter is wrong: scores with intervals, errors by place, merges and splits."""

from membseg.analysis._analyse import analyse
from membseg.analysis._analysis import Analysis
from membseg.analysis._events import CellEvent
from membseg.analysis._find_merges_and_splits import find_merges_and_splits
from membseg.analysis._gap import TrainingGap

__all__ = ["Analysis", "CellEvent", "TrainingGap", "analyse", "find_merges_and_splits"]

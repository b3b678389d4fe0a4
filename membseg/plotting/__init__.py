"""Figures: Display classes that hold numbers and draw them."""

from membseg.plotting._comparison import ComparisonDisplay
from membseg.plotting._reliability import ReliabilityDisplay

__all__ = ["ComparisonDisplay", "ReliabilityDisplay"]

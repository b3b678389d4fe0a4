"""Figures: Display classes that hold numbers and draw them."""

from membseg.plotting._comparison import ComparisonDisplay

__all__ = ["ComparisonDisplay"]

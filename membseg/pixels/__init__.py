"""Pixels of images as rows of a table: what opens scikit-learn's tools for classifiers."""

from membseg.pixels._as_pixels import as_pixels
from membseg.pixels._pixel_classifier import PixelClassifier
from membseg.pixels._pixel_stack import PixelStack

__all__ = ["PixelClassifier", "PixelStack", "as_pixels"]

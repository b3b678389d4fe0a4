"""Membrane segmentation of microscopy slices as an ordinary scikit-learn estimator."""

__version__ = "0.1.0"

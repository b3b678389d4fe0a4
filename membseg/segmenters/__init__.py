"""The faces: one estimator a file."""

from membseg.segmenters._cost import CostEstimate
from membseg.segmenters._threshold import ThresholdSegmenter
from membseg.segmenters._unet import UNetSegmenter

__all__ = ["CostEstimate", "ThresholdSegmenter", "UNetSegmenter"]

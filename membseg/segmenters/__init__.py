"""The faces: one estimator a file."""

from membseg.segmenters._cost import CostEstimate
from membseg.segmenters._deeplab import DeepLabV3PlusSegmenter
from membseg.segmenters._dummy import DummySegmenter
from membseg.segmenters._ensemble import EnsembleSegmenter
from membseg.segmenters._fcn import FCNSegmenter
from membseg.segmenters._mask_rcnn import MaskRCNNSegmenter
from membseg.segmenters._multi_path import MultiPathSegmenter
from membseg.segmenters._own_network import KerasSegmenter
from membseg.segmenters._pixel_forest import PixelForestSegmenter
from membseg.segmenters._ridge import RidgeSegmenter
from membseg.segmenters._segnet import SegNetSegmenter
from membseg.segmenters._threshold import ThresholdSegmenter
from membseg.segmenters._unet import UNetSegmenter

__all__ = [
    "CostEstimate",
    "DeepLabV3PlusSegmenter",
    "DummySegmenter",
    "EnsembleSegmenter",
    "FCNSegmenter",
    "KerasSegmenter",
    "MaskRCNNSegmenter",
    "MultiPathSegmenter",
    "PixelForestSegmenter",
    "RidgeSegmenter",
    "SegNetSegmenter",
    "ThresholdSegmenter",
    "UNetSegmenter",
]

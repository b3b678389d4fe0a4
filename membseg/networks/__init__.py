"""`build_*` functions: sizes in, a Keras model that returns logits out."""

from membseg.networks._deeplab import build_deeplab
from membseg.networks._fcn import build_fcn
from membseg.networks._layers import NORM_LAYERS
from membseg.networks._reach import Reach, network_reach
from membseg.networks._segnet import build_segnet
from membseg.networks._synthetic_weights import load_synthetic_weights, save_synthetic_weights
from membseg.networks._unet import build_unet, unet_reach

__all__ = [
    "NORM_LAYERS",
    "Reach",
    "build_deeplab",
    "build_fcn",
    "build_segnet",
    "build_unet",
    "load_synthetic_weights",
    "network_reach",
    "save_synthetic_weights",
    "unet_reach",
]

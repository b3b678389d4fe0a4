"""`build_*` functions: sizes in, a Keras model that returns logits out."""

from membseg.networks._anchors import make_anchors
from membseg.networks._deeplab import build_deeplab
from membseg.networks._discriminator import build_critic, build_discriminator
from membseg.networks._fcn import build_fcn
from membseg.networks._freeze import freeze_levels
from membseg.networks._layers import NORM_LAYERS
from membseg.networks._mask_rcnn import build_mask_rcnn
from membseg.networks._multipath import build_multipath
from membseg.networks._reach import Reach, network_reach
from membseg.networks._segnet import build_segnet
from membseg.networks._synthetic_weights import load_synthetic_weights, save_synthetic_weights
from membseg.networks._unet import build_unet, unet_reach

__all__ = [
    "NORM_LAYERS",
    "Reach",
    "build_critic",
    "build_deeplab",
    "build_discriminator",
    "build_fcn",
    "build_mask_rcnn",
    "build_multipath",
    "build_segnet",
    "build_unet",
    "freeze_levels",
    "load_synthetic_weights",
    "make_anchors",
    "network_reach",
    "save_synthetic_weights",
    "unet_reach",
]

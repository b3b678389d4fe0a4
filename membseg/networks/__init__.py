"""`build_*` functions: sizes in, a Keras model that returns logits out."""

from membseg.networks._layers import NORM_LAYERS
from membseg.networks._synthetic_weights import load_synthetic_weights, save_synthetic_weights
from membseg.networks._unet import build_unet, unet_reach

__all__ = [
    "NORM_LAYERS",
    "build_unet",
    "load_synthetic_weights",
    "save_synthetic_weights",
    "unet_reach",
]

"""Losses: a pure function on tensors each, and one registered class that carries them."""

from membseg.losses._border_weights import border_weights
from membseg.losses._boundary import boundary_loss
from membseg.losses._cldice import cldice_loss
from membseg.losses._detection import class_loss, objectness_loss, smooth_l1_loss
from membseg.losses._overlap import (
    dice_loss,
    focal_tversky_loss,
    jaccard_loss,
    lovasz_loss,
    tversky_loss,
)
from membseg.losses._parse_loss import LOSSES, SOFT_LOSSES, parse_loss
from membseg.losses._pixel_loss import PixelLoss
from membseg.losses._pixelwise import (
    balanced_binary_crossentropy,
    binary_crossentropy,
    focal_loss,
)

__all__ = [
    "LOSSES",
    "SOFT_LOSSES",
    "PixelLoss",
    "balanced_binary_crossentropy",
    "binary_crossentropy",
    "border_weights",
    "boundary_loss",
    "class_loss",
    "cldice_loss",
    "dice_loss",
    "focal_loss",
    "focal_tversky_loss",
    "jaccard_loss",
    "lovasz_loss",
    "objectness_loss",
    "parse_loss",
    "smooth_l1_loss",
    "tversky_loss",
]

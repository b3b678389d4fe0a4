"""Losses: a pure function on tensors each, and one registered class that carries them."""

from membseg.losses._pixelwise import (
    LOSSES,
    PixelLoss,
    bce_dice_loss,
    binary_crossentropy,
    dice_loss,
)

__all__ = ["LOSSES", "PixelLoss", "bce_dice_loss", "binary_crossentropy", "dice_loss"]

"""Tile plan, halo and cut, test-time views; takes a function and knows no Keras."""

from membseg.inference._predict import TilePredictor, TileRecipe, predict_logits, predict_tiles
from membseg.inference._tiles import Span, Tile, plan_axis, plan_image, plan_tiles
from membseg.inference._views import TTA_MODES, View, list_views
from membseg.inference._window import arrange, clip_window, read_window

__all__ = [
    "TTA_MODES",
    "Span",
    "Tile",
    "TilePredictor",
    "TileRecipe",
    "View",
    "arrange",
    "clip_window",
    "list_views",
    "plan_axis",
    "plan_image",
    "plan_tiles",
    "predict_logits",
    "predict_tiles",
    "read_window",
]

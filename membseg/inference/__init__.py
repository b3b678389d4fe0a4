"""Tile plan, halo and cut, test-time views; takes a function and knows no Keras."""

from membseg.inference._predict import predict_logits
from membseg.inference._tiles import Span, plan_axis, plan_tiles
from membseg.inference._views import TTA_MODES, View, list_views

__all__ = ["TTA_MODES", "Span", "View", "list_views", "plan_axis", "plan_tiles", "predict_logits"]

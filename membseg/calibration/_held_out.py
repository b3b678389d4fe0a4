"""What calibration and thresholds are learnt from: maps of slices that were not trained on."""

from membseg.model_selection._held_out import HeldOut, predict_held_out

__all__ = ["HeldOut", "predict_held_out"]

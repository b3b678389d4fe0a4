"""What fit falls back on, and what it tells on the way."""

import time
from typing import Any

import numpy as np

from membseg.exceptions import OutOfMemoryError, TrainingWarning
from membseg.segmenters._fit_inputs import FitInputs
from membseg.utils import warn_user, write_line


def prior_attributes(inputs: FitInputs) -> dict[str, Any]:
    """Fitted attributes of a segmenter that knows only the share of membrane."""
    share = inputs.masks.membrane_fraction
    return {
        "_network": None,
        "_weights": None,
        "_config": None,
        "_prior_logit": float(np.log(share / (1 - share))),
        "n_parameters_": 0,
        "history_": [],
        "best_epoch_": 0,
        "n_steps_": 0,
        "batch_size_": 0,
        "patch_size_": 0,
        "intensity_": None,
        "threshold_": 0.5,
    }


def halve_batch(batch_size: int, patch_size: int, error: OutOfMemoryError) -> int:
    """Give half the batch size, with a warning; an error where there is no half."""
    if batch_size == 1:
        raise OutOfMemoryError(
            f"There is too little memory to train on a single patch of {patch_size} x "
            f"{patch_size} px. Lower patch_size, base_filters or depth."
        ) from error
    warn_user(
        f"There is too little memory for batches of {batch_size} patches; training starts again "
        f"with batch_size={batch_size // 2}.",
        TrainingWarning,
    )
    return batch_size // 2


def report_row(row: dict[str, float], schedule: Any) -> None:
    """Write one line about an epoch."""
    parts = [f"epoch {row['epoch']:3d}", f"step {row['step']:5d}", f"loss {row['loss']:.4f}"]
    parts += [f"{name} {row[name]:.4f}" for name in row if name.startswith("val_")]
    if schedule.n_steps is not None and schedule.decays:
        parts.append(f"{row['seconds'] * (schedule.n_steps / row['step'] - 1):.0f} s left")
    elif schedule.deadline is not None:
        parts.append(f"{max(schedule.deadline - time.perf_counter(), 0):.0f} s left")
    write_line("  ".join(parts))

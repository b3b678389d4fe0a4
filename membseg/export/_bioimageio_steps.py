"""Intensity normalisation in the words of the BioImage.IO format."""

from typing import Any

import numpy as np

from membseg.utils import Intensity

#: The smallest standard deviation that the format takes as a fixed number.
_LEAST_SPREAD = 1e-6

#: Statistics are those of each channel of each image.
_AXES = ["y", "x"]


def preprocessing_steps(
    mode: str, intensity: Intensity, *, fixed: bool = False
) -> list[dict[str, Any]]:
    """List the steps that a tool does before the network.

    Parameters
    ----------
    mode : {"image", "percentile", "stack", "none"}
        How the segmenter normalises images.
    intensity : Intensity
        The map itself, where it is fixed; else that of one typical image.
    fixed : bool, default=False
        Whether all images get this very map. That of "stack" always is fixed.

    Returns
    -------
    list of dict
        Entries of `preprocessing`.
    """
    if mode == "none":
        return []
    if fixed or mode == "stack":
        return [_fixed_step(intensity)]
    if mode == "image":
        kwargs = {"axes": _AXES, "eps": _small_beside(intensity)}
        return [{"id": "zero_mean_unit_variance", "kwargs": kwargs}]
    kwargs = {
        "axes": _AXES,
        "min_percentile": 1.0,
        "max_percentile": 99.0,
        "eps": _small_beside(intensity),
    }
    # From 0 ... 1 to -1 ... 1.
    centred = {"id": "scale_linear", "kwargs": {"gain": 2.0, "offset": -1.0}}
    return [{"id": "scale_range", "kwargs": kwargs}, centred]


def _small_beside(intensity: Intensity) -> float:
    """Give the number that keeps tools from dividing by zero, small enough to change nothing."""
    largest = float(intensity.scale.max())
    return 1e-6 / max(largest, 1.0)


def _fixed_step(intensity: Intensity) -> dict[str, Any]:
    """Give one affine map as a step; scalars for one channel, which every tool understands."""
    spread = np.divide(
        1.0, intensity.scale, out=np.zeros_like(intensity.scale), where=intensity.scale > 0
    )
    if spread.min() >= _LEAST_SPREAD:
        step, numbers = "fixed_zero_mean_unit_variance", {"mean": intensity.offset, "std": spread}
    else:
        gain = intensity.scale
        step, numbers = "scale_linear", {"gain": gain, "offset": -intensity.offset * gain}
    if len(spread) == 1:
        return {"id": step, "kwargs": {key: float(value[0]) for key, value in numbers.items()}}
    lists: dict[str, Any] = {key: value.tolist() for key, value in numbers.items()}
    return {"id": step, "kwargs": {"axis": "channel"} | lists}

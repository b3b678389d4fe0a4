"""What a step of each row costs on this machine."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from peers.machine import describe_machine
from peers.slices import load_slices
from peers.variants import Variant, weights_of

#: Epochs of a row, and the steps of one. The first one compiles, and is not timed.
_EPOCHS, _EPOCH_STEPS = 3, 50


def measure_costs(
    path: Path, data: Path, train: list[int], variants: Mapping[str, Variant], n_rounds: int
) -> None:
    """Time the steps of each row, in rounds over all rows, and keep its fastest time.

    Parameters
    ----------
    path : Path
        JSON file to write. Rounds that it has are not run again.
    data : Path
        Folder of the data.
    train : list of int
        Slices.
    variants : mapping of str to Variant
        The rows.
    n_rounds : int
        Times that each row is timed: another process that works in between slows one of them only.
    """
    found: dict[str, Any] = {"machine": describe_machine(), "seconds_per_step": {}}
    if path.exists():
        found = json.loads(path.read_text())
    times: dict[str, list[float]] = found["seconds_per_step"]
    X, y = load_slices(data, train)
    for number in range(n_rounds):
        for name, variant in variants.items():
            if len(times.setdefault(name, [])) <= number:
                times[name].append(_seconds_per_step(X, y, variant))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(found, indent=1))
                print(f"{name}: {1000 * times[name][-1]:.0f} ms a step", flush=True)


def load_costs(path: Path, base: str) -> dict[str, float]:
    """Read what :func:`measure_costs` wrote: time of a step, that of the row `base` being 1."""
    times = json.loads(path.read_text())["seconds_per_step"]
    return {name: min(values) / min(times[base]) for name, values in times.items()}


def _seconds_per_step(X: np.ndarray, y: np.ndarray, variant: Variant) -> float:
    import membseg

    segmenter = getattr(membseg, variant.segmenter)(
        max_steps=_EPOCHS * _EPOCH_STEPS,
        steps_per_epoch=_EPOCH_STEPS,
        random_state=0,
        threshold=0.5,
        # None of them may stop before.
        **variant.options | {"early_stopping": False},
    )
    segmenter.fit(X, y, sample_weight=weights_of(variant, y))
    ends = [row["seconds"] for row in segmenter.history_]
    return float(min(np.diff(ends))) / _EPOCH_STEPS

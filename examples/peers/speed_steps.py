"""Steps and pixels a second, membseg and its peers in turns."""

from typing import Any

import numpy as np

from peers.machine import is_installed
from peers.timing import ratio, take_turns

#: Layer lists that both membseg and the PyTorch peer can build.
NETS: dict[str, dict[str, int]] = {
    "full resolution, 4 poolings": {"depth": 4, "stem_stride": 1},
    "half resolution, 3 poolings": {"depth": 3, "stem_stride": 2},
}


def run_steps(spec: dict[str, Any]) -> dict[str, Any]:
    """One training step of the same layer list, membseg and plain PyTorch, both number formats."""
    contenders: dict[str, Any] = {}
    peers = [("membseg", "keras_step")]
    if is_installed("torch"):
        peers.append(("torch", "torch_step"))
    sizes = NETS[spec["net"]] | {"base_filters": spec["base_filters"]}
    for dtype in ("float32", "bfloat16"):
        for peer, maker in peers:
            options = {"sizes": sizes, "dtype": dtype, "shape": spec["shape"]}
            contenders[f"{peer} {dtype}"] = (f"peers.contenders:{maker}", options)
    seconds, details = take_turns(contenders, repeats=spec["repeats"], n_steps=spec["steps"])
    result: dict[str, Any] = {"seconds": seconds, "details": details, "ratios": {}}
    if len(peers) == 2:
        if len({detail["n_parameters"] for detail in details.values()}) != 1:
            raise RuntimeError(f"the layer lists differ: {details}")
        for ours in ("float32", "bfloat16"):
            for theirs in ("float32", "bfloat16"):
                name = f"membseg {ours} / torch {theirs}"
                result["ratios"][name] = ratio(
                    seconds[f"membseg {ours}"], seconds[f"torch {theirs}"]
                )
    return result


def run_pixels(spec: dict[str, Any]) -> dict[str, Any]:
    """Pixels trained and predicted a second: the default network and the classical one."""
    slices = {"data": spec["data"], "train": spec["train"]}
    classical = {"base_filters": spec["classical_filters"]}
    contenders = {
        "default trained": ("peers.contenders:default_step", slices),
        "classical trained": ("peers.contenders:classical_step", classical),
        "default predicted": ("peers.contenders:default_prediction", slices),
        "classical predicted": ("peers.contenders:classical_prediction", classical),
    }
    seconds, details = take_turns(contenders, repeats=spec["repeats"], n_steps=spec["steps"])
    rates = {
        name: (details[name]["pixels"] / np.array(times)).tolist()
        for name, times in seconds.items()
    }
    return {
        "pixels_per_second": rates,
        "ratios": {
            what: ratio(rates[f"default {what}"], rates[f"classical {what}"])
            for what in ("trained", "predicted")
        },
    }

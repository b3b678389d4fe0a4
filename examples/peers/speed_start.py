"""How long a fresh process takes to import, and to its first training step."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from peers.machine import is_installed

_FIT = (
    "from membseg import UNetSegmenter, make_membranes\n"
    "X, y = make_membranes(2, 256, 256, random_state=0)\n"
    "UNetSegmenter(max_steps=1, threshold=0.5, validation_fraction=0).fit(X, y)\n"
)

_TORCH = (
    "import numpy as np\n"
    "from peers.torch_unet import TorchStep\n"
    "x = np.zeros((8, 192, 192), np.float32)\n"
    "TorchStep(dtype='float32').train(x, x)\n"
)

#: What is run in a fresh interpreter -> its code, and what must be installed.
_STARTS = {
    "python": ("pass", "numpy"),
    "import membseg": ("import membseg", "numpy"),
    "import tensorflow": ("import tensorflow", "tensorflow"),
    "membseg, one training step": (_FIT, "numpy"),
    "import torch": ("import torch", "torch"),
    "torch, one training step": (_TORCH, "torch"),
}


def run_start(spec: dict[str, Any]) -> dict[str, Any]:
    """Seconds of fresh processes: least, median and largest of some repeats, in turns."""
    starts = {name: code for name, (code, needs) in _STARTS.items() if is_installed(needs)}
    seconds: dict[str, list[float]] = {name: [] for name in starts}
    for _ in range(spec["repeats"]):
        for name, code in starts.items():
            seconds[name].append(_seconds(code))
    return {
        "seconds": {
            name: {
                "median": float(np.median(times)),
                "low": min(times),
                "high": max(times),
            }
            for name, times in seconds.items()
        }
    }


def _seconds(code: str) -> float:
    """Run code in a fresh interpreter that finds this folder."""
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": path})
    return time.perf_counter() - start

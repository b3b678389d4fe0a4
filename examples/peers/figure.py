"""What the figures of the benchmarks share."""

from pathlib import Path
from typing import Any

import numpy as np

#: Scores are drawn on an axis that widens towards 1, where the difference is made.
TICKS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995)

_CEILING = 0.9995


def stretch(score: Any) -> Any:
    """Map a score in [0, 1] to -log10(1 - score)."""
    return -np.log10(1 - np.clip(score, 0, _CEILING))


def save_figure(figure: Any, title: str, path: Path) -> None:
    """Write a figure under a title, and close it."""
    from matplotlib import pyplot as plt

    figure.suptitle(title, fontsize=10, color="0.3")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    plt.close(figure)

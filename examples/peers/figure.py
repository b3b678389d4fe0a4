"""What the figures of the benchmarks share."""

from pathlib import Path
from typing import Any


def save_figure(figure: Any, title: str, path: Path) -> None:
    """Write a figure under a title, and close it."""
    from matplotlib import pyplot as plt

    figure.suptitle(title, fontsize=10, color="0.3")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    plt.close(figure)

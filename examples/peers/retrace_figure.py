"""The figure of the retraced study: one net, many numbers."""

from pathlib import Path
from typing import Any

import numpy as np

from peers.figure import save_figure
from peers.retrace_table import QUOTED, SETS, Reading, list_readings

#: Okabe and Ito's colours and a marker each, which colour-blind people tell apart.
_STYLES = {
    "log": ("#000000", "x"), "train": ("#0072B2", "o"), "copies": ("#56B4E9", "s"),
    "held_out": ("#D55E00", "D"),
}  # fmt: skip

#: What the left panel shows: name -> treatment, metric, class.
_LINES = {
    "accuracy, masks": ("mask", "accuracy", "pooled"),
    "IoU of cells, masks": ("mask", "iou", "cell"),
    "IoU, mean of both": ("mask", "iou", "mean"),
    "IoU of membranes, masks": ("mask", "iou", "membrane"),
    "IoU of membranes, maps": ("map", "iou", "membrane"),
    "equal pixels, 8-bit pictures": ("picture", "accuracy", "pooled"),
    "equal pixels, rounded down": ("picture_cut_off", "accuracy", "pooled"),
    "equal pixels, maps": ("map", "accuracy", "pooled"),
    "accuracy, wrong slices": ("mispaired", "accuracy", "pooled"),
    "accuracy, polarity swapped": ("swapped", "accuracy", "pooled"),
}


def draw_retrace(rows: dict[str, dict[str, Any]], path: Path, title: str) -> None:
    """Draw the readings of the classical net, and why its pictures seldom equal the masks.

    Parameters
    ----------
    rows : dict
        The JSON file's rows; without a classical one nothing is drawn.
    path : Path
        Picture to write.
    title : str
        What stands above it.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    row = next((r for r in rows.values() if r["row"] == "classical" and "failed" not in r), None)
    if row is None:
        return
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(12, 4.8), layout="constrained", width_ratios=(3, 2)
    )
    _draw_readings(left, list_readings(row))
    _draw_levels(right, row["levels"]["held_out"])
    for axis in (left, right):
        axis.spines[["top", "right"]].set_visible(False)
    save_figure(figure, title, path)


def _draw_readings(axis: Any, readings: dict[Reading, float]) -> None:
    for slices, (colour, marker) in _STYLES.items():
        found = [(Reading(slices, *line), place) for place, line in enumerate(_LINES.values())]
        points = [(readings[key], place) for key, place in found if key in readings]
        if points:
            # The log's one cross lies on other points.
            axis.plot(
                *zip(*points, strict=True), marker, color=colour, label=SETS[slices],
                zorder=4 if slices == "log" else 3,
            )  # fmt: skip
    for quoted in QUOTED:
        axis.axvline(quoted.value, color="0.6", linewidth=1, linestyle=":", zorder=0)
    axis.set_yticks(range(len(_LINES)), list(_LINES))
    axis.invert_yaxis()
    axis.set_xlim(-0.02, 1.02)
    axis.grid(axis="y", color="0.92", linewidth=0.8)
    axis.set_axisbelow(True)
    told = ", ".join(f"{quoted.value:.2f}" for quoted in QUOTED)
    axis.set_xlabel(f"value (dotted: the numbers that were told, {told})")
    axis.set_title("One net, read in many ways", loc="left", fontsize=12, fontweight="bold")
    # Below the axis: points may lie anywhere in it.
    axis.legend(fontsize=8, frameon=False, ncols=2, loc="upper center", bbox_to_anchor=(0.4, -0.13))


def _draw_levels(axis: Any, levels: dict[str, list[int]]) -> None:
    total = sum(sum(counts) for counts in levels.values())
    for name, colour, style in (("cell", "#009E73", "-"), ("membrane", "#CC79A7", "--")):
        share = np.asarray(levels[name]) / total
        axis.semilogy(share, style, color=colour, linewidth=1.4, label=f"{name} in the mask")
    equal = (levels["membrane"][0] + levels["cell"][255]) / total
    axis.plot(
        [0, 255], [levels["membrane"][0] / total, levels["cell"][255] / total], "o",
        color="#000000", label=f"equal to the mask: {equal:.2f} of all",
    )  # fmt: skip
    axis.set_xlabel("grey level of the saved map, held-out slices")
    axis.set_ylabel("share of all pixels")
    axis.set_title("Sure is not equal", loc="left", fontsize=12, fontweight="bold")
    axis.legend(fontsize=8, frameon=False)

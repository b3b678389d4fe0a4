"""The figure of the quality benchmark: scores against seconds."""

from pathlib import Path
from typing import Any

import numpy as np

from peers.figure import TICKS, save_figure, stretch
from peers.quality_table import Summary, summarise

#: Okabe and Ito's colours, which colour-blind people tell apart: one a row.
_COLOURS = {
    "membseg": "#D55E00", "membseg_random": "#CC79A7", "torch16": "#0072B2",
    "torch16_cosine": "#56B4E9", "torch64": "#009E73", "forest": "#000000",
    "classical": "#7F7F7F",
}  # fmt: skip

_SCORES = {"v_rand": "V_Rand", "v_info": "V_Info"}


def draw_quality(content: dict[str, Any], path: Path, until: float | None = None) -> None:
    """Draw what is in the benchmark's JSON file.

    Parameters
    ----------
    content : dict
        The file's content.
    path : Path
        Picture to write.
    until : float or None, default=None
        A V_Rand to mark.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    summaries = summarise(content["rows"])
    full = [s for s in summaries if s.n_labels is None]
    few = [s for s in summaries if s.n_labels is not None]
    panels = [(score, full, "time_limit") for score in _SCORES if full]
    panels += [(score, few, "n_labels") for score in _SCORES if few]
    if not panels:
        return
    n_rows = bool(full) + bool(few)
    figure, axes = plt.subplots(
        n_rows, 2, figsize=(12, 4.8 * n_rows), layout="constrained", squeeze=False
    )
    for axis, (score, group, x_name) in zip(axes.flat, panels, strict=True):
        _draw_panel(axis, group, score, x_name)
        if until is not None and score == "v_rand" and x_name == "time_limit":
            axis.axhline(stretch(until), color="0.6", linewidth=0.8, linestyle=":")
    test = content["settings"]["test"]
    machine = content["machine"]
    title = (
        f"ISBI 2012, tested on slices {test[0]}-{test[-1]}; {machine['cores']} cores of "
        f"{machine['processor']}\nbest threshold; bars: standard error"
    )
    save_figure(figure, title, path)


def _draw_panel(axis: Any, group: list[Summary], score: str, x_name: str) -> None:
    ends = []
    for name in dict.fromkeys(s.name for s in group):
        points = sorted((s for s in group if s.name == name), key=lambda s: getattr(s, x_name))
        x = [getattr(s, x_name) for s in points]
        mean = np.array([s.mean[score] for s in points])
        error = np.nan_to_num([s.error[score] for s in points])
        low, middle, high = (stretch(mean + sign * error) for sign in (-1, 0, 1))
        row = name.partition(",")[0]
        axis.errorbar(
            x, middle, [middle - low, high - middle], color=_COLOURS[row], capsize=3,
            linestyle="--" if name.endswith("eight views") else "-", marker="o", markersize=4,
            linewidth=1.6,
        )  # fmt: skip
        ends.append((x[-1], float(middle[-1]), name, _COLOURS[row]))
    _set_axes(axis, group, score, x_name)
    _label_lines(axis, ends)


def _set_axes(axis: Any, group: list[Summary], score: str, x_name: str) -> None:
    places = sorted({getattr(s, x_name) for s in group})
    axis.set_xscale("log")
    # Names of neighbours closer than this would run into each other.
    named = [k == 0 or place >= 1.3 * places[k - 1] for k, place in enumerate(places)]
    axis.set_xticks(places, [f"{p:g}" if n else "" for p, n in zip(places, named, strict=True)])
    axis.minorticks_off()
    axis.set_xlim(places[0] / 1.15, places[-1] * 1.15)
    limits = sorted({s.time_limit for s in group})
    labelled = f"labelled slices to learn from ({', '.join(f'{t:g}' for t in limits)} s)"
    axis.set_xlabel("seconds of training" if x_name == "time_limit" else labelled)
    axis.set_title(_SCORES[score], loc="left", fontsize=12, fontweight="bold")
    axis.set_yticks([stretch(tick) for tick in TICKS], [f"{tick:g}" for tick in TICKS])
    scores = [s.mean[score] for s in group]
    axis.set_ylim(stretch(min(scores)) - 0.08, stretch(max(scores)) + 0.12)
    axis.grid(axis="y", color="0.9", linewidth=0.8)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def _label_lines(axis: Any, ends: list[tuple[float, float, str, str]]) -> None:
    """Write each line's name beside its end, names kept apart."""
    low, high = axis.get_ylim()
    gap = 0.05 * (high - low)
    right = axis.get_xlim()[1]
    # From the bottom up, each at least a gap above the one below; then down from the top.
    ends = sorted(ends, key=lambda end: end[1])
    heights = [end[1] for end in ends]
    for k in range(1, len(heights)):
        heights[k] = max(heights[k], heights[k - 1] + gap)
    top = high - gap / 2
    for k in reversed(range(len(heights))):
        heights[k] = min(heights[k], top)
        top = heights[k] - gap
    for (x, y, name, colour), height in zip(ends, heights, strict=True):
        axis.annotate(
            name, (x, y), (right * 1.04, height), color=colour, fontsize=9, va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "alpha": 0.5},
        )  # fmt: skip

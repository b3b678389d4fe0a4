"""The figure of rows of variants: a point a seed, a line at each mean."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peers.figure import TICKS, save_figure, stretch
from peers.variant_table import COLUMNS, Runs, by_v_rand, mean_of

#: Columns whose axis is logarithmic.
_RATES = ("trained", "predicted_one", "predicted_eight")


def describe(content: Mapping[str, Any], what: str) -> str:
    """Write a figure's title: what was run, on what, on which machine."""
    settings, machine = content["settings"], content["machine"]
    n_steps = settings.get("max_steps")
    length = f"{settings['time_limit']:g} s" if n_steps is None else f"{n_steps} steps"
    place = ", ".join(machine["gpu"]) or f"{machine['cores']} cores of {machine['processor']}"
    return (
        f"{what}: {length} each, tested on slices {settings['test'][0]}-{settings['test'][-1]} of "
        f"ISBI 2012; {place}\na point a seed, a line at each mean"
    )


def draw_variants(
    runs: Runs, titles: Mapping[str, str], columns: tuple[str, ...], title: str, path: Path
) -> None:
    """Draw columns of a table side by side, the row of the best V_Rand on top."""
    from matplotlib.figure import Figure

    if not runs:
        return
    figure = Figure(figsize=(4 + 3 * len(columns), 1.6 + 0.3 * len(runs)), layout="constrained")
    names = list(by_v_rand(runs))[::-1]
    panels = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
    for axis, column in zip(panels, columns, strict=True):
        _draw_column(axis, runs, names, column)
    panels[0].set_ylim(-0.6, len(names) - 0.4)
    panels[0].set_yticks(range(len(names)), [titles[name] for name in names])
    save_figure(figure, title, path)


def _draw_column(axis: Any, runs: Runs, names: list[str], column: str) -> None:
    from matplotlib.ticker import LogLocator

    scale = stretch if column in ("v_rand", "v_info") else float
    for height, name in enumerate(names):
        values = [scale(numbers[column]) for numbers in runs[name].values()]
        axis.plot(values, [height] * len(values), "o", color="tab:blue", alpha=0.5)
        mean = scale(mean_of(runs[name], column))
        axis.plot(mean, height, "|", color="black", markersize=14, markeredgewidth=2)
    if column in _RATES:
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.minorticks_off()
    elif scale is stretch:
        ticks = _score_ticks(*axis.get_xlim())
        axis.set_xticks([stretch(tick) for tick in ticks], [f"{tick:.4g}" for tick in ticks])
    axis.set_title(COLUMNS[column][0], loc="left", fontsize=11, fontweight="bold")
    axis.grid(color="0.9", linewidth=0.8)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def _score_ticks(low: float, high: float) -> list[float]:
    """Scores to mark between two stretched ones: the usual ones, or, of a small range, its own."""
    from matplotlib.ticker import MaxNLocator

    ticks = [tick for tick in TICKS if low <= stretch(tick) <= high]
    if len(ticks) < 3:
        found = MaxNLocator(5).tick_values(1 - 10**-low, 1 - 10**-high)
        ticks = [float(tick) for tick in found if low <= stretch(tick) <= high]
    return ticks

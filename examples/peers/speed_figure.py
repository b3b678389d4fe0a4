"""The figure of the speed benchmark."""

from pathlib import Path
from typing import Any

import numpy as np

from peers.figure import save_figure

#: Okabe and Ito's colours, which colour-blind people tell apart.
_ORANGE, _BLUE, _GREEN, _YELLOW, _PINK, _GREY = (
    "#D55E00", "#0072B2", "#009E73", "#F0E442", "#CC79A7", "#999999",
)  # fmt: skip

_PART_COLOURS = {
    "convolutions": _ORANGE, "other operations": _YELLOW, "optimizer": _GREEN, "Keras": _BLUE,
    "validation": _PINK, "rest": _GREY,
}  # fmt: skip


def profile_parts(profile: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Split a training step and a predicted slice into parts, in ms; they add up to the whole.

    The convolutions are timed one by one. Where they take longer so than within the network, the
    difference is negative, and is in "other operations". Patches are drawn while the network
    learns from the last ones, and have no part of their own.
    """
    step, one = profile["training"], profile["prediction"]
    convolutions = one["convolutions"] * one["n_tiles"]
    return {
        "one training step": {
            "convolutions": step["convolutions"],
            "other operations": step["forward"] + step["backward"] - step["convolutions"],
            "optimizer": step["optimizer"],
            "Keras": step["keras"],
            "validation": step["validation"],
            "rest": step["fit"] - step["validation"] - step["step"],
        },
        "prediction of one slice": {
            "convolutions": convolutions,
            "other operations": one["forward"] - convolutions,
            "Keras": one["keras"],
            "rest": one["rest"],
        },
    }


def draw_speed(content: dict[str, Any], path: Path) -> None:
    """Draw what is in the benchmark's JSON file: a panel for each of four sections.

    Parameters
    ----------
    content : dict
        The file's content.
    path : Path
        Picture to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    done = [row for row in content["rows"].values() if "failed" not in row]
    panels = [
        (draw, rows)
        for section, draw in _PANELS.items()
        if (rows := [row for row in done if row["section"] == section])
    ]
    if not panels:
        return
    n_rows = -(-len(panels) // 2)
    figure, axes = plt.subplots(
        n_rows, 2, figsize=(13, 4.2 * n_rows), layout="constrained", squeeze=False
    )
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, (draw, rows) in zip(axes.flat, panels, strict=False):
        draw(axis, rows)
        axis.spines[["top", "right"]].set_visible(False)
    machine = content["machine"]
    title = (
        f"{machine['cores']} cores of {machine['processor']}, "
        f"{machine['memory_gb']:g} GB; Keras on {machine['backend']}"
    )
    save_figure(figure, title, path)


def _title(axis: Any, text: str) -> None:
    axis.set_title(text, loc="left", fontsize=11, fontweight="bold")


def _draw_profile(axis: Any, rows: list[dict[str, Any]]) -> None:
    bars = profile_parts(rows[0])
    names = list(bars)
    for place, (name, parts) in enumerate(bars.items()):
        positive = {part: max(ms, 0.0) for part, ms in parts.items()}
        total, left = sum(positive.values()), 0.0
        for part, ms in positive.items():
            share = 100 * ms / total
            axis.barh(place, share, left=left, color=_PART_COLOURS[part], height=0.5)
            if share > 4:
                ink = "white" if _PART_COLOURS[part] == _BLUE else "black"
                centred = {"ha": "center", "va": "center", "fontsize": 8, "color": ink}
                axis.text(left + share / 2, place, f"{ms:.3g}", **centred)
            left += share
        names[place] = f"{name}\n{sum(parts.values()):.3g} ms"
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set_xlim(0, 100)
    axis.set_xlabel("% of the time; numbers are milliseconds")
    handles = [axis.barh(0, 0, color=colour, label=part) for part, colour in _PART_COLOURS.items()]
    axis.legend(
        handles=handles, ncols=4, loc="center", frameon=False, fontsize=8,
    )  # fmt: skip
    _title(axis, "Where the time of the default network goes")


def _draw_steps(axis: Any, rows: list[dict[str, Any]]) -> None:
    names: list[str] = []
    for row in rows:
        for contender, seconds in row["seconds"].items():
            ms = 1e3 * np.array(seconds)
            colour = _ORANGE if contender.startswith("membseg") else _BLUE
            place = len(names)
            axis.hlines(place, ms.min(), ms.max(), color=colour, linewidth=2)
            axis.plot(np.median(ms), place, "o", color=colour)
            axis.annotate(
                f"{np.median(ms):.3g}", (ms.max(), place), (6, 0), textcoords="offset points",
                va="center", fontsize=8, color=colour,
            )  # fmt: skip
            names.append(
                f"{contender}\n({row['net']})" if contender == "membseg float32" else contender
            )
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.invert_yaxis()
    axis.set_xlim(left=0)
    axis.margins(x=0.12)
    axis.set_xlabel("milliseconds; dot: median, bar: least to largest")
    _title(axis, "One training step of the same layers")


def _draw_big(axis: Any, rows: list[dict[str, Any]]) -> None:
    rows = sorted(rows, key=lambda row: row["side"])
    sides = [row["side"] for row in rows]
    rates = [row["pixels_per_second"] / 1e6 for row in rows]
    axis.plot(sides, rates, "o-", color=_ORANGE)
    for side, rate, row in zip(sides, rates, rows, strict=True):
        axis.annotate(
            f"{row['memory_bytes'] / 2**30:.2f} GB", (side, rate), (0, 9),
            textcoords="offset points", ha="center", fontsize=8,
        )  # fmt: skip
    axis.set_xscale("log", base=2)
    axis.set_xticks(sides, [f"{side}" for side in sides])
    axis.margins(x=0.12)
    axis.set_ylim(0, 1.25 * max(rates))
    axis.set_xlabel("side of the image, pixels; labels: memory beyond the files")
    axis.set_ylabel("million pixels a second")
    _title(axis, "Big images, file to file, one view")


def _draw_pixels(axis: Any, rows: list[dict[str, Any]]) -> None:
    row = rows[0]
    names = []
    for what in ("trained", "predicted"):
        for net, colour in (("default", _ORANGE), ("classical", _GREY)):
            rate = float(np.median(row["pixels_per_second"][f"{net} {what}"]))
            label = f" {rate:,.0f}"
            if net == "default":
                label += f"  ({row['ratios'][what]['median']:.0f} times)"
            axis.barh(len(names), rate, color=colour, height=0.6)
            axis.text(rate, len(names), label, va="center", fontsize=9)
            names.append(f"{net}, {what}")
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.margins(x=0.35)
    axis.set_xlabel("pixels a second")
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axis.locator_params(axis="x", nbins=5)
    _title(axis, "The default network and the classical one")


_PANELS = {
    "profile": _draw_profile,
    "steps": _draw_steps,
    "big": _draw_big,
    "pixels": _draw_pixels,
}

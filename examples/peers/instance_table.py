"""The comparison of cells as a table and as a figure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peers.figure import save_figure
from peers.instance_rows import MAKERS, SCORES
from peers.variant_table import print_markdown


def scored_rows(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Give the rows of cells that did not fail, in the order of `MAKERS`."""
    return {row: rows[row] for row in MAKERS if "map" in rows.get(row, {})}


def print_scores(rows: Mapping[str, Mapping[str, Any]], title: str) -> None:
    """Print the scores of all rows, and what their parameters were."""
    print(f"\n{title}; cells of at least 20 px, without 'tuned' all parameters as they come\n")
    lines = []
    for row, found in scored_rows(rows).items():
        cells = [f"{found[score]:.4f}" if score[0] == "v" else f"{found[score]:.3f}"
                 for score in SCORES]  # fmt: skip
        seconds = f"{found['seconds_per_slice']:.2f}"
        counts = f"{found['n_found']} / {found['n_true']}"
        lines.append([MAKERS[row].title, *cells, counts, seconds])
    print_markdown(["cells by", *SCORES.values(), "found / true", "s a slice"], lines)
    print()
    for row, found in scored_rows(rows).items():
        if "parameters" in found:
            chosen = ", ".join(f"{k} {v:.2f}" for k, v in found["parameters"].items())
            print(f"{MAKERS[row].title}: {chosen}")


def draw_scores(content: Mapping[str, Any], title: str, path: Path) -> None:
    """Draw a panel for each score: a ring with parameters as they come, a dot when tuned."""
    from matplotlib.figure import Figure

    rows = scored_rows(content["rows"])
    bases = [row for row in MAKERS if not MAKERS[row].tuned]
    bases = [row for row in bases if row in rows or f"{row}_tuned" in rows][::-1]
    if not bases:
        return
    shown = ["map", "ap50", "panoptic_quality", "v_rand", "v_info"]
    figure = Figure(figsize=(4 + 2 * len(shown), 1.8 + 0.35 * len(bases)), layout="constrained")
    panels = figure.subplots(1, len(shown), sharey=True)
    for axis, score in zip(panels, shown, strict=True):
        for suffix, face, label in (("", "white", "as they come"), ("_tuned", None, "tuned")):
            points = [(rows[f"{row}{suffix}"][score], height) for height, row in enumerate(bases)
                      if f"{row}{suffix}" in rows]  # fmt: skip
            if points:
                axis.plot(*zip(*points, strict=True), "o", color="tab:blue", label=label,
                          markerfacecolor=face or "tab:blue")  # fmt: skip
        axis.set_title(SCORES[score], loc="left", fontsize=11, fontweight="bold")
        axis.margins(x=0.15)
        axis.grid(color="0.9", linewidth=0.8)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylim(-0.6, len(bases) - 0.4)
    panels[0].set_yticks(range(len(bases)), [MAKERS[row].title for row in bases])
    panels[-1].legend(title="parameters", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    settings, machine = content["settings"], content["machine"]
    learn, look = settings["parts"]["test"]
    rcnn = f" (Mask R-CNN {settings['rcnn_time_limit']:g} s)" if "mask_rcnn" in rows else ""
    what = (
        f"Cells of {title}: trained on slices {learn[0]}-{learn[-1]} for "
        f"{settings['time_limit']:g} s{rcnn}, tested on {look[0]}-{look[-1]}; "
        f"{machine['cores']} cores of {machine['processor']}"
    )
    save_figure(figure, what, path)

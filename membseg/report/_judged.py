"""Sections of a report that need the truth: scores, errors by place, merges and splits."""

from typing import Any

import numpy as np

from membseg.analysis import Analysis, CellEvent
from membseg.plotting._events import say_area
from membseg.report._content import Content
from membseg.report._figures import curves_figure, errors_figure, event_figure
from membseg.report._html import Markup, folded, join, paragraphs, section, table, tag
from membseg.report._sections import colour_keys
from membseg.report._words import SCORES, between, count, name_of, number, percent

#: Rows of long tables that are shown; the files have all.
_SHOWN = 20


def scores(content: Content, found: Analysis) -> Markup:
    """Show all scores, with their intervals."""
    by_name = {row["score"]: row for row in found.scores}
    main = [
        [join([name_of(name), tag("small", meaning)]), *_value(by_name[name])]
        for name, meaning in SCORES.items()
    ]
    rest = [[name_of(name), *_value(row)] for name, row in by_name.items() if name not in SCORES]
    heads = ["score", "value", f"{100 * found.level:g} % interval", "best"]
    parts: list[Markup] = [
        paragraphs(
            f"Over all pixels, or cells, of {count(len(found.images), 'image')} with labels. The "
            "interval says how far the value may move if other slices like these were taken: it "
            "comes from drawing these images anew. With few images it is a rough guide, and too "
            "narrow rather than too wide.",
        ),
        table(heads, main, "Scores"),
        folded("All other scores", table(heads, rest, "Other scores")),
    ]
    if found.curves["roc"]:
        parts += [tag("h3", "Other thresholds"), curves_figure(found)]
    parts += _training(found)
    return section("scores", "How good it is", *parts)


def _value(row: dict[str, Any]) -> list[str]:
    best = "high" if row["higher_is_better"] else "low"
    return [number(row["value"]), between(row["low"], row["high"]), best]


def _training(found: Analysis) -> list[Markup]:
    gap = found.gap
    if gap is None:
        return []
    rows = [
        [
            name_of(row["score"]), number(row["training"]), number(row["held_out"]),
            number(row["gap"]), between(row["low"], row["high"]),
        ]
        for row in gap.table
    ]  # fmt: skip
    heads = ["score", "training slices", "these slices", "gap", "interval of the gap"]
    about = (
        f"{count(gap.n_training, 'training slice')} against {gap.n_held_out} that were held out. "
        "The gap is how much worse the held-out slices are."
    )
    return [
        tag("h3", "Is it overfitted?"),
        paragraphs(gap.sentence),
        table(heads, rows, about),
    ]


def errors(content: Content, found: Analysis) -> Markup:
    """Show where wrong pixels are."""
    rows = {row["image"]: row for row in found.images}
    heads = ["image", "wrong", "membrane missed", "cell called membrane", "merges", "splits"]
    heads += [name_of(name) for name in ("iou", "v_rand_mask", "boundary_f1")]
    by_image = [
        [
            content.names[i],
            *(percent(rows[i][name]) for name in ("error", "missed", "invented")),
            *(str(rows[i][name]) for name in ("merges", "splits")),
            *(number(rows[i][name]) for name in ("iou", "v_rand_mask", "boundary_f1")),
        ]
        for i in found.worst
    ]
    regions = [
        [
            content.names[row["image"]],
            f"{row['row0']} to {row['row1']}",
            f"{row['column0']} to {row['column1']}",
            *(percent(row[name]) for name in ("error", "missed", "invented")),
        ]
        for row in found.regions[:_SHOWN]
    ]
    places = ["image", "rows", "columns", "wrong", "membrane missed", "cell called membrane"]
    return section(
        "errors", "Where it is wrong", errors_figure(found),
        table(heads, by_image, f"Images, the worst first (by {name_of(found.ranked_by)})"),
        folded(
            "The worst places",
            table(places, regions, "Squares of the images with most wrong pixels"),
        ),
        folded("The numbers of the figure", *_bins(found)),
    )  # fmt: skip


def _bins(found: Analysis) -> list[Markup]:
    titles = {
        "border": "By distance from the image's edge (px)",
        "thickness": "By thickness of the true membrane (px)",
        "brightness": "By brightness around (standard deviations of the image)",
        "z": "By image",
    }
    heads = ["from", "to", "pixels", "wrong", "membrane missed", "cell called membrane"]
    return [
        table(
            heads,
            [
                [
                    number(row["low"]), number(row["high"]), str(row["n_pixels"]),
                    *(percent(row[column]) for column in ("error", "missed", "invented")),
                ]
                for row in found.errors[name]
            ],
            title,
        )
        for name, title in titles.items()
        if found.errors[name]
    ]  # fmt: skip


def events(content: Content, found: Analysis, cells: list[np.ndarray] | None) -> Markup:
    """Show merges and splits."""
    title = "Merged and split cells"
    text = (
        f"{count(len(found.merges), 'place')} where cells that are apart run together, since a "
        f"wall is open, and {len(found.splits)} where a wall that is none divides a cell. These "
        "errors change the number of cells, however few pixels they take."
    )
    if not found.events:
        return section("events", title, paragraphs("No cell is merged or split."))
    heads = ["what", "image", "cells", f"area lost ({content.unit}\N{SUPERSCRIPT TWO})"]
    heads += ["where (row, column)"]
    rows = [_event(content, event) for event in found.events[:_SHOWN]]
    caption = f"The largest {count(len(rows), 'event')} of {len(found.events)}"
    shown = found.events[: content.max_events]
    cards = [event_figure(content, event, cells, _say_event(content, event)) for event in shown]
    legend = (
        f"The {count(len(shown), 'event')} in which most area is lost. The cells concerned stay "
        "bright. Membrane: "
    )
    words = {
        "true positive": "right",
        "false positive": "invented (divides cells)",
        "false negative": "missed (lets cells run together)",
    }
    return section(
        "events", title, paragraphs(text), tag("p", legend, *colour_keys(words)),
        tag("div", *cards, class_="cards"),
        folded("As a table", table(heads, rows, caption)),
    )  # fmt: skip


def _say_event(content: Content, event: CellEvent) -> str:
    n_parts = len(event.true_labels if event.kind == "merge" else event.predicted_labels)
    what = (
        f"{n_parts} cells run together" if event.kind == "merge" else f"a cell in {n_parts} parts"
    )
    lost = say_area(event.area, content.pixel_size)
    return f"{event.kind.capitalize()} in {content.names[event.image]}: {what}, {lost} lost"


def _event(content: Content, event: CellEvent) -> list[str]:
    parts = event.true_labels if event.kind == "merge" else event.predicted_labels
    where = "; ".join(f"{row:.0f}, {column:.0f}" for row, column in event.places[:3])
    more = len(event.places) - 3
    return [
        event.kind,
        content.names[event.image],
        f"{len(parts)} {'cells' if event.kind == 'merge' else 'parts'}",
        number(event.area * content.pixel**2, 4),
        where + (f" and {more} more" if more > 0 else ""),
    ]

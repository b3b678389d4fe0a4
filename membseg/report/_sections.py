"""Sections of a report that need no truth: what it is about, the images, quality, thickness."""

from collections import Counter

import numpy as np

from membseg.plotting._colours import AGREEMENT, MEMBRANE
from membseg.report._content import Content
from membseg.report._figures import (
    doubt_figure,
    history_figure,
    quality_figure,
    slice_figure,
    thickness_figure,
)
from membseg.report._html import Markup, bullets, folded, join, paragraphs, section, table, tag
from membseg.report._reasons import explain
from membseg.report._words import QUALITY, between, count, number, percent, sentence

#: Columns of the table that is seen at once.
_MAIN = (
    "v_rand_predicted", "iou_predicted", "membrane_fraction", "thickness_nm", "thickness",
    "n_cells", "open_ends", "gaps", "ridge_contrast", "neighbours", "confidence", "consistency",
)  # fmt: skip


def at_a_glance(content: Content) -> Markup:
    """Tell the most important numbers, and what to look at."""
    flagged = content.quality.outliers
    tiles = [_tile(str(len(content.images)), "images")]
    tiles.append(_tile(str(len(flagged)), "with something unusual", "warn" if flagged else "good"))
    widths = np.concatenate([one.widths for one in content.thickness])
    if widths.size:
        median = float(np.median(widths)) * content.pixel
        tiles.append(_tile(f"{number(median)} {content.unit}", "median membrane thickness"))
    cells = [row["n_cells"] * mask.size / 1e6 for row, mask in _rows_and_masks(content)]
    tiles.append(_tile(number(float(np.median(cells))), "cells an image, in the median"))
    found = content.analysis
    if found is not None:
        iou = next(row for row in found.scores if row["score"] == "iou")
        tiles.append(_tile(number(iou["value"]), f"IoU of membrane ({_interval(iou)})"))
        tiles.append(_tile(number(found["v_rand_mask"]), "V_Rand of the cells"))
        tiles.append(_tile(str(len(found.merges)), "merges: cells that run together"))
        tiles.append(_tile(str(len(found.splits)), "splits: cells with a false wall"))
    parts = [tag("div", *tiles, class_="tiles"), paragraphs(*content.notes.split("\n"))]
    if found is not None and found.gap is not None:
        parts.append(paragraphs(found.gap.sentence))
    return section("glance", "At a glance", *parts, *_what_to_look_at(content))


def _rows_and_masks(content: Content) -> list[tuple[dict[str, float], np.ndarray]]:
    return list(zip(content.quality.rows, content.masks, strict=True))


def _interval(row: dict[str, float]) -> str:
    text = between(row["low"], row["high"])
    return "one image, no interval" if text == "\N{EN DASH}" else text


def _tile(value: str, what: str, look: str = "") -> Markup:
    return tag("div", tag("b", value, class_=look), tag("span", what), class_="tile")


def _what_to_look_at(content: Content) -> list[Markup]:
    by_number = {row["image"]: row["flags"] for row in content.quality}
    flagged = content.quality.outliers
    if not flagged:
        return [paragraphs("No image stands out: none of the measures below is far from usual.")]
    reasons = {i: [explain(flag)[0] for flag in by_number[i]] for i in flagged}
    shared = _shared(reasons, len(by_number))
    parts = [tag("h3", "Look at these first")]
    if shared:
        told = "; ".join(f"{text} ({n} of {len(by_number)} images)" for text, n in shared.items())
        parts.append(paragraphs(f"What most images have in common: {told}. Besides:"))
    own = {i: [text for text in texts if text not in shared] for i, texts in reasons.items()}
    items = [
        join([_link(content, i), ": ", sentence("; ".join(own[i]) or "only what most share")])
        for i in sorted(flagged, key=lambda i: -len(own[i]))
    ]
    return [*parts, bullets(items)]


def _shared(reasons: dict[int, list[str]], n_images: int) -> dict[str, int]:
    """Count the reasons that most images share: not one image is odd then, but all of them."""
    counts = Counter(text for texts in reasons.values() for text in texts)
    return {text: n for text, n in counts.items() if n > n_images / 2 and n_images > 2}


def _link(content: Content, i: int) -> str:
    """Give an image's name, as a link where the image is shown."""
    if i not in content.order[: content.max_images]:
        return content.names[i]
    return tag("a", content.names[i], href=f"#image-{i}")


def pictures(content: Content) -> Markup:
    """Show the images, those to look at first in front."""
    flags = {row["image"]: row["flags"] for row in content.quality}
    shown = content.order[: content.max_images]
    cards = [
        tag("div", slice_figure(content, i, _caption(content, i, flags[i])), id=f"image-{i}")
        for i in shown
    ]
    if content.truth is None:
        text = "Those with something unusual come first."
        legend = [_colour_key("called membrane", MEMBRANE)]
    else:
        text = "The worst come first."
        words = {"true positive": "right", "false positive": "invented", "false negative": "missed"}
        legend = colour_keys(words)
    left_out = len(content.images) - len(shown)
    more = f" {count(left_out, 'more is', 'more are')} in the tables only." if left_out else ""
    parts = [tag("p", text + more, " Membrane: ", *legend)]
    return section("images", "The images", *parts, tag("div", *cards, class_="cards"))


def colour_keys(words: dict[str, str]) -> list[Markup]:
    """Say what the colours of agreement mean."""
    return [_colour_key(name, AGREEMENT[kind]) for kind, name in words.items()]


def _colour_key(name: str, colour: str) -> Markup:
    patch = tag("span", class_="key", style=f"background:{colour}")
    return join([tag("span", patch, name, class_="whole"), " "])


def _caption(content: Content, i: int, flags: list[str]) -> Markup:
    row = content.quality[i]
    facts = [f"membrane {percent(row['membrane_fraction'])}"]
    if row["thickness"] == row["thickness"]:
        facts.append(f"{number(row['thickness'] * content.pixel)} {content.unit} thick")
    if content.analysis is not None:
        judged = {found["image"]: found for found in content.analysis.images}
        if i in judged:
            facts.append(f"IoU {number(judged[i]['iou'])}")
            facts.append(count(judged[i]["merges"], "merge"))
            facts.append(count(judged[i]["splits"], "split"))
    text = join([tag("b", content.names[i]), f": {', '.join(facts)}"])
    if not flags:
        return text
    return join([text, tag("div", bullets(_reason(flag) for flag in flags), class_="reasons")])


def _reason(flag: str) -> Markup:
    plain, numbers = explain(flag)
    return join([tag("span", sentence(plain), class_="warn"), " ", numbers])


def quality(content: Content) -> Markup:
    """Show the table of what can be told without the truth."""
    columns = [name for name in _MAIN if name in content.quality.columns]
    if "thickness_nm" in columns:
        columns.remove("thickness")
    flagged = set(content.quality.outliers)
    order = content.quality.outliers + [i for i in range(len(content.names)) if i not in flagged]
    rows = [
        [
            content.names[i],
            *(_cell(name, content.quality[i][name]) for name in columns),
            _reasons(len(content.quality[i]["flags"])),
        ]
        for i in order
    ]
    heads = ["image", *(QUALITY[name][0] for name in columns), "flags"]
    meanings = bullets(
        join([tag("b", QUALITY[name][0]), f": {QUALITY[name][1]}"]) for name in columns
    )
    usual = "What is usual is learnt from labelled slices." if content.quality.skill else (
        "What is usual is taken from the other images of this page: an image is flagged where it "
        "differs from them, not because a limit says so. Where most images are bad, none is."
    )  # fmt: skip
    skill = [
        f"{QUALITY[f'{name}_predicted'][0]}: {text}."
        for name, text in content.quality.skill.items()
    ]
    # A reference may say nothing of what is usual.
    compared = any(name.endswith("_z") for name in content.quality.columns)
    figures = [quality_figure(content)] if compared else []
    return section(
        "quality",
        "Quality without the truth",
        paragraphs(
            "What can be told from the images and the masks alone, without a person's labels. "
            "Good numbers here are no proof of good masks; bad ones are a reason to look.",
            usual,
            *skill,
        ),
        table(heads, rows, "Images, those with most flags first"),
        folded("What the columns mean", meanings),
        *figures,
    )


def _cell(name: str, value: float) -> str:
    return percent(value) if name == "membrane_fraction" else number(value)


def _reasons(n: int) -> str:
    return "\N{EN DASH}" if n == 0 else count(n, "reason")


def thickness(content: Content) -> Markup:
    """Show how thick membranes are."""
    if not any(one.widths.size for one in content.thickness):
        return section("thickness", "Thickness", paragraphs("There is no membrane to measure."))
    unit = content.unit
    rows = [
        [row["name"], *(number(row[f"{name}_{unit}"]) for name in ("low", "median", "high"))]
        for row in content.thickness_rows()
    ]
    heads = [
        "image",
        f"a tenth is below ({unit})",
        f"median ({unit})",
        f"a tenth is above ({unit})",
    ]
    text = (
        "Thickness is measured across the membranes at every pixel of their middle lines."
        if content.pixel_size is not None
        else "Thickness is measured across the membranes at every pixel of their middle lines. It "
        "is in pixels, since the report was made without the size of a pixel."
    )
    return section(
        "thickness", "Thickness of the membranes", paragraphs(text), thickness_figure(content),
        folded("Image by image", table(heads, rows, "Thickness by image")),
    )  # fmt: skip


def doubt(content: Content) -> Markup:
    """Show where the segmenter is not sure."""
    number_ = content.order[0]
    text = (
        "The segmenter gives each pixel a probability. Where it is near the middle, it could not "
        "decide: these places are worth a look first."
    )
    return section(
        "doubt", "Where it is not sure", paragraphs(text), doubt_figure(content, number_)
    )


def model(content: Content) -> Markup:
    """Tell what predicted all this."""
    known = table(["what", "which"], list(content.model.items()), "The segmenter")
    told = table(["parameter", "value"], list(content.parameters.items()), "All it was told")
    parts = [_worded(known)]
    if getattr(content.segmenter, "history_", None):
        parts += [tag("h3", "How it learnt"), history_figure(content)]
    if content.parameters:
        parts.append(folded("Its parameters", _worded(told)))
    return section("model", "The segmenter", *parts)


def _worded(text: Markup) -> Markup:
    return Markup(text.replace("<table>", '<table class="words">', 1))

"""The report's figures, as pieces of HTML that hold the whole picture."""

import io
from base64 import b64encode
from dataclasses import replace
from typing import Any

import numpy as np

from membseg.analysis import Analysis, CellEvent
from membseg.plotting import (
    ConfidenceMapDisplay,
    CurvesDisplay,
    ErrorsDisplay,
    HistoryDisplay,
    MergeSplitDisplay,
    QualityDisplay,
    ThicknessDisplay,
)
from membseg.plotting._colours import paint_agreement, paint_overlay
from membseg.plotting._look import WIDTH, make_figure, show_picture
from membseg.plotting._slices import grey_of
from membseg.report._content import Content
from membseg.report._html import Markup, tag
from membseg.utils import IGNORED, import_optional

#: Pictures are at least and at most so many pixels wide.
_NARROW, _WIDE = 480, 900
#: Dots per inch of the map of doubt.
_DPI = 140


def slice_figure(content: Content, number: int, caption: str) -> Markup:
    """Show one image with its membranes; in the colours of agreement where the truth is known."""
    grey, mask = grey_of(content.images.images[number]), content.masks[number]
    name = content.names[number]
    if content.truth is None:
        picture = paint_overlay(grey, mask)
        alt = f"{name} in grey with the predicted membranes in orange over it"
    else:
        picture = paint_agreement(grey, content.truth[number], mask)
        alt = (
            f"{name} with membranes that are right in blue, invented in yellow and missed in "
            "vermillion"
        )
    height, width = grey.shape
    figure = make_figure(WIDTH * height / width)
    figure.set_layout_engine("none")
    panel = figure.add_axes((0, 0, 1, 1), frame_on=False)
    show_picture(panel, picture, None, content.pixel_size)
    pixels = float(np.clip(width, _NARROW, _WIDE))
    return _boxed(_as_png(figure, pixels / WIDTH), alt, caption)


def doubt_figure(content: Content, number: int) -> Markup:
    """Show where the segmenter is in doubt."""
    probability = np.asarray(content.maps[number], dtype=np.float64)
    inside = np.clip(probability, 1e-7, 1 - 1e-7)
    doubt = -(inside * np.log2(inside) + (1 - inside) * np.log2(1 - inside))
    image = np.asarray(content.images.images[number])
    threshold = float(getattr(content.segmenter, "threshold_", 0.5))
    name = content.names[number]
    display = ConfidenceMapDisplay(image, probability, doubt, threshold=threshold, name=name)
    alt = f"Map of doubt over {name}: bright where the segmenter is not sure"
    return _boxed(
        _as_png(display.plot().figure_, _DPI),
        alt,
        f"{name}: bright places are those where the segmenter is not sure (1 bit is a toss of a "
        "coin). Thin black lines are the borders of what it calls membrane.",
        "half",
    )


def quality_figure(content: Content) -> Markup:
    """Show how far each image is from what is usual."""
    display = QualityDisplay(content.quality).plot(reasons=False)
    flagged = len(content.quality.outliers)
    return _boxed(
        _as_svg(display.figure_),
        f"Strip of measures by image, coloured by their distance from the usual; {flagged} of "
        f"{len(content.quality)} images are flagged",
        "Each row is a measure, each column an image. White is usual, blue is low, red is high; "
        "triangles mark what is far off on a side that is a bad sign.",
        "half",
    )


def thickness_figure(content: Content) -> Markup:
    """Show the distribution of the membranes' thickness."""
    display = ThicknessDisplay(content.thickness, reference=content.true_thickness)
    display.plot(expected=content.expected)
    return _boxed(
        _as_svg(display.figure_),
        f"Distribution of the membrane thickness in {content.unit}",
        "How much of the membranes' length has which thickness, over all images.",
        "half",
    )


def curves_figure(found: Analysis) -> Markup:
    """Show ROC and precision-recall curves."""
    return _boxed(
        _as_svg(CurvesDisplay(found).plot().figure_),
        "Two curves over pixels: membrane found against cell called membrane, and precision "
        "against recall",
        "What other thresholds would give. Left: membrane that is found, against cell that is "
        "wrongly called membrane. Right: how much of what is called membrane is right, against "
        "how much is found. The dot is the threshold in use.",
        "half",
    )


def errors_figure(found: Analysis) -> Markup:
    """Show the errors by place."""
    return _boxed(
        _as_svg(ErrorsDisplay(found).plot().figure_),
        "Four panels: shares of wrong pixels by distance from the image's edge, by thickness of "
        "the true membrane, by brightness and by image",
        "Shares of wrong pixels by where they are. A line that rises to one side says which places "
        "to distrust.",
        "half",
    )


def event_figure(
    content: Content, event: CellEvent, cells: list[np.ndarray] | None, caption: str
) -> Markup:
    """Show one merge or split."""
    i = event.image
    truth = content.truth[i] if content.truth is not None else None
    display = MergeSplitDisplay(
        [np.asarray(content.images.images[i])],
        [truth],
        [content.masks[i] if cells is None else cells[i]],
        [replace(event, image=0)],
        membrane_label=1,
        ignore_label=IGNORED,
        pixel_size=content.pixel_size,
    )
    figure = make_figure(WIDTH)
    panel = figure.add_subplot()
    display.plot(ax=[panel])
    # Said beside the picture.
    panel.set_title("")
    panel.get_legend().remove()
    height, width = panel.images[0].get_array().shape[:2]
    figure.set_size_inches(WIDTH, WIDTH * height / width)
    return _boxed(_as_png(figure, _NARROW / WIDTH), f"Close-up of a {event.kind} of cells", caption)


def history_figure(content: Content) -> Markup:
    """Show how the network learnt."""
    display = HistoryDisplay.from_estimator(content.segmenter)
    return _boxed(
        _as_svg(display.figure_),
        "Training history: loss, validation scores and learning rate by epoch",
        "Loss by epoch (lower is better). Where the validation loss rises while that of training "
        "falls, the network learns its training slices by heart.",
        "half",
    )


def _boxed(source: str, alt: str, caption: str, kind: str = "slice") -> Markup:
    legend = caption if isinstance(caption, Markup) else Markup(tag("span", caption))
    return tag("figure", tag("img", src=source, alt=alt), tag("figcaption", legend), class_=kind)


def _as_png(figure: Any, dpi: float) -> str:
    return _embed("image/png", figure, format="png", dpi=dpi)


def _as_svg(figure: Any) -> str:
    # Without the date the same numbers give the same file.
    return _embed("image/svg+xml", figure, format="svg", metadata={"Date": None})


def _embed(kind: str, figure: Any, **options: Any) -> str:
    """Give a figure as an address that holds all of it, and forget the figure."""
    pyplot = import_optional("matplotlib.pyplot", extra="plot", purpose="A report")
    content = io.BytesIO()
    try:
        figure.savefig(content, **options)
    finally:
        pyplot.close(figure)
    return f"data:{kind};base64,{b64encode(content.getvalue()).decode('ascii')}"

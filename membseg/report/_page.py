"""The page itself."""

from importlib.resources import files
from string import Template
from urllib.parse import quote

import numpy as np

from membseg import __version__
from membseg.report._content import Content
from membseg.report._html import Markup, bullets, join, paragraphs, section, tag
from membseg.report._judged import errors, events, scores
from membseg.report._sections import at_a_glance, doubt, model, pictures, quality, thickness


def make_page(
    content: Content, others: dict[str, str], cells: list[np.ndarray] | None = None
) -> str:
    """Put the page together.

    Parameters
    ----------
    content : Content
        What it tells.
    others : dict of str to str
        Names of the files beside it, and what they hold.
    cells : list of ndarray of shape (height, width), int, or None, default=None
        Predicted cells, where the segmenter has some of its own.

    Returns
    -------
    str
        HTML that needs no other file and no network.
    """
    found = content.analysis
    parts = [at_a_glance(content), pictures(content)]
    if found is not None:
        parts += [scores(content, found), errors(content, found), events(content, found, cells)]
    parts += [quality(content), thickness(content), doubt(content), model(content)]
    parts.append(_about(content, others))
    room = files("membseg.report")
    return Template(room.joinpath("_page.html").read_text("utf-8")).substitute(
        version=join([__version__]),
        title=join([content.title]),
        style=room.joinpath("_style.css").read_text("utf-8").strip(),
        subtitle=join([_subtitle(content)]),
        nav=_navigation(content),
        body=join(parts),
    )


def _subtitle(content: Content) -> str:
    sizes = sorted(set(content.images.sizes))
    shown = ", ".join(f"{height} x {width}" for height, width in sizes[:3])
    if len(sizes) > 3:
        shown += " and other sizes"
    pixel = "" if content.pixel_size is None else f", a pixel is {content.pixel_size:g} nm wide"
    n = len(content.images)
    images = f"{n} image{'' if n == 1 else 's'} of {shown} px{pixel}"
    return f"{type(content.segmenter).__name__}. {images}. Written {content.created}."


def _navigation(content: Content) -> Markup:
    names = {"glance": "At a glance", "images": "Images"}
    if content.analysis is not None:
        names |= {"scores": "Scores", "errors": "Errors", "events": "Merges and splits"}
    names |= {
        "quality": "Quality", "thickness": "Thickness", "doubt": "Doubt", "model": "Segmenter",
        "about": "Files",
    }  # fmt: skip
    links = (tag("a", text, href=f"#{key}") for key, text in names.items())
    return tag("nav", bullets(links), aria_label="Sections")


def _about(content: Content, others: dict[str, str]) -> Markup:
    items = [join([tag("a", name, href=quote(name)), f": {what}"]) for name, what in others.items()]
    return section(
        "about", "The numbers as files",
        paragraphs("The page holds all its pictures and needs no network. Beside it lie:"),
        bullets(items),
        paragraphs(
            "A pixel is called membrane where its probability reaches the threshold. Cells are "
            "what membranes part: pixels that touch over an edge belong to the same cell, and "
            "fewer than 20 of them are none.",
        ),
    )  # fmt: skip

"""Pieces of HTML in which every text is escaped."""

from collections.abc import Iterable, Sequence
from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, *children: str, **attributes: str) -> Markup:
    """Give an element; children that are not :class:`Markup` are escaped.

    Parameters
    ----------
    name : str
        Name of the element.
    *children : str
        What it holds.
    **attributes : str
        Its attributes; an underscore at the end of a name is left out, as in ``class_``.

    Returns
    -------
    Markup
        The element.
    """
    listed = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
    )
    if not children and name in ("img", "meta", "link"):
        return Markup(f"<{name}{listed}>")
    return Markup(f"<{name}{listed}>{join(children)}</{name}>")


def join(parts: Iterable[str]) -> Markup:
    """Put pieces behind one another; those that are no HTML are escaped."""
    return Markup("".join(p if isinstance(p, Markup) else escape(p) for p in parts))


def paragraphs(*texts: str) -> Markup:
    """Give a paragraph a text."""
    return join(tag("p", text) for text in texts if text)


def bullets(items: Iterable[str]) -> Markup:
    """Give a list."""
    return tag("ul", *(tag("li", item) for item in items))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> Markup:
    """Give a table that scrolls by itself where the screen is narrow; first cells are heads."""
    head = tag("thead", tag("tr", *(tag("th", text, scope="col") for text in heads)))
    body = tag("tbody", *(_row(row) for row in rows))
    # A region that scrolls must be reached by the keyboard as well. What it is stays in sight.
    look = {"class_": "scroll", "tabindex": "0", "role": "region", "aria_label": caption}
    return join([tag("p", caption, class_="caption"), tag("div", tag("table", head, body), **look)])


def _row(cells: Sequence[str]) -> Markup:
    first, *rest = cells
    return tag("tr", tag("th", first, scope="row"), *(tag("td", text) for text in rest))


def section(key: str, title: str, *parts: str) -> Markup:
    """Give a section with a heading, that links can point to."""
    return tag("section", tag("h2", title), *parts, id=key)


def folded(title: str, *parts: str) -> Markup:
    """Give what is shown when its title is clicked."""
    return tag("details", tag("summary", title), *parts)

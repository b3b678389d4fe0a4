"""The parts of the page put together, so that it can load nothing else."""

import base64
import hashlib
import html
import json
import re
from importlib.resources import files
from typing import Any

#: Scripts in the order in which they run, as one.
_SCRIPTS = ("state.js", "marks.js", "viewer.js", "listing.js", "main.js")


def build_page(title: str, document: dict[str, Any]) -> str:
    """Fill the page's template.

    Parameters
    ----------
    title : str
        Title of the page.
    document : dict
        What the scripts show: plain values.

    Returns
    -------
    str
        HTML that needs nothing from elsewhere, and that a browser does not let load anything.
    """
    style = _read("sheet.css")
    body = "\n".join(_read(name) for name in _SCRIPTS)
    script = f'(() => {{\n"use strict";\n{body}\n}})();\n'
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; "
        f"script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "title": html.escape(title),
        "style": style,
        "script": script,
        "sheet": _script_safe(document),
    }
    # In one pass, so that a title cannot stand for another part.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _read("sheet.html"))


def _read(name: str) -> str:
    return (files("membseg.review") / "page" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _script_safe(document: dict[str, Any]) -> str:
    """JSON that cannot end the element it stands in, nor start another."""
    text = json.dumps(document, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

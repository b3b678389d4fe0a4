"""A review file read without trust: every field is checked before it is used."""

from datetime import datetime
from typing import Any

import numpy as np

from membseg.io._strict_json import parse_json
from membseg.review._review import VERDICTS

FORMAT, VERSION = "membseg review", 1

#: Fields of the file, of an image and of a place, in the order in which they are written.
FIELDS = ("format", "version", "sheet", "expert", "started", "saved", "images", "places")
IMAGE_FIELDS = (
    *("name", "fingerprint", "prediction", "height", "width"),
    *("verdict", "note", "time"),
)
PLACE_FIELDS = (
    *("image", "top", "left", "height", "width", "doubt", "reason"),
    *("verdict", "mended", "note", "time", "membrane", "cell"),
)

_HEX = frozenset("0123456789abcdef")


def parse_review(content: bytes) -> dict[str, Any]:
    """Read a review file's content.

    Parameters
    ----------
    content : bytes
        The file.

    Returns
    -------
    dict
        The document, with the pixels of each place as (n_pixels, 2) arrays in image coordinates.

    Raises
    ------
    ValueError
        If it is no review, or was changed so that it cannot be one; says where and what.
    """
    document = parse_json(content)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError("it is no review: its format is not 'membseg review'")
    if document.get("version") != VERSION:
        raise ValueError(
            f"its version is {document.get('version')!r}, and this membseg reads {VERSION}; a "
            "newer membseg may read it"
        )
    _check_fields(document, FIELDS, "the file")
    _check_hex(document["sheet"], 16, "sheet")
    _check_text(document["expert"], "expert")
    if not document["expert"].strip():
        raise ValueError("expert is empty")
    for name in ("started", "saved"):
        _check_time(document[name], name)
    images = _check_list(document["images"], "images")
    for i, image in enumerate(images):
        _check_image(image, f"images[{i}]")
    for i, place in enumerate(_check_list(document["places"], "places")):
        _check_place(place, f"places[{i}]", images)
    return document


def _check_image(image: Any, where: str) -> None:
    _check_fields(image, IMAGE_FIELDS, where)
    for name in ("fingerprint", "prediction"):
        _check_hex(image[name], 64, f"{where}.{name}")
    for name in ("height", "width"):
        _check_int(image[name], 1, None, f"{where}.{name}")
    _check_text(image["name"], f"{where}.name")
    _check_judgement(image, where)


def _check_place(place: Any, where: str, images: list[dict[str, Any]]) -> None:
    _check_fields(place, PLACE_FIELDS, where)
    _check_int(place["image"], 0, len(images) - 1, f"{where}.image")
    image = images[place["image"]]
    for first, length in (("top", "height"), ("left", "width")):
        _check_int(place[length], 1, image[length], f"{where}.{length}")
        _check_int(place[first], 0, image[length] - place[length], f"{where}.{first}")
    doubt = place["doubt"]
    if doubt is not None:
        if isinstance(doubt, bool) or not isinstance(doubt, int | float) or not 0 <= doubt <= 1:
            raise ValueError(f"{where}.doubt is {doubt!r}, and must be in [0, 1] or null")
        place["doubt"] = float(doubt)
    _check_text(place["reason"], f"{where}.reason")
    if not isinstance(place["mended"], bool):
        raise ValueError(f"{where}.mended must be true or false")
    _check_judgement(place, where)
    taken = np.zeros((place["height"], place["width"]), dtype=bool)
    for name in ("membrane", "cell"):
        place[name] = _read_runs(place[name], f"{where}.{name}", place, taken)


def _check_judgement(thing: dict[str, Any], where: str) -> None:
    if thing["verdict"] is not None and thing["verdict"] not in VERDICTS:
        raise ValueError(f"{where}.verdict must be 'good', 'doubtful', 'wrong' or null")
    _check_text(thing["note"], f"{where}.note")
    if thing["time"] is not None:
        _check_time(thing["time"], f"{where}.time")


def _read_runs(runs: Any, where: str, place: dict[str, Any], taken: np.ndarray) -> np.ndarray:
    """Turn runs, [row, first column, length], into pixels; none may be painted twice."""
    painted = np.zeros_like(taken)
    bottom = place["top"] + place["height"] - 1
    right = place["left"] + place["width"] - 1
    for i, run in enumerate(_check_list(runs, where)):
        which = f"{where}[{i}]"
        if not isinstance(run, list) or len(run) != 3:
            raise ValueError(f"{which} must be [row, column, length]")
        row, column, length = run
        _check_int(row, place["top"], bottom, f"{which}[0]")
        _check_int(column, place["left"], right, f"{which}[1]")
        _check_int(length, 1, right - column + 1, f"{which}[2]")
        first = column - place["left"]
        pixels = (row - place["top"], slice(first, first + length))
        if taken[pixels].any():
            raise ValueError(f"{which} paints a pixel that is painted already")
        taken[pixels] = painted[pixels] = True
    return np.argwhere(painted) + [place["top"], place["left"]]


def _check_fields(thing: Any, fields: tuple[str, ...], where: str) -> None:
    if not isinstance(thing, dict):
        raise ValueError(f"{where} must be an object with fields")
    missing = [name for name in fields if name not in thing]
    unknown = [name for name in thing if name not in fields]
    if missing or unknown:
        what = f"lacks {missing[0]!r}" if missing else f"has {unknown[0]!r}, which is not known"
        raise ValueError(f"{where} {what}")


def _check_list(thing: Any, where: str) -> list[Any]:
    if not isinstance(thing, list):
        raise ValueError(f"{where} must be a list")
    return thing


def _check_text(thing: Any, where: str) -> None:
    if not isinstance(thing, str):
        raise ValueError(f"{where} must be text")


def _check_hex(thing: Any, length: int, where: str) -> None:
    if not isinstance(thing, str) or len(thing) != length or not _HEX.issuperset(thing):
        raise ValueError(f"{where} must be {length} hexadecimal digits")


def _check_int(thing: Any, low: int, high: int | None, where: str) -> None:
    if isinstance(thing, bool) or not isinstance(thing, int):
        raise ValueError(f"{where} must be a whole number")
    if thing < low or (high is not None and thing > high):
        what = f"at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{where} is {thing}, and must be {what}")


def _check_time(thing: Any, where: str) -> None:
    _check_text(thing, where)
    try:
        datetime.fromisoformat(thing)
    except ValueError as error:
        raise ValueError(f"{where} must be a time in ISO 8601") from error

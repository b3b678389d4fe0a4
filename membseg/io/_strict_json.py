"""JSON as the standard has it, from files that nobody vouches for."""

import json
import math
import re
from typing import Any

#: Bytes of the largest document. Parsed, it takes up to 25 times as many.
LARGEST_JSON = 8 * 2**20

#: Lists and objects inside each other.
DEEPEST_JSON = 100

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


def dump_json(document: Any) -> bytes:
    """Write a document that :func:`parse_json` reads again.

    Parameters
    ----------
    document : object
        Of dicts, lists, str, int, finite float, bool and None.

    Returns
    -------
    bytes
        UTF-8.

    Raises
    ------
    ValueError
        If it holds anything else, or is too large or too deep; says what.
    """
    try:
        text = json.dumps(document, allow_nan=False, ensure_ascii=False, indent=1)
    except TypeError as error:
        raise ValueError(str(error)) from error
    except RecursionError as error:
        raise ValueError(_too_deep()) from error
    content = text.encode()  # a UnicodeEncodeError is a ValueError
    parse_json(content)
    return content


def parse_json(content: bytes) -> Any:
    """Read a document without trust: bounded in size and depth, no NaN, no key twice.

    Parameters
    ----------
    content : bytes
        The document in UTF-8.

    Returns
    -------
    object
        Dicts, lists, str, int, finite float, bool and None.

    Raises
    ------
    ValueError
        If it is no such document; says why.
    """
    if len(content) > LARGEST_JSON:
        raise ValueError(f"it has more than {LARGEST_JSON // 2**20} MB of JSON")
    # Before it is parsed, since a parser that calls itself may run out of stack.
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", content)):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEEPEST_JSON:
            raise ValueError(_too_deep())
    document = json.loads(
        content.decode("utf-8"),
        object_pairs_hook=_unique,
        parse_constant=_refuse_constant,
        parse_float=_finite,
    )
    # Half a surrogate pair is a str that can be parsed but not be written.
    json.dumps(document, ensure_ascii=False).encode()
    return document


def _too_deep() -> str:
    return f"its JSON is nested more than {DEEPEST_JSON} deep"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object of its JSON has a key twice")
    return found


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"its JSON holds {text}, which is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("its JSON holds a number that is too large")
    return number

"""Losses by name, and weighted sums of them."""

import math
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, NoReturn

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.losses._boundary import boundary_loss
from membseg.losses._cldice import cldice_loss
from membseg.losses._overlap import (
    dice_loss,
    focal_tversky_loss,
    jaccard_loss,
    lovasz_loss,
    tversky_loss,
)
from membseg.losses._pixelwise import (
    balanced_binary_crossentropy,
    binary_crossentropy,
    focal_loss,
)

FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "bce": binary_crossentropy,
    "balanced_bce": balanced_binary_crossentropy,
    "focal": focal_loss,
    "dice": dice_loss,
    "jaccard": jaccard_loss,
    "tversky": tversky_loss,
    "focal_tversky": focal_tversky_loss,
    "lovasz": lovasz_loss,
    "boundary": boundary_loss,
    "cldice": cldice_loss,
}

#: Those that look at a pixel's neighbours, and so need images as they are.
SPATIAL = ("boundary", "cldice")

#: The names that a loss may be made of.
LOSSES = tuple(FUNCTIONS)

#: Those that are defined for targets between 0 and 1 as well. The others ask of which class a
#: pixel is, and at a target of 1/2 their slope is zero.
SOFT_LOSSES = tuple(name for name in LOSSES if name not in ("balanced_bce", "focal", "lovasz"))


def parse_loss(loss: str) -> tuple[tuple[float, str], ...]:
    """Split a loss such as ``"bce+0.5*cldice"`` into its terms.

    Parameters
    ----------
    loss : str
        Names in :data:`LOSSES` joined by ``+``, each alone or as ``number*name``. Spaces do not
        matter.

    Returns
    -------
    tuple of (float, str)
        Weight and name of each term, in the order of the text.

    Raises
    ------
    InvalidInputError
        If the text is empty, a name is unknown, or a number is not positive and finite.
    InvalidTypeError
        If `loss` is no text.

    Examples
    --------
    >>> from membseg.losses import parse_loss
    >>> parse_loss("bce + 0.5*cldice")
    ((1.0, 'bce'), (0.5, 'cldice'))
    """
    if not isinstance(loss, str):
        raise InvalidTypeError(f"{_RULE}; got {loss!r}.")
    if not loss.strip():
        _refuse(loss, "which is empty")
    return tuple(_parse_term(term.strip(), loss) for term in loss.split("+"))


_RULE = (
    "loss must be names joined by '+', each alone or as number*name, such as 'bce+0.5*cldice', "
    f"out of {', '.join(LOSSES)}"
)


def _parse_term(term: str, loss: str) -> tuple[float, str]:
    number, star, name = (part.strip() for part in term.rpartition("*"))
    if not name:
        _refuse(loss, "with a name missing")
    if name not in FUNCTIONS:
        near = get_close_matches(name.lower(), LOSSES, n=1, cutoff=0.5)
        hint = f" The nearest name is {near[0]!r}." if near else ""
        _refuse(loss, f"with the unknown name {name!r}", hint)
    weight = _to_number(number) if star else 1.0
    if not 0 < weight < math.inf:
        _refuse(loss, f"whose number {number!r} is not positive and finite")
    return weight, name


def _to_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _refuse(loss: str, reason: str, hint: str = "") -> NoReturn:
    raise InvalidInputError(f"{_RULE}; got {loss!r}, {reason}.{hint}")

"""Losses by name: what is read, and what is refused with which sentence."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.losses import LOSSES, PixelLoss, parse_loss

TERMS = st.tuples(st.floats(1e-3, 1e3), st.sampled_from(LOSSES))


@given(st.lists(TERMS, min_size=1, max_size=4))
def test_what_is_written_is_read(terms):
    text = "+".join(f"{weight!r}*{name}" for weight, name in terms)
    assert parse_loss(text) == tuple(terms)
    assert parse_loss(text.replace("+", " + ").replace("*", " * ")) == tuple(terms)


@pytest.mark.parametrize("name", LOSSES)
def test_a_name_alone_weighs_one(name):
    assert parse_loss(name) == ((1.0, name),)


REFUSED = {
    "bce+dise": "got 'bce+dise', with the unknown name 'dise'. The nearest name is 'dice'.",
    "BCE": "with the unknown name 'BCE'. The nearest name is 'bce'.",
    "clDice": "with the unknown name 'clDice'. The nearest name is 'cldice'.",
    "lovasz_hinge": "The nearest name is 'lovasz'.",
    "0.5": "with the unknown name '0.5'.",
    "": "got '', which is empty.",
    "  ": "got '  ', which is empty.",
    "bce+": "got 'bce+', with a name missing.",
    "0.5*": "with a name missing.",
    "0*dice": "whose number '0' is not positive and finite.",
    "bce+-1*dice": "whose number '-1' is not positive and finite.",
    "inf*dice": "whose number 'inf' is not positive and finite.",
    "nan*dice": "whose number 'nan' is not positive and finite.",
    "half*dice": "whose number 'half' is not positive and finite.",
    "2*3*dice": "whose number '2*3' is not positive and finite.",
    "*dice": "whose number '' is not positive and finite.",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_read_is_refused(text):
    with pytest.raises(InvalidInputError, match=re.escape(REFUSED[text])) as caught:
        parse_loss(text)
    message = str(caught.value)
    assert message.startswith("loss must be names joined by '+', each alone or as number*name")
    assert ", ".join(LOSSES) in message
    with pytest.raises(InvalidInputError, match=re.escape(REFUSED[text])):
        PixelLoss(text)


def test_unlike_any_name_there_is_no_hint():
    with pytest.raises(InvalidInputError, match=r"with the unknown name 'xyz'\.$"):
        parse_loss("xyz")


@pytest.mark.parametrize("loss", [None, 3, ["bce"], math.nan])
def test_other_things_than_text_are_refused(loss):
    with pytest.raises(InvalidTypeError, match=re.escape(f"; got {loss!r}.")):
        parse_loss(loss)


@pytest.mark.parametrize("text", ["bce+dice", "0.3*focal+tversky", " 2 * boundary "])
def test_names_can_be_those_of_a_scope(text):
    assert re.fullmatch(r"[A-Za-z0-9.][A-Za-z0-9_.]*", PixelLoss(text).name)

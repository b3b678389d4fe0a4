"""Probabilities of two classes, and what is taken for them by mistake."""

import numpy as np
import pytest

from membseg.exceptions import InvalidInputError
from membseg.utils._maps import take_membrane


def test_membrane_is_the_second_of_two():
    membrane = np.random.default_rng(0).random((3, 4, 5), dtype=np.float32)
    proba = np.stack([1 - membrane, membrane], axis=1)
    np.testing.assert_array_equal(take_membrane(proba), membrane)
    listed = take_membrane([proba[0], proba[1, :, :2]])
    np.testing.assert_array_equal(listed[1], membrane[1, :2])


def test_what_is_no_probability():
    logits = np.random.default_rng(0).normal(size=(3, 2, 4, 5))
    for wrong in (logits, np.full((3, 2, 4, 5), 0.7), [np.full((2, 4, 5), np.nan)]):
        with pytest.raises(
            InvalidInputError, match=r"must give probabilities: in \[0, 1\], and on"
        ):
            take_membrane(wrong)
    with pytest.raises(InvalidInputError, match=r"two classes, .* gave shape \(3, 4, 5\)"):
        take_membrane(np.zeros((3, 4, 5)))
    with pytest.raises(InvalidInputError, match=r"two classes, .* gave shape \(20, 2\)"):
        take_membrane(np.full((20, 2), 0.5))

"""Kappas against scikit-learn's, and against the example of the paper that defined Fleiss'."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.review import Review, ReviewedImage, ReviewedPlace, expert_agreement, fleiss_kappa

#: Thirty patients, each put by six psychiatrists into depression, personality disorder,
#: schizophrenia, neurosis or other (Fleiss 1971, table 1).
FLEISS_1971 = [
    [0, 0, 0, 6, 0], [0, 3, 0, 0, 3], [0, 1, 4, 0, 1], [0, 0, 0, 0, 6], [0, 3, 0, 3, 0],
    [2, 0, 4, 0, 0], [0, 0, 4, 0, 2], [2, 0, 3, 1, 0], [2, 0, 0, 4, 0], [0, 0, 0, 0, 6],
    [1, 0, 0, 5, 0], [1, 1, 0, 4, 0], [0, 3, 3, 0, 0], [1, 0, 0, 5, 0], [0, 2, 0, 3, 1],
    [0, 0, 5, 0, 1], [3, 0, 0, 1, 2], [5, 1, 0, 0, 0], [0, 2, 0, 4, 0], [1, 0, 2, 0, 3],
    [0, 0, 0, 0, 6], [0, 1, 0, 5, 0], [0, 2, 0, 1, 3], [2, 0, 0, 4, 0], [1, 0, 0, 4, 1],
    [0, 5, 0, 1, 0], [4, 0, 0, 0, 2], [0, 2, 0, 4, 0], [1, 0, 5, 0, 0], [0, 0, 0, 0, 6],
]  # fmt: skip
WORDS = ("good", "doubtful", "wrong")


def review(expert, verdicts):
    """A review of as many places, and images, as there are verdicts (or None)."""
    nothing = np.zeros((0, 2), int)
    said = [None if v is None else WORDS[v] for v in verdicts]
    places = [
        ReviewedPlace(0, i, 0, 8, 8, None, "", v, False, "", None, nothing, nothing)
        for i, v in enumerate(said)
    ]
    images = [ReviewedImage(i, "", v, "", None) for i, v in enumerate(said)]
    return Review(expert, "0" * 16, "", "", tuple(images), tuple(places), {})


def test_fleiss_own_example():
    table = np.array(FLEISS_1971)
    # The shares and the kappa that the paper gives.
    assert (table.sum(axis=0) / 180).round(3).tolist() == [0.144, 0.144, 0.167, 0.306, 0.239]
    assert fleiss_kappa(table) == pytest.approx(0.430, abs=5e-4)


@given(
    st.integers(2, 5).flatmap(
        lambda n: st.lists(
            st.lists(st.integers(0, 2), min_size=n, max_size=n), min_size=1, max_size=8
        )
    )
)
def test_fleiss_counts_pairs(rows):
    """By definition: chance of two experts of an item, and of any two verdicts, to be the same."""
    counts = np.array([[row.count(k) for k in range(3)] for row in rows])
    same = np.mean([np.mean([a == b for a, b in itertools.combinations(r, 2)]) for r in rows])
    flat = list(itertools.chain(*rows))
    chance = np.mean([a == b for a in flat for b in flat])
    found = fleiss_kappa(counts)
    if chance == 1:
        assert np.isnan(found)
    else:
        assert found == pytest.approx((same - chance) / (1 - chance))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=12))
def test_two_experts_are_as_scikit_learn_has_it(pairs):
    first, second = zip(*pairs, strict=True)
    found = expert_agreement([review("Ada", first), review("Ben", second)])
    assert found.method == "cohen"
    assert found.observed == pytest.approx(np.mean([a == b for a, b in pairs]))
    if len({*first, *second}) == 1:
        assert np.isnan(found.kappa)
    else:
        assert found.kappa == pytest.approx(cohen_kappa_score(first, second))


def test_three_experts():
    said = [[0, 1, 2, 2, 0], [0, 1, 2, 0, 0], [0, 2, 2, 0, None]]
    reviews = [review(name, v) for name, v in zip(("Ada", "Ben", "Cem"), said, strict=True)]
    found = expert_agreement(reviews)
    assert found.method == "fleiss"
    assert found.experts == ("Ada", "Ben", "Cem")
    assert found.items == tuple((0, i, 0, 8, 8) for i in range(4))
    assert found.verdicts.tolist() == [[0, 0, 0], [1, 1, 2], [2, 2, 2], [2, 0, 0]]
    assert found.n_left_out == 1
    assert found.kappa == fleiss_kappa([[3, 0, 0], [0, 2, 1], [0, 0, 3], [2, 0, 1]])
    assert found.observed == pytest.approx((1 + 1 / 3 + 1 + 1 / 3) / 4)
    assert found.pairs[0, 1] == cohen_kappa_score(said[0][:4], said[1][:4])
    np.testing.assert_array_equal(found.pairs, found.pairs.T)
    assert found.disputed == [(0, 3, 0, 8, 8), (0, 1, 0, 8, 8)]
    assert str(found) == (
        "Ada, Ben, Cem: 67 % of verdicts agree on 4 items that all judged (1 left out), "
        f"Fleiss's kappa {found.kappa:.2f}"
    )


def test_verdicts_on_images():
    reviews = [review("Ada", [0, 0, None, 2]), review("Ben", [0, 1, 2, 2])]
    found = expert_agreement(reviews, of="images")
    assert found.items == ((0,), (1,), (3,))
    assert found.kappa == cohen_kappa_score([0, 0, 2], [0, 1, 2])


@pytest.mark.parametrize(
    ("reviews", "of", "error", "text"),
    [
        (3, "places", InvalidTypeError, "reviews must be a list of Review, as load_reviews gives"),
        ([3], "places", InvalidTypeError, "gives it; got ['int']."),
        ([review("Ada", [0])], "places", InvalidInputError, "two experts or more; got 1."),
        (
            [review("Ada", [0]), review("Ada", [0])],
            "places",
            InvalidInputError,
            "reviews must be of different experts; got 'Ada' twice.",
        ),
        (
            [review("Ada", [0]), review("Ben", [None])],
            "places",
            InvalidInputError,
            "reviews must share places that all experts judged; got none.",
        ),
        ([], "cells", InvalidInputError, "of must be 'places' or 'images'; got 'cells'."),
    ],
)
def test_what_cannot_be_compared(reviews, of, error, text):
    with pytest.raises(error, match=re.escape(text)):
        expert_agreement(reviews, of=of)


@pytest.mark.parametrize(
    ("counts", "error", "text"),
    [
        ([["a"]], InvalidTypeError, "counts must hold whole numbers; got dtype"),
        ([1, 2], InvalidInputError, "counts must have shape (n_items, n_categories) and items"),
        ([[0.5, 1.5]], InvalidInputError, "counts must hold whole numbers of at least 0."),
        ([[-1, 3]], InvalidInputError, "counts must hold whole numbers of at least 0."),
        ([[1, 0]], InvalidInputError, "two or more, for every item; got from 1 to 1."),
        ([[2, 1], [2, 0]], InvalidInputError, "for every item; got from 2 to 3."),
    ],
)
def test_bad_counts(counts, error, text):
    with pytest.raises(error, match=re.escape(text)):
        fleiss_kappa(counts)

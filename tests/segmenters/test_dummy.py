"""The segmenter that does not look: one probability everywhere, which is the share of membrane."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg import DummySegmenter
from membseg.exceptions import DataWarning, InvalidInputError
from membseg.testing import check_segmenter


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 999), st.sampled_from(["none", "images", "pixels"]))
def test_the_prior_is_the_weighted_share_of_membrane(seed, kind):
    rng = np.random.default_rng(seed)
    y = (rng.random((3, 9, 11)) < 0.2).astype(np.uint8)
    y[:, 0, :2] = 0, 1
    shape = {"none": (1, 1, 1), "images": (3, 1, 1), "pixels": y.shape}[kind]
    weights = rng.random(shape) + 0.1
    expected = (weights * y).sum() / np.broadcast_to(weights, y.shape).sum()
    given_weights = {"none": None, "images": weights.ravel(), "pixels": weights}[kind]
    segmenter = DummySegmenter().fit(rng.normal(size=y.shape), y, sample_weight=given_weights)
    assert segmenter.prior_ == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(
        segmenter.predict_membrane(rng.normal(size=(2, 5, 6))), expected, rtol=1e-5
    )


@pytest.mark.parametrize(("strategy", "value"), [("prior", 0), ("cell", 0), ("membrane", 1)])
def test_the_same_everywhere(slices, strategy, value):
    X, y = slices
    segmenter = DummySegmenter(strategy=strategy).fit(X, y)
    assert (segmenter.predict(X) == value).all()
    assert segmenter.prior_ == pytest.approx(y.mean())
    assert segmenter.score(X, y) == pytest.approx(y.mean() if value else 0.0)
    proba = segmenter.predict_proba(X)
    if strategy != "prior":
        assert (proba[:, value] > 1 - 1e-6).all()
        assert (proba[:, 1 - value] > 0).all()


def test_half_is_membrane():
    y = np.zeros((2, 4, 4), bool)
    y[:, :2] = True
    assert DummySegmenter().fit(np.zeros(y.shape), y).predict(np.zeros((1, 3, 3))).all()


def test_ignored_and_weightless_pixels_do_not_count():
    y = np.zeros((2, 6, 6), dtype=np.int8)
    y[0, 0] = 1  # 6 of 36 in the first image
    y[1, :3] = 1  # half of the second
    X = np.zeros(y.shape)
    assert DummySegmenter().fit(X, y, sample_weight=[1, 0]).prior_ == pytest.approx(1 / 6)
    y[1] = -1
    assert DummySegmenter().fit(X, y).prior_ == pytest.approx(1 / 6)


def test_pixels_are_not_even_read():
    class Stack:
        shape, ndim, dtype = (2, 10, 12), 3, np.dtype(np.uint8)

        def __getitem__(self, key):
            raise AssertionError("a pixel was read")

    y = np.eye(12, dtype=int)[np.newaxis, :10].repeat(2, axis=0)
    segmenter = DummySegmenter().fit(Stack(), y)
    assert segmenter.decision_function(Stack()).shape == (2, 10, 12)


@pytest.mark.parametrize("strategy", ["prior", "cell", "membrane"])
def test_one_class_is_refused_whatever_the_strategy(strategy):
    X = np.zeros((2, 8, 8))
    message = "y must hold two classes, cell and membrane; every labelled pixel is 1."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        DummySegmenter(strategy=strategy).fit(X, np.ones(X.shape, int))


def test_weights_that_leave_one_class_are_refused():
    y = np.zeros((2, 8, 8), int)
    y[1, 0] = 1
    message = (
        "sample_weight must be positive at some cell pixel and at some membrane pixel; it leaves "
        "one of the two classes only. Give weights to images that show both."
    )
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        DummySegmenter().fit(np.zeros(y.shape), y, sample_weight=[1, 0])


def test_swapped_masks_are_suspected():
    y = np.ones((1, 8, 8), int)
    y[0, 0] = 0
    with pytest.warns(DataWarning, match="cell and membrane are likely swapped"):
        DummySegmenter().fit(np.zeros(y.shape), y)


@pytest.mark.parametrize(
    ("name", "value"), [("strategy", "random"), ("membrane_label", "x"), ("ignore_label", "x")]
)
def test_bad_parameters(slices, name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of DummySegmenter"):
        DummySegmenter(**{name: value}).fit(*slices)


@pytest.mark.parametrize("strategy", ["prior", "cell", "membrane"])
def test_it_keeps_the_contract(strategy):
    check_segmenter(DummySegmenter(strategy=strategy))

"""Contributions add up to what they explain."""

from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg import input_gradients, integrated_gradients
from membseg.exceptions import InvalidInputError, MembsegWarning
from membseg.inspection._subject import open_subject


@pytest.mark.slow
@settings(max_examples=3, deadline=None)
@given(
    place=st.tuples(st.integers(0, 47), st.integers(0, 39)),
    baseline=st.sampled_from(["mean", 0.0, 1.5]),
)
def test_they_are_complete(ring, stack, place, baseline):
    X = stack[0][:1]
    # Many steps: the network has kinks, and differs from backend to backend.
    found = integrated_gradients(ring, X, region=place, baseline=baseline, n_steps=256)
    subject = open_subject(ring, X, place)
    pixels = subject.frames[0].pixels
    blank = np.full_like(pixels, pixels.mean() if baseline == "mean" else baseline)
    ends = [subject.differentiate(0, one)[0] for one in (blank, pixels)]
    assert float(found.sum()) == pytest.approx(ends[1] - ends[0], abs=0.02, rel=0.02)


def test_of_a_linear_network_they_are_gradient_times_difference(linear, stack):
    X = stack[0]
    found = integrated_gradients(linear, X, region=(20, 11), n_steps=1)
    normal = (X - X.mean(axis=(1, 2), keepdims=True)) / X.std(axis=(1, 2), keepdims=True)
    gradient = input_gradients(linear, X, region=(20, 11))
    np.testing.assert_allclose(found, normal * gradient, atol=1e-5)


def test_blank_images(linear_of_two, stack):
    X = np.stack([stack[0], 255 - stack[0]], axis=-1)[:1]
    exact = {"region": (20, 11), "n_steps": 1}
    gradient = input_gradients(linear_of_two, X, region=(20, 11))
    means = X.mean(axis=(1, 2), keepdims=True)
    found = integrated_gradients(linear_of_two, X, **exact)
    np.testing.assert_allclose(found, (X - means) * gradient, rtol=1e-4, atol=1e-4)
    found = integrated_gradients(linear_of_two, X, **exact, baseline=100)
    np.testing.assert_allclose(found, (X - 100.0) * gradient, rtol=1e-4, atol=1e-4)
    blurred = integrated_gradients(linear_of_two, X, **exact, baseline="blur")
    assert 0 < np.abs(blurred).sum() < np.abs(found).sum()


def test_too_few_steps_are_told(ring, stack, monkeypatch):
    module = import_module("membseg.inspection._integrated_gradients")
    monkeypatch.setattr(module, "_SHARE", 0.0)
    monkeypatch.setattr(module, "_LOGITS", 0.0)
    # The network bends where a pixel becomes brighter than zero.
    with pytest.warns(MembsegWarning, match=r"add up to .* 1 steps are too few\. Raise n_steps"):
        integrated_gradients(ring, stack[0][:1], region=(20, 20), baseline=-3.0, n_steps=1)


@pytest.mark.parametrize("baseline", ["black", None, np.nan, True])
def test_other_blank_images_are_refused(net, stack, baseline):
    with pytest.raises(InvalidInputError, match="baseline must be 'mean', 'blur' or a finite"):
        integrated_gradients(net, stack[0], baseline=baseline)


def test_no_steps(net, stack):
    with pytest.raises(InvalidInputError, match="n_steps must be an int of 1 or more; got 0"):
        integrated_gradients(net, stack[0], n_steps=0)

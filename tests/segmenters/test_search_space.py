"""Ranges of parameters for the libraries that search them."""

import re

import numpy as np
import pytest
from sklearn.model_selection import ParameterSampler

from membseg import UNetSegmenter

SIZES = ("small", "full")


@pytest.mark.parametrize("size", SIZES)
def test_each_sample_is_a_legal_configuration(size):
    space = UNetSegmenter.search_space(size, library="sklearn")
    for params in ParameterSampler(space, 50, random_state=0):
        UNetSegmenter(**params)._validate_params()


@pytest.mark.parametrize("size", SIZES)
def test_all_libraries_get_the_same_ranges(size):
    pytest.importorskip("skopt", reason="needs scikit-optimize, of the extra 'search'")
    pytest.importorskip("optuna", reason="needs Optuna, of the extra 'search'")
    skopt, optuna, sklearn = (
        UNetSegmenter.search_space(size, library) for library in ("skopt", "optuna", "sklearn")
    )
    assert list(skopt) == list(optuna) == list(sklearn)
    for name, dimension in skopt.items():
        if isinstance(sklearn[name], list):
            assert list(dimension.categories) == list(optuna[name].choices) == sklearn[name]
        else:
            ends = np.array(sklearn[name].support(), dtype=float)
            np.testing.assert_allclose([dimension.low, dimension.high], ends)
            np.testing.assert_allclose([optuna[name].low, optuna[name].high], ends)
            assert (dimension.prior == "log-uniform") == optuna[name].log


def test_samples_of_skopt_are_legal():
    pytest.importorskip("skopt", reason="needs scikit-optimize, of the extra 'search'")
    space = UNetSegmenter.search_space("full")
    for name, dimension in space.items():
        for value in dimension.rvs(20, random_state=0):
            UNetSegmenter(**{name: value})._validate_params()


def test_names_inside_a_pipeline():
    space = UNetSegmenter.search_space(library="sklearn", prefix="segment__")
    assert all(name.startswith("segment__") for name in space)


def test_small_keeps_the_weights_that_come_with_the_package():
    of_network = {"depth", "base_filters", "stem_stride", "zoom", "norm_layer", "dropout"}
    assert not of_network & set(UNetSegmenter.search_space("small", library="sklearn"))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"size": "huge"}, "size must be one of ['full', 'small']; got 'huge'."),
        (
            {"library": "keras_tuner"},
            "library must be one of ['optuna', 'sklearn', 'skopt']; got 'keras_tuner'.",
        ),
    ],
)
def test_bad_arguments(arguments, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        UNetSegmenter.search_space(**arguments)

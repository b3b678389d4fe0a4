"""Spaces are judged before anything is trained."""

import re

import pytest
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline

from membseg import PixelForestSegmenter, ThresholdSegmenter, UNetSegmenter
from membseg.model_selection import check_search_space


@pytest.mark.parametrize(
    "space",
    [
        {"learning_rate": [1e-3, 1e-2], "depth": ["auto", 3], "warm_start": [True]},
        {"learning_rate": stats.loguniform(1e-4, 1e-2)},
        [{"depth": [2]}, {"base_filters": [8]}],
        [({"depth": [2]}, 4)],
        UNetSegmenter.search_space("full", library="sklearn"),
    ],
)
def test_legal_spaces_come_back(space):
    assert check_search_space(UNetSegmenter(), space) is space


@pytest.mark.parametrize("library", ["skopt", "optuna"])
def test_ready_made_spaces_are_legal(library):
    pytest.importorskip(library, reason="comes with the extra 'search'")
    space = UNetSegmenter.search_space("full", library=library, prefix="segment__")
    assert check_search_space(Pipeline([("segment", UNetSegmenter())]), space) is space


def test_estimators_are_values_too():
    check_search_space(PixelForestSegmenter(), {"estimator": [None, RandomForestClassifier()]})


@pytest.mark.parametrize(
    ("space", "text"),
    [
        (
            {"lerning_rate": [1e-3]},
            "space names 'lerning_rate', which is no parameter of UNetSegmenter. The nearest name "
            "is 'learning_rate'.",
        ),
        ({"qqqqqq": [1]}, "no parameter of UNetSegmenter. It has adversarial_mode, "),
        ({}, "space must name at least one parameter; got an empty dict."),
        ([], "space must hold at least one dict of parameters; got an empty list."),
        (
            "depth",
            "space must be a dict of parameters and their values, or a list of such; got str",
        ),
        (
            {"depth": [(2, 3)]},
            "space['depth'] must hold single numbers, strings, flags or None; got (2, 3).",
        ),
    ],
)
def test_bad_spaces(space, text):
    with pytest.raises((ValueError, TypeError), match=re.escape(text)):
        check_search_space(UNetSegmenter(), space)


def test_tuples_of_skopt():
    space = pytest.importorskip("skopt.space", reason="comes with the extra 'search'")
    dimension = space.Categorical([(2, 3), (4, 5)])
    with pytest.raises(TypeError, match=re.escape("space['depth'] must hold single numbers")):
        check_search_space(UNetSegmenter(), {"depth": dimension})


def test_nearest_name_of_a_baseline():
    with pytest.raises(ValueError, match="The nearest name is 'sigma'"):
        check_search_space(ThresholdSegmenter(), {"sigmas": [1.0]})

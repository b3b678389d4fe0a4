"""Candidates on the same folds."""

import re
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_1samp
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from membseg import (
    SliceBlockKFold,
    ThresholdSegmenter,
    UNetSegmenter,
    cached,
    compare_segmenters,
    make_membranes,
)
from membseg.exceptions import InvalidInputError, InvalidTypeError, TrainingError, TrainingWarning
from membseg.metrics import score_table
from membseg.model_selection import SegmenterComparison
from membseg.model_selection._paired_test import corrected_t_test


@pytest.fixture(scope="module")
def slices():
    return make_membranes(8, 48, 48, random_state=0)


class Broken(ThresholdSegmenter):
    """Works until it is fitted."""

    def fit(self, X, y=None, **_):
        raise RuntimeError("no such luck")


class NeverFitted(ThresholdSegmenter):
    """Fails the test if anybody fits it."""

    def fit(self, X, y=None, **_):
        raise AssertionError("fitted before the arguments were checked")


class Local(ThresholdSegmenter):
    """Cannot be pickled."""

    def __getstate__(self):
        raise TypeError


def test_scores_are_those_of_fits_by_hand(slices):
    X, y = slices
    candidates = {"sharp": ThresholdSegmenter(sigma=0), "smooth": ThresholdSegmenter(sigma=2)}
    found = compare_segmenters(candidates, X, y, cv=4)
    assert found.scoring == ("v_rand_mask", "v_info_mask", "iou", "dice", "ece")
    for k, (train, test) in enumerate(SliceBlockKFold(4, gap=1).split(X)):
        assert (found.n_train[k], found.n_test[k]) == (len(train), len(test))
        for name, candidate in candidates.items():
            fitted = candidate.fit(X[train], y[train])
            expected = score_table(y[test], fitted.predict_membrane(X[test]), threshold=0.5)
            for score in found.scoring:
                assert found.scores[name][score][k] == pytest.approx(expected[score], abs=1e-6)
    assert all(value >= 0 for value in found.scores["sharp"]["ece"])
    assert all(len(v) == 4 and min(v) > 0 for v in found.fit_seconds.values())
    assert all(len(v) == 4 and min(v) > 0 for v in found.score_seconds.values())


def comparison(scoring, n_folds=4, **scores):
    """A comparison with these means over folds, each with the same scatter."""
    scatter = np.linspace(-0.01, 0.01, n_folds)
    names = list(scores)
    return SegmenterComparison(
        scoring=(scoring,),
        scores={name: {scoring: (scores[name] + scatter).tolist()} for name in names},
        fit_seconds={name: [1.0] * n_folds for name in names},
        score_seconds={name: [0.5] * n_folds for name in names},
        n_parameters=dict.fromkeys(names),
        n_bytes=dict.fromkeys(names),
        n_train=[6] * n_folds,
        n_test=[2] * n_folds,
    )


def test_the_ranking_knows_which_way_is_better():
    assert comparison("iou", a=0.5, b=0.9, c=0.7).ranking == ["b", "c", "a"]
    assert comparison("ece", a=0.5, b=0.9, c=0.7).ranking == ["a", "c", "b"]
    assert comparison("iou", simple=0.5, big=0.5).ranking == ["simple", "big"]


def test_p_values_compare_with_the_best_one():
    found = comparison("iou", a=0.5, b=0.9, c=0.9)
    # The same scatter in all: differences are constant.
    assert found.p_values == {"c": 1.0, "a": pytest.approx(0.0, abs=1e-12)}


@settings(max_examples=25, deadline=None)
@given(
    d=st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=12).filter(
        lambda d: np.std(d) > 1e-3
    ),
    n_train=st.integers(1, 50),
    n_test=st.integers(1, 50),
)
def test_the_corrected_t_test(d, n_train, n_test):
    k = len(d)
    # Without test slices there is nothing to correct.
    plain = ttest_1samp(d, 0.0)
    assert corrected_t_test(d, [n_train] * k, [0] * k) == pytest.approx(plain.pvalue, rel=1e-6)
    corrected = corrected_t_test(d, [n_train] * k, [n_test] * k)
    assert corrected >= plain.pvalue - 1e-9
    assert corrected == pytest.approx(
        corrected_t_test([-x for x in d], [n_train] * k, [n_test] * k)
    )
    # A variance of the mean that is c times as large is a t that is sqrt(c) times as small:
    # moving the differences so that plain t shrinks by as much gives the same p.
    factor = np.sqrt(1 / (1 + k * n_test / n_train))
    mean = np.mean(d)
    moved = np.asarray(d) - mean + factor * mean
    assert corrected == pytest.approx(ttest_1samp(moved, 0.0).pvalue, rel=1e-5)


def test_the_corrected_t_test_by_hand():
    # d = 1, 2, 3: mean 2, variance 1; (1/3 + 1/2) * 1 = 5/6; t = 2.19089, 2 degrees of freedom,
    # where the two-sided p-value is 1 - t / sqrt(t^2 + 2).
    t = 2 / np.sqrt(5 / 6)
    expected = 1 - t / np.sqrt(t**2 + 2)
    assert corrected_t_test([1, 2, 3], [4, 4, 4], [2, 2, 2]) == pytest.approx(expected)
    assert corrected_t_test([0, 0, 0], [4] * 3, [2] * 3) == 1.0
    assert corrected_t_test([0.5, 0.5], [4] * 2, [2] * 2) == 0.0
    assert np.isnan(corrected_t_test([0.3], [4], [2]))


def test_the_table_is_plain_and_prints(slices):
    context = {"published": {"iou": 0.75}}
    found = compare_segmenters(
        {"Otsu": ThresholdSegmenter(), "Otsu, local class": Local()},
        *slices,
        cv=SliceBlockKFold(3),
        scoring=["iou", "ece"],
        context=context,
    )
    first, second, last = found.table()
    assert (first["candidate"], first["rank"], first["p_value"]) == ("Otsu", 1, None)
    assert (second["rank"], second["p_value"]) == (2, 1.0)
    values = found.scores["Otsu"]["iou"]
    assert first["iou"] == pytest.approx(np.mean(values))
    assert first["iou_std"] == pytest.approx(np.std(values, ddof=1))
    assert first["n_bytes"] > 100
    assert second["n_bytes"] is None
    assert first["n_parameters"] is None
    assert (last["candidate"], last["rank"], last["is_context"]) == ("published", None, True)
    assert (last["iou"], last["ece"], last["fit_seconds"]) == (0.75, None, None)
    assert "published" not in found.ranking
    assert first.keys() == second.keys() == last.keys()
    lines = str(found).splitlines()
    assert lines[0].split()[:3] == ["candidate", "iou", "ece"]
    assert [line.startswith("1  Otsu") for line in lines] == [False, True, False, False, False]
    assert set(lines[3]) == {"-"}
    assert "0.750" in lines[4]
    assert asdict(found)["context"] == context


def test_one_fold_has_no_spread(slices):
    found = compare_segmenters(
        {"a": ThresholdSegmenter(), "b": ThresholdSegmenter(sigma=3)},
        *slices,
        cv=[([0, 1, 2], [5, 6])],
        scoring="iou",
    )
    assert [row["iou_std"] for row in found.table()] == [None, None]
    assert np.isnan(found.p_values[found.ranking[1]])
    assert "±" not in str(found)


def test_networks_pipelines_searches_and_cached_fits_side_by_side(tmp_path):
    X, y = make_membranes(4, 32, 32, random_state=0)
    tiny = UNetSegmenter(
        depth=1, base_filters=4, max_steps=2, batch_size=2, tta="none", precision="float32",
        random_state=0,
    )  # fmt: skip
    count = tiny.fit(X, y).network_.count_params()
    search = GridSearchCV(ThresholdSegmenter(), {"sigma": [1.0]}, cv=KFold(2))
    found = compare_segmenters(
        {
            "search": search,
            "net": tiny,
            "pipeline": make_pipeline(FunctionTransformer(), cached(tiny, tmp_path)),
        },
        X,
        y,
        cv=SliceBlockKFold(2, gap=0),
        scoring="iou",
    )
    assert found.n_parameters == {"search": None, "net": count, "pipeline": count}
    assert found.scores["net"] == found.scores["pipeline"]
    assert found.n_bytes["net"] > 4 * count


def test_jobs_change_no_score(slices):
    candidates = {"a": ThresholdSegmenter(), "b": ThresholdSegmenter(sigma=3)}
    one = compare_segmenters(candidates, *slices, cv=2, scoring="iou")
    two = compare_segmenters(candidates, *slices, cv=2, scoring="iou", n_jobs=2)
    assert one.scores == two.scores


def test_a_candidate_that_fails_does_not_end_it(slices):
    candidates = {"broken": Broken(), "Otsu": ThresholdSegmenter()}
    message = "Candidate 'broken' failed and is not ranked. RuntimeError: no such luck"
    with pytest.warns(TrainingWarning, match=re.escape(message)):
        found = compare_segmenters(candidates, *slices, cv=2, scoring="iou")
    assert found.ranking == ["Otsu"]
    assert found.failures == {"broken": "RuntimeError: no such luck"}
    row = found.table()[-1]
    assert (row["candidate"], row["rank"], row["iou"]) == ("broken", None, None)
    assert row["failure"] == "RuntimeError: no such luck"
    assert "failed: broken: RuntimeError: no such luck" in str(found)


def test_if_all_fail_it_is_an_error(slices):
    message = "Every candidate failed, the last one, 'b', with RuntimeError: no such luck"
    with (
        pytest.warns(TrainingWarning, match="Candidate 'a' failed"),
        pytest.raises(TrainingError, match=re.escape(message)),
    ):
        compare_segmenters({"a": Broken(), "b": Broken()}, *slices, cv=2, scoring="iou")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"candidates": {}}, InvalidInputError, "candidates must hold at least one segmenter; got"),
        (
            {"candidates": [NeverFitted()]},
            InvalidTypeError,
            "candidates must be a dict of names and segmenters; got list. Write {'threshold':",
        ),
        (
            {"candidates": {"ok": NeverFitted(), "class": ThresholdSegmenter}},
            InvalidTypeError,
            "candidates['class'] must be a segmenter, an instance such as UNetSegmenter(); got "
            "ThresholdSegmenter.",
        ),
        (
            {"candidates": {"text": "unet"}},
            InvalidTypeError,
            "candidates['text'] must be a segmenter, an instance such as UNetSegmenter(); got str.",
        ),
        ({"scoring": "jaccard"}, InvalidInputError, "name must be one of 'accuracy', 'precision'"),
        ({"scoring": ["iou", "x"]}, InvalidInputError, "; got 'x'."),
        ({"scoring": []}, InvalidInputError, "names must hold at least one scorer; choose from"),
        (
            {"scoring": len},
            InvalidTypeError,
            "scoring must be the name of a score, or several, such as ['v_rand_mask', 'iou']; got",
        ),
        (
            {"context": {"paper": {"v_rand": 0.97}}},
            InvalidInputError,
            "context['paper'] must name scores in scoring, v_rand_mask, v_info_mask, iou, dice, "
            "ece; got 'v_rand'. Leave it out, or add it to scoring.",
        ),
        (
            {"context": {"paper": {"iou": float("nan")}}},
            InvalidInputError,
            "context['paper']['iou'] must be a finite number; got nan.",
        ),
        (
            {"context": {"paper": 0.9}},
            InvalidTypeError,
            "context must be a dict of dicts, {name: {score: value}}; got {'paper': 0.9}.",
        ),
        ({"cv": 9}, InvalidInputError, "n_splits must be at most the number of slices, 8; got 9."),
        ({"groups": [0]}, InvalidInputError, "groups must have one entry an image, shape (8,)"),
    ],
)
def test_refusals_before_the_first_fit(slices, arguments, error, message):
    X, y = slices
    with pytest.raises(error, match=re.escape(message)):
        compare_segmenters(**({"candidates": {"never": NeverFitted()}, "X": X, "y": y} | arguments))

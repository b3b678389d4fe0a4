"""What the suite returns, raises and tells, and how often it fits."""

import gc
import re
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.preprocessing import FunctionTransformer

from membseg import ThresholdSegmenter
from membseg.exceptions import InvalidInputError, InvalidTypeError, MembsegWarning
from membseg.testing import _fits, check_segmenter, parametrize_with_segmenter_checks
from membseg.testing._expect import expect_close, expect_refused
from membseg.testing._fits import first_fit, forget
from membseg.testing._suite import ALL_CHECKS


class Stubborn(ThresholdSegmenter):
    """A segmenter whose fit returns nothing, and that counts its fits."""

    fits = 0

    def fit(self, X, y=None, sample_weight=None):
        super().fit(X, y, sample_weight)
        Stubborn.fits += 1


class Helpless(ThresholdSegmenter):
    """A segmenter that cannot be fitted."""

    def fit(self, X, y=None):
        raise RuntimeError("no power")


class Random(ThresholdSegmenter):
    """A segmenter that says that it is random."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags


class Plain(ThresholdSegmenter):
    """A segmenter with as little as there can be."""

    _parameter_constraints = None

    def __init__(self, sigma=1.0):
        super().__init__(sigma=sigma)

    def get_params(self, deep=True):
        return {"sigma": self.sigma}

    def _validate_params(self):
        pass

    def fit(self, X, y=None):
        return super().fit(X, y)


EXPECTED = {"check_fit_returns_self": "an experiment"}


def statuses(results):
    return {r["check_name"]: r["status"] for r in results}


def test_the_result_has_one_row_a_check():
    results = check_segmenter(ThresholdSegmenter())
    assert [r["check_name"] for r in results] == list(ALL_CHECKS)
    assert {tuple(r) for r in results} == {("check_name", "status", "exception", "reason")}
    assert all(r["exception"] is None for r in results if r["status"] == "passed")


def test_a_failure_is_raised_with_the_name_of_its_check():
    message = "Stubborn.fit must return self; got None."
    with pytest.raises(AssertionError, match=re.escape(message)) as caught:
        check_segmenter(Stubborn())
    assert caught.value.__notes__ == ["This was check_fit_returns_self of Stubborn."]


def test_a_failure_is_warned_of_or_only_listed():
    with pytest.warns(MembsegWarning, match=r"check_fit_returns_self of Stubborn failed: .* None"):
        warned = check_segmenter(Stubborn(), on_fail="warn")
    with warnings.catch_warnings(action="error"):
        listed = check_segmenter(Stubborn(), on_fail=None)
    assert statuses(warned) == statuses(listed)
    failed = [r for r in listed if r["status"] == "failed"]
    assert [r["check_name"] for r in failed] == ["check_fit_returns_self"]
    assert isinstance(failed[0]["exception"], AssertionError)
    assert failed[0]["reason"] is None


def test_a_failure_that_is_expected_is_no_failure():
    results = check_segmenter(Stubborn(), expected_failed_checks=EXPECTED)
    (row,) = [r for r in results if r["status"] == "xfail"]
    assert (row["check_name"], row["reason"]) == ("check_fit_returns_self", "an experiment")
    assert isinstance(row["exception"], AssertionError)


def test_what_was_expected_to_fail_and_does_not_has_passed():
    results = check_segmenter(ThresholdSegmenter(), expected_failed_checks=EXPECTED)
    (row,) = [r for r in results if r["reason"] == "an experiment"]
    assert (row["status"], row["exception"]) == ("passed", None)


def test_skipped_checks_have_a_reason_and_are_told_on_request():
    message = "check_n_iter was skipped: ThresholdSegmenter has no parameter max_iter."
    with pytest.warns(MembsegWarning, match=re.escape(message)):
        results = check_segmenter(ThresholdSegmenter(), on_skip="warn")
    (row,) = [r for r in results if r["status"] == "skipped"]
    assert row["reason"] == "ThresholdSegmenter has no parameter max_iter"


def test_without_weights_and_ignore_label_their_checks_are_skipped():
    skipped = {
        r["check_name"]: r["reason"]
        for r in check_segmenter(Plain(), on_fail=None)
        if r["status"] == "skipped"
    }
    assert skipped == {
        "check_param_validation": "Plain has no _parameter_constraints",
        "check_n_iter": "Plain has no parameter max_iter",
        "check_sample_weight_of_ones": "fit of Plain has no argument sample_weight",
        "check_sample_weight_of_pixels": "fit of Plain has no argument sample_weight",
        "check_sample_weight_refused": "fit of Plain has no argument sample_weight",
        "check_ignored_pixels": "Plain has no parameter ignore_label",
    }


def test_a_segmenter_that_says_that_it_is_random_need_not_repeat():
    results = check_segmenter(Random())
    reasons = {
        r["check_name"] for r in results if r["reason"] == "Random is tagged non_deterministic"
    }
    assert {"check_fit_repeats", "check_fit_twice_equals_once", "check_mask_values"} <= reasons


def test_an_estimator_that_cannot_be_fitted_fails_with_its_own_error():
    results = check_segmenter(Helpless(), on_fail=None)
    (row,) = [r for r in results if r["check_name"] == "check_proba_layout"]
    message = (
        "fit on four slices of 32 x 40 pixels and their masks must not raise; got RuntimeError"
    )
    assert message in str(row["exception"])
    assert isinstance(row["exception"].__cause__, RuntimeError)


def test_something_else_than_a_segmenter_fails_and_does_not_crash():
    results = check_segmenter(FunctionTransformer(), on_fail=None)
    assert statuses(results)["check_methods"] == "failed"


def test_the_estimator_stays_unfitted_and_fits_are_few():
    estimator = Stubborn()
    Stubborn.fits = 0
    check_segmenter(estimator, on_fail=None)
    assert Stubborn.fits <= 16
    assert set(vars(estimator)) == set(estimator.get_params())


def test_checks_share_one_fit_as_long_as_parameters_stay():
    estimator = ThresholdSegmenter()
    first = first_fit(estimator)
    assert first_fit(estimator) is first
    assert first_fit(clone(estimator)) is not first
    estimator.set_params(sigma=2.0)
    second = first_fit(estimator)
    assert second is not first
    assert second.fitted.sigma == 2.0
    forget(estimator)
    assert first_fit(estimator) is not second


def test_shared_fits_go_with_their_estimator():
    estimator = ThresholdSegmenter()
    first_fit(estimator)
    key = id(estimator)
    assert key in _fits._FIRST_FITS
    del estimator
    gc.collect()
    assert key not in _fits._FIRST_FITS


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_fail": "ignore"}, "on_fail must be 'raise' or 'warn' or None; got 'ignore'."),
        ({"on_skip": "raise"}, "on_skip must be 'warn' or None; got 'raise'."),
        (
            {"expected_failed_checks": {"check_pickles": "?"}},
            "expected_failed_checks must name checks of the suite; got 'check_pickles'. Did you "
            "mean 'check_pickle'?",
        ),
        (
            {"expected_failed_checks": {"x": "?"}},
            "expected_failed_checks must name checks of the suite; got 'x'.",
        ),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        check_segmenter(ThresholdSegmenter(), **options)


def test_classes_are_refused():
    message = (
        "estimator must be an instance; got the class ThresholdSegmenter: ThresholdSegmenter()."
    )
    with pytest.raises(InvalidTypeError, match=re.escape(message)):
        check_segmenter(ThresholdSegmenter)
    with pytest.raises(InvalidTypeError, match=re.escape(message)):
        parametrize_with_segmenter_checks([ThresholdSegmenter])


# ---------------------------------------------------------------------------------------- pytest


def test_one_test_a_check_and_estimator():
    mark = parametrize_with_segmenter_checks([Stubborn(), ThresholdSegmenter(sigma=2.0)])
    names, cases = mark.args
    assert names == ("estimator", "check")
    ids = [case.id for case in cases]
    assert ids[: len(ALL_CHECKS)] == [f"Stubborn()-{name}" for name in ALL_CHECKS]
    assert ids[-1].startswith("ThresholdSegmenter(sigma=2.0)-check_")
    assert not any(case.marks for case in cases)


def test_the_cases_run_the_checks():
    cases = {
        case.id: case.values for case in parametrize_with_segmenter_checks([Stubborn()]).args[1]
    }
    estimator, check = cases["Stubborn()-check_classes"]
    check(estimator)
    estimator, check = cases["Stubborn()-check_fit_returns_self"]
    with pytest.raises(AssertionError, match=r"Stubborn\.fit must return self"):
        check(estimator)


def test_expected_failures_are_marked():
    mark = parametrize_with_segmenter_checks(
        [Stubborn(), ThresholdSegmenter()],
        expected_failed_checks=lambda e: EXPECTED if isinstance(e, Stubborn) else {},
    )
    (marked,) = [case for case in mark.args[1] if case.marks]
    assert marked.id == "Stubborn()-check_fit_returns_self"
    assert marked.marks[0].name == "xfail"
    assert marked.marks[0].kwargs == {"reason": "an experiment"}
    with pytest.raises(InvalidInputError, match="expected_failed_checks must name checks"):
        parametrize_with_segmenter_checks([Stubborn()], expected_failed_checks=lambda e: {"x": ""})


# --------------------------------------------------------------------------------------- helpers


def test_close_means_all_but_a_few_pixels():
    wanted = np.zeros((2, 20, 20))
    got = wanted.copy()
    got[1, 0, :2] = 1
    expect_close(got, wanted, "Maps")
    got[1, 0, :3] = 1
    with pytest.raises(
        AssertionError, match=r"Maps: .* differences up to 1; 0\.8% of image 1 differ"
    ):
        expect_close(got, wanted, "Maps")
    got[1] = np.nan
    with pytest.raises(AssertionError, match=r"100\.0% of image 1 differ"):
        expect_close(got, wanted, "Maps")


def test_close_compares_shapes_and_kinds():
    stack = np.zeros((2, 3, 4))
    with pytest.raises(AssertionError, match=r"expected shape \(3, 4\) for image 0, got \(3, 5\)"):
        expect_close(np.zeros((2, 3, 5)), stack, "Maps")
    with pytest.raises(AssertionError, match=r"expected an array of shape .*, got a list of 2"):
        expect_close(list(stack), stack, "Maps")
    with pytest.raises(AssertionError, match=r"got an array of shape \(1, 3, 4\)"):
        expect_close(stack[:1], stack, "Maps")


def refuse(error):
    def call():
        warnings.warn("on the way", UserWarning, stacklevel=2)
        raise error

    return call


def test_refusals():
    expect_refused(refuse(ValueError("no NaN")), "NaN", text="NaN")
    with pytest.raises(AssertionError, match=r"NaN must be refused with a message that holds 'x'"):
        expect_refused(refuse(ValueError("no NaN")), "NaN", text="x")
    message = "NaN must be refused with ValueError or TypeError; got KeyError: 3"
    with pytest.raises(AssertionError, match=re.escape(message)):
        expect_refused(refuse(KeyError(3)), "NaN")
    message = "NaN must be refused with ValueError; it was accepted."
    with pytest.raises(AssertionError, match=re.escape(message)):
        expect_refused(dict, "NaN", errors=(ValueError,))

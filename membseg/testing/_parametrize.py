"""The conformance suite as tests of pytest."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from membseg.testing._check_segmenter import check_instance, check_names
from membseg.testing._suite import ALL_CHECKS


def parametrize_with_segmenter_checks(
    estimators: Iterable[Any],
    *,
    expected_failed_checks: Callable[[Any], Mapping[str, str]] | None = None,
) -> Any:
    """Decorate a test so that pytest runs it once for each estimator and check.

    The counterpart of :func:`sklearn.utils.estimator_checks.parametrize_with_checks`; needs
    pytest. Checks of one estimator share a fit, whatever their order and number.

    Parameters
    ----------
    estimators : list of estimators
        Instances.
    expected_failed_checks : callable or None, default=None
        Takes an estimator and returns ``{check name: reason}`` of the checks that may fail; they
        are marked as xfail.

    Returns
    -------
    pytest.MarkDecorator
        For a function of ``estimator`` and ``check`` that calls ``check(estimator)``.

    Raises
    ------
    InvalidInputError
        If `expected_failed_checks` names no check.
    InvalidTypeError
        If one of `estimators` is a class.

    See Also
    --------
    check_segmenter : All checks in one call.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter
    >>> from membseg.testing import parametrize_with_segmenter_checks
    >>> @parametrize_with_segmenter_checks([ThresholdSegmenter()])
    ... def test_contract(estimator, check):
    ...     check(estimator)
    """
    import pytest

    cases = []
    for estimator in estimators:
        check_instance(estimator)
        # Addresses in memory differ between the processes that may share the tests.
        shown = re.sub(r"\s+at\s+0x[0-9a-f]+|\s+", "", str(estimator))
        name = type(estimator).__name__
        expected = {} if expected_failed_checks is None else expected_failed_checks(estimator)
        expected = check_names(expected)
        for check_name, check in ALL_CHECKS.items():
            marks = []
            if check_name in expected:
                marks.append(pytest.mark.xfail(reason=expected[check_name]))
            call = partial(check, name)
            cases.append(pytest.param(estimator, call, id=f"{shown}-{check_name}", marks=marks))
    return pytest.mark.parametrize(("estimator", "check"), cases)

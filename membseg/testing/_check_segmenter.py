"""The public conformance suite of segmenters."""

import difflib
from collections.abc import Mapping
from typing import Any
from unittest import SkipTest

from membseg.exceptions import InvalidInputError, InvalidTypeError, MembsegWarning
from membseg.testing._fits import forget
from membseg.testing._suite import ALL_CHECKS, Check
from membseg.utils import warn_user


def check_segmenter(
    estimator: Any,
    *,
    expected_failed_checks: Mapping[str, str] | None = None,
    on_fail: str | None = "raise",
    on_skip: str | None = None,
) -> list[dict[str, Any]]:
    """Check whether an estimator keeps the contract of segmenters.

    The counterpart of :func:`sklearn.utils.estimator_checks.check_estimator`, which skips nearly
    all of its checks where X is a stack of images. Runs scikit-learn's checks that need no data,
    and image-shaped versions of the others, on four synthetic slices of 32 x 40 pixels. The
    estimator is cloned and stays as it is; it is fitted sixteen times, so that parameters that
    make training short save time.

    Parameters
    ----------
    estimator : estimator
        An instance. It needs no `random_state`: where it has the parameter and it is no
        integer, 0 is used.
    expected_failed_checks : dict or None, default=None
        ``{check name: reason}`` of checks that may fail.
    on_fail : {"raise", "warn"} or None, default="raise"
        What happens where a check fails that may not: its error is raised and the suite ends, or
        the suite goes on, with a warning or without.
    on_skip : {"warn"} or None, default=None
        Whether a check that does not apply is told by a warning. All are in the result.

    Returns
    -------
    list of dict
        One a check, with the keys ``check_name``; ``status``, one of "passed", "failed",
        "skipped" and "xfail" (failed, as was expected); ``exception``, what was raised, or None;
        ``reason``, why a check was skipped or may fail, or None.

    Raises
    ------
    AssertionError, Exception
        With ``on_fail="raise"``, what the first failing check raised: an AssertionError that says
        what was expected and what was got, or whatever the estimator raised where it should not.
    InvalidInputError
        If `expected_failed_checks` names no check, or `on_fail` or `on_skip` is unknown.
    InvalidTypeError
        If `estimator` is a class.

    See Also
    --------
    parametrize_with_segmenter_checks : The same for pytest, one test a check.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter
    >>> from membseg.testing import check_segmenter
    >>> results = check_segmenter(ThresholdSegmenter())
    >>> [r["reason"] for r in results if r["status"] != "passed"]
    ['ThresholdSegmenter has no parameter max_iter']
    """
    check_instance(estimator)
    expected = check_names(expected_failed_checks)
    for argument, value, allowed in (
        ("on_fail", on_fail, ("raise", "warn", None)),
        ("on_skip", on_skip, ("warn", None)),
    ):
        if value not in allowed:
            choices = " or ".join(map(repr, allowed))
            raise InvalidInputError(f"{argument} must be {choices}; got {value!r}.")
    results = []
    try:
        for check_name, check in ALL_CHECKS.items():
            result = _run(check_name, check, estimator, expected.get(check_name))
            _tell(result, type(estimator).__name__, on_fail, on_skip)
            results.append(result)
    finally:
        forget(estimator)
    return results


def _run(check_name: str, check: Check, estimator: Any, expected: str | None) -> dict[str, Any]:
    result: dict[str, Any] = {
        "check_name": check_name,
        "status": "passed",
        "exception": None,
        "reason": expected,
    }
    try:
        check(type(estimator).__name__, estimator)
    except SkipTest as error:
        result |= {"status": "skipped", "exception": error, "reason": str(error)}
    except Exception as error:
        result |= {"status": "failed" if expected is None else "xfail", "exception": error}
    return result


def _tell(result: dict[str, Any], name: str, on_fail: str | None, on_skip: str | None) -> None:
    """Raise or warn, where asked to."""
    check_name, error = result["check_name"], result["exception"]
    if result["status"] == "failed":
        if on_fail == "raise":
            error.add_note(f"This was {check_name} of {name}.")
            raise error
        if on_fail == "warn":
            warn_user(f"{check_name} of {name} failed: {error}", MembsegWarning)
    if result["status"] == "skipped" and on_skip == "warn":
        warn_user(f"{check_name} was skipped: {error}.", MembsegWarning)


def check_instance(estimator: Any) -> None:
    """Refuse classes."""
    if isinstance(estimator, type):
        name = estimator.__name__
        raise InvalidTypeError(f"estimator must be an instance; got the class {name}: {name}().")


def check_names(expected_failed_checks: Mapping[str, str] | None) -> dict[str, str]:
    """Refuse names that no check has."""
    expected = dict(expected_failed_checks or {})
    for name in expected:
        if name not in ALL_CHECKS:
            near = difflib.get_close_matches(name, ALL_CHECKS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise InvalidInputError(
                f"expected_failed_checks must name checks of the suite; got {name!r}.{hint}"
            )
    return expected

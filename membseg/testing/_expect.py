"""How checks say what was expected and what was got."""

import warnings
from collections.abc import Callable
from typing import Any, NoReturn
from unittest import SkipTest

import numpy as np

__all__ = ["expect", "expect_close", "expect_refused", "skip"]

#: Probabilities may differ by so much, since sums come out a little different in another order.
TOLERANCE = 1e-3

#: And so many pixels by more: a forest jumps where rounding takes a pixel across a split.
SHARE = 0.005


def expect(condition: Any, message: str) -> None:
    """Raise AssertionError unless a condition holds."""
    if not condition:
        raise AssertionError(message)


def skip(reason: str) -> NoReturn:
    """Say that a check does not apply."""
    raise SkipTest(reason)


def expect_close(got: Any, wanted: Any, what: str) -> None:
    """Compare probabilities or masks, stacks or lists of them, up to rounding.

    Parameters
    ----------
    got, wanted : ndarray or list of ndarray
        Two results of one method.
    what : str
        What must be the same as what, as the subject of a sentence.
    """
    expect(
        isinstance(got, list) == isinstance(wanted, list) and len(got) == len(wanted),
        f"{what}: expected {_describe(wanted)}, got {_describe(got)}.",
    )
    for i, (a, b) in enumerate(zip(got, wanted, strict=True)):
        a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
        expect(
            a.shape == b.shape,
            f"{what}: expected shape {b.shape} for image {i}, got {a.shape}.",
        )
        # This way round, so that NaN counts as another value.
        share = np.mean(~(np.abs(a - b) <= TOLERANCE))
        expect(
            share <= SHARE,
            f"{what}: expected the same up to {TOLERANCE:g}, got differences up to "
            f"{np.abs(a - b).max():.3g}; {share:.1%} of image {i} differ.",
        )


def expect_refused(
    call: Callable[[], Any],
    what: str,
    *,
    errors: tuple[type[Exception], ...] = (ValueError, TypeError),
    text: str = "",
) -> None:
    """Demand that a call raises an error of a kind.

    Parameters
    ----------
    call : callable
        What is to be refused.
    what : str
        Its description, as the subject of a sentence.
    errors : tuple of exception classes, default=(ValueError, TypeError)
        What may be raised.
    text : str, default=""
        What the error's message must hold.
    """
    kinds = " or ".join(error.__name__ for error in errors)
    try:
        # Searches warn of folds that fail on the way to the error.
        with warnings.catch_warnings(action="ignore"):
            call()
    except errors as error:
        expect(
            text in str(error),
            f"{what} must be refused with a message that holds {text!r}; got: {error}",
        )
    except Exception as error:
        raise AssertionError(
            f"{what} must be refused with {kinds}; got {type(error).__name__}: {error}"
        ) from error
    else:
        raise AssertionError(f"{what} must be refused with {kinds}; it was accepted.")


def _describe(result: Any) -> str:
    if isinstance(result, list):
        return f"a list of {len(result)}"
    return f"an array of shape {np.shape(result)}"

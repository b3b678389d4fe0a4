"""Warnings that point at the user's line rather than at ours."""

import sys
import warnings

#: Packages whose frames stand between the user's line and ours (pipelines, searches, joblib).
_INNER_PACKAGES = ("membseg", "sklearn", "joblib")


def warn_user(message: str, category: type[Warning]) -> None:
    """Warn with the file and line of the first caller outside the library.

    Parameters
    ----------
    message : str
        What happened and what to do about it.
    category : type of Warning
        A class of :mod:`membseg.exceptions`.
    """
    frame = sys._getframe()
    stacklevel = 1
    while frame.f_back is not None and _is_inner(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
        stacklevel += 1
    warnings.warn(message, category, stacklevel=stacklevel)


def _is_inner(module: str) -> bool:
    return module.split(".")[0] in _INNER_PACKAGES

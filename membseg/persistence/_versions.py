"""The versions that wrote a file, and those that read it."""

import platform
import sys
from importlib.metadata import version
from typing import Any

from membseg.exceptions import ModelFileWarning
from membseg.utils import warn_user


def list_versions() -> dict[str, Any]:
    """List the versions of everything that a segmenter depends on.

    Returns
    -------
    dict of str to (str or None)
        The backend of Keras is None where no network was used.
    """
    from membseg import __version__

    # Not imported for this: it takes seconds, and not every segmenter has a network.
    keras = sys.modules.get("keras")
    return {
        "membseg": __version__,
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "scikit-learn": version("scikit-learn"),
        "keras": version("keras"),
        "backend": None if keras is None else keras.config.backend(),
    }


def compare_versions(saved: Any, path: Any, *, sklearn_state: bool) -> None:
    """Warn where other versions read a file than those that wrote it, if that can matter.

    Parameters
    ----------
    saved : object
        What the file says of its versions.
    path : path-like
        The file, for the message.
    sklearn_state : bool
        Whether it holds what scikit-learn has learnt.

    Raises
    ------
    ValueError
        If the file has no versions.

    Warns
    -----
    ModelFileWarning
        If membseg's version is another one, or scikit-learn's where that matters.
    """
    now = list_versions()
    if not isinstance(saved, dict) or set(saved) != set(now):
        raise ValueError("its versions are missing")
    names = ("membseg", "scikit-learn") if sklearn_state else ("membseg",)
    others = [
        f"{name} {str(saved[name])[:20]} (here {now[name]})"
        for name in names
        if saved[name] != now[name]
    ]
    if others:
        warn_user(
            f"{path} was saved with {' and '.join(others)}. It is read; compare a prediction with "
            "one of then, and save it again to be told no more.",
            ModelFileWarning,
        )

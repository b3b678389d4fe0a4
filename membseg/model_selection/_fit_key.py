"""The name of a fit: what was fitted, with which parameters, on which data."""

import hashlib
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import joblib
import numpy as np

from membseg import __version__
from membseg.utils._lazy import as_readable

#: Packages whose upgrade may change what a fit gives.
_PACKAGES = ("keras", "numpy", "scikit-learn")


def fit_key(estimator: Any, data: dict[str, Any]) -> str:
    """Name a fit by everything that it depends on.

    Parameters
    ----------
    estimator : estimator
        The unfitted estimator: its class and all parameters count but ``verbose`` and
        ``checkpoint_dir``.
    data : dict of str to object
        Arguments of fit by name: arrays, lists and tuples of them, None.

    Returns
    -------
    str
        64 hexadecimal digits; the same for equal inputs on every run and machine.
    """
    digest = hashlib.sha256()
    kind = type(estimator)
    _add_text(digest, f"{kind.__module__}.{kind.__qualname__}")
    _add_text(digest, f"membseg {__version__}")
    for package in _PACKAGES:
        _add_text(digest, f"{package} {_version(package)}")
    for name, value in sorted(estimator.get_params(deep=True).items()):
        if not says_only_how(name):
            _add_text(digest, f"{name}={_describe(value)}")
    for name, value in sorted(data.items()):
        _add_text(digest, name)
        _add_data(digest, value, name)
    return digest.hexdigest()


def says_only_how(name: str) -> bool:
    """Whether a parameter says only how much is told on the way, or where a fit keeps its state."""
    return name.rpartition("__")[2] in ("checkpoint_dir", "verbose")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _add_text(digest: Any, text: str) -> None:
    # The length in front keeps two texts apart from one that joins them.
    content = text.encode()
    digest.update(len(content).to_bytes(8, "little"))
    digest.update(content)


def _describe(value: Any) -> str:
    """Describe a parameter by its value; numpy's numbers, which searches give, as Python's."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    return f"{type(value).__qualname__} {joblib.hash(value)}"


def _add_data(digest: Any, value: Any, name: str) -> None:
    """Read arrays image by image, wherever they lie; a stack equals the list of its images."""
    if value is None:
        _add_text(digest, "None")
        return
    if not isinstance(value, list | tuple):
        value = as_readable(value, name)
        if value.ndim <= 1:
            _add_array(digest, np.asarray(value))
            return
    _add_text(digest, f"{len(value)} parts")
    for i in range(len(value)):
        part = value[i]
        if isinstance(part, list | tuple):  # validation_data holds stacks
            _add_data(digest, part, f"{name}[{i}]")
        else:
            _add_array(digest, np.asarray(part))


def _add_array(digest: Any, array: np.ndarray) -> None:
    if array.dtype.hasobject:
        # The bytes of objects are addresses.
        _add_text(digest, joblib.hash(array))
        return
    _add_text(digest, f"{array.dtype.str} {array.shape}")
    digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8))

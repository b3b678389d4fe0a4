"""Write a segmenter to a file without code."""

import os
from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from membseg.base import SegmenterMixin
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.io._container import save_container
from membseg.persistence._codec import Decoder, Encoder
from membseg.persistence._versions import list_versions

#: What the file is, for readers of other files of the same layout.
KIND = "segmenter"

#: The form of the document; goes up when an older membseg could no longer read it.
FORMAT = 1


def save(segmenter: Any, path: str | os.PathLike[str]) -> None:
    """Save a segmenter to one file, which holds numbers and names and no code.

    What it predicts after :func:`membseg.load` is what it predicts now, bit by bit on the same
    machine; ``history_``, ``threshold_`` and all parameters stay. The file is complete or not
    there: where saving fails (a full disk, no permission, a crash), an older file of the name is
    as it was.

    Parameters
    ----------
    segmenter : segmenter
        Any segmenter of membseg's, fitted or not; calibrated, tuned and ensemble ones; or a
        scikit-learn ``Pipeline`` of steps of :mod:`membseg.preprocessing` and a segmenter. Of a
        search save ``search.best_estimator_``.
    path : str or path-like
        The file, usually of a name that ends in .membseg; one that exists is replaced. Its folder
        must exist.

    Raises
    ------
    InvalidTypeError, InvalidInputError
        If `segmenter` is none, or holds what such files cannot: a function, such as the `build_fn`
        of a :class:`membseg.KerasSegmenter` that is none of :mod:`membseg.networks`, a class that
        is not membseg's own, or parameters that no segmenter can have.
    ModelFileError
        If the file cannot be written.

    See Also
    --------
    load : Read it.

    Notes
    -----
    The file is a zip file of two members: ``membseg.json`` (class names, parameters, versions of
    the libraries, history, threshold, classes) and ``arrays.safetensors`` (weights and all other
    arrays). Equal segmenters give equal files. Random streams (a ``Generator`` as `random_state`)
    go on where they were. Of a forest of scikit-learn its trees are kept as arrays. Left out are
    out-of-bag results, callbacks, and folders (`checkpoint_dir`, `memory` of a pipeline).

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> import membseg
    >>> X, y = membseg.make_membranes(3, 64, 64, random_state=0)
    >>> segmenter = membseg.RidgeSegmenter().fit(X[:2], y[:2])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     membseg.save(segmenter, pathlib.Path(folder) / "ridge.membseg")
    ...     loaded = membseg.load(pathlib.Path(folder) / "ridge.membseg")
    >>> np.array_equal(loaded.predict_proba(X), segmenter.predict_proba(X))
    True
    """
    if not is_segmenter(segmenter):
        raise InvalidTypeError(
            "segmenter must be a segmenter, or a Pipeline that ends in one; got "
            f"{_kind_of(segmenter)}."
        )
    arrays: dict[str, np.ndarray] = {}
    try:
        encoded = Encoder(arrays, with_state=True).encode_estimator(segmenter)
    except RecursionError as error:
        raise InvalidTypeError(
            "segmenter cannot be saved: it holds itself, or is nested too deep."
        ) from error
    _check_readable(encoded, arrays)
    document = {"format": FORMAT, "versions": list_versions(), "segmenter": encoded}
    save_container(path, KIND, document, arrays)


def is_segmenter(thing: Any) -> bool:
    """Whether something is a segmenter, or a pipeline or frozen estimator around one."""
    for _ in range(100):
        if isinstance(thing, Pipeline):
            steps = thing.steps
            if not isinstance(steps, list) or not steps or not isinstance(steps[-1], tuple):
                return False
            thing = steps[-1][-1]
        elif isinstance(thing, FrozenEstimator):
            thing = thing.estimator
        else:
            break
    # Searches and caches are told what to save instead.
    is_around = type(thing).__name__.endswith(("SearchCV", "CachedSegmenter"))
    return isinstance(thing, SegmenterMixin) or is_around


def _check_readable(encoded: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Read what will be written, so that no file is left that nobody can load."""
    try:
        Decoder(arrays).decode_estimator(encoded)
    except Exception as error:  # whatever a constructor or a check says
        raise InvalidInputError(
            f"segmenter cannot be saved, since it could not be loaded again: {error}. Set the "
            "parameter right, or fit it again."
        ) from error


def _kind_of(thing: Any) -> str:
    if isinstance(thing, type):
        return f"the class {thing.__name__}, not an instance: {thing.__name__}()"
    return f"{type(thing).__name__}"

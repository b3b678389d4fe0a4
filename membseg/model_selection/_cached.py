"""Finished fits kept in a folder, for searches that are interrupted."""

import os
from typing import Any

from membseg.exceptions import InvalidTypeError
from membseg.model_selection._cached_segmenter import CachedSegmenter


def cached(estimator: Any, folder: str | os.PathLike[str]) -> CachedSegmenter:
    """Keep the finished fits of a segmenter in a folder, and never repeat one.

    For searches and cross-validations that may be killed: started again, with the same folder,
    they read the fits that had been finished and go on with the next. ``GridSearchCV(cached(
    segmenter, folder), space)`` takes the same space as ``GridSearchCV(segmenter, space)``.

    Parameters
    ----------
    estimator : segmenter
        The segmenter, such as ``UNetSegmenter()``. In a pipeline, wrap the last step.
    folder : str or path-like
        Where fits are kept, one file each; made in fit where it does not exist. Several
        processes may use it at the same time.

    Returns
    -------
    CachedSegmenter
        A segmenter with the parameters, methods and attributes of `estimator`.

    Raises
    ------
    InvalidTypeError
        If `estimator` is no segmenter, or `folder` no path.

    Warnings
    --------
    Fits are kept as pickles, and reading a pickle can run any code: use a folder that nobody but
    you, and those whom you trust, can write to.

    Notes
    -----
    A fit is known by the class and all parameters (but ``verbose`` and ``checkpoint_dir``), by the
    shapes, types and bytes of everything that fit is given, and by the versions of membseg, Keras,
    numpy and scikit-learn. Hence:

    - ``random_state=None`` means a new result at each fit without a cache. Here, the second fit
      on the same data is the first one, read again. Give seeds to try several.
    - With ``time_limit`` the number of steps is that of the fit that was kept.
    - A fit that gave the prior under ``on_failure="worst"`` is kept like any other. What raised
      an error is not kept.
    - A change of a segmenter's own code, or of the machine, is not seen. Delete the folder then;
      nothing else is lost with it.

    Scores and predictions are not kept: they are computed again, which is quick. Warnings of a
    fit are not repeated when it is read. The time that a search reports for such a fit is that of
    the reading.

    Examples
    --------
    >>> import tempfile
    >>> from membseg import ThresholdSegmenter, cached, make_membranes
    >>> X, y = make_membranes(3, 48, 48, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first = cached(ThresholdSegmenter(sigma=2.0), folder).fit(X, y)
    ...     second = cached(ThresholdSegmenter(sigma=2.0), folder).fit(X, y)
    >>> first.from_cache_, second.from_cache_
    (False, True)
    >>> second.get_params()["sigma"]
    2.0
    """
    if isinstance(estimator, type) or not all(
        hasattr(estimator, name) for name in ("fit", "get_params", "predict_membrane")
    ):
        kind = estimator.__name__ if isinstance(estimator, type) else type(estimator).__name__
        raise InvalidTypeError(
            f"estimator must be a segmenter, an instance such as UNetSegmenter(); got {kind}. In "
            "a pipeline wrap the last step, the segmenter, and not the pipeline."
        )
    if not isinstance(folder, str | os.PathLike):
        raise InvalidTypeError(
            f"folder must be the path of a folder, a str or a Path; got {type(folder).__name__}."
        )
    # As text: searches, and those who check them, know no paths.
    return CachedSegmenter(estimator, os.fspath(folder))

"""Maps of slices by segmenters that were not trained on them."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import cross_val_predict

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.model_selection._folds import make_folds
from membseg.model_selection._leaks import warn_of_leaks
from membseg.model_selection._stacks import count_images
from membseg.utils._maps import take_membrane

#: What can be asked of each fold's segmenter.
_METHODS = ("predict_proba", "predict_membrane", "decision_function", "predict")


def cross_val_predict_proba(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    cv: Any = None,
    groups: Any = None,
    method: str = "predict_proba",
    n_jobs: int | None = None,
    verbose: int = 0,
    params: dict[str, Any] | None = None,
) -> Any:
    """Predict each slice by a segmenter that was fitted without it.

    What scikit-learn's ``cross_val_predict`` is for tables; that one breaks on probabilities of
    images, and on lists of images of different sizes.

    Parameters
    ----------
    estimator : segmenter
        A segmenter, or a pipeline or search around one. Clones of it are fitted.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images in z order.
    y : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks.
    cv : int, splitter, iterable of (train, test), or None, default=None
        Folds in which each slice is tested once. None: :class:`SliceBlockKFold` with five blocks
        and ``gap=1``, or fewer blocks where there are few slices; an int: that many blocks.
    groups : array-like of shape (n_images,) or None, default=None
        The stack that each slice belongs to, for the splitter.
    method : {"predict_proba", "predict_membrane", "decision_function", "predict"}, \
default="predict_proba"
        What is asked of each fold's segmenter.
    n_jobs : int or None, default=None
        Folds at the same time, as joblib takes it.
    verbose : int, default=0
        How much joblib writes about the progress.
    params : dict or None, default=None
        Further arguments of fit, such as ``sample_weight``; those with one entry an image are
        split like X.

    Returns
    -------
    ndarray of shape (n_images, 2, height, width), or list of (2, height, width)
        The maps in the order of `X`; a list for a list. The other methods give (n_images, height,
        width), or a list of (height, width): logits, probabilities of membrane, or masks.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `method` is unknown, the estimator does not have it, slices are tested never or twice,
        or `X`, `y` and `groups` do not fit each other.

    Warns
    -----
    DataWarning
        If neighbouring slices that are alike, or copies, are on both sides of a fold.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, cross_val_predict_proba, make_membranes
    >>> X, y = make_membranes(6, 48, 48, random_state=0)
    >>> cross_val_predict_proba(ThresholdSegmenter(), X, y, cv=3).shape
    (6, 2, 48, 48)
    """
    _check_method(estimator, method)
    folds = make_folds(cv, X, y, groups)
    _check_partition(folds, count_images(X))
    warn_of_leaks(X, folds, groups)
    maps = cross_val_predict(
        _MethodAsPredict(estimator, method),
        X,
        y,
        cv=folds,
        n_jobs=n_jobs,
        verbose=verbose,
        params=params,
    )
    return list(maps) if isinstance(X, list | tuple) else maps


class _MethodAsPredict(BaseEstimator):
    """An estimator whose ``predict`` is another one's method of any name.

    scikit-learn concatenates what ``predict`` gives whatever its shape, and takes the results of
    all other methods for tables with a column a class.
    """

    def __init__(self, estimator: Any, method: str) -> None:
        self.estimator = estimator
        self.method = method

    def fit(self, X: Any, y: Any = None, **params: Any) -> "_MethodAsPredict":
        self.estimator_ = clone(self.estimator).fit(X, y, **params)
        return self

    def predict(self, X: Any) -> Any:
        maps = call_method(self.estimator_, self.method, X)
        if not isinstance(maps, list):
            return maps
        # Images of different sizes are concatenated as objects.
        row = np.empty(len(maps), dtype=object)
        for i, image in enumerate(maps):
            row[i] = image
        return row

    def get_metadata_routing(self) -> Any:
        """Ask for what the estimator asks for."""
        return self.estimator.get_metadata_routing()


def call_method(estimator: Any, method: str, X: Any) -> Any:
    """Ask a segmenter, or what is around one, for maps."""
    if method != "predict_membrane" or hasattr(estimator, method):
        return getattr(estimator, method)(X)
    # Pipelines and searches pass on the methods that scikit-learn knows, and no others.
    return take_membrane(estimator.predict_proba(X))


def _check_method(estimator: Any, method: str) -> None:
    if method not in _METHODS:
        listed = ", ".join(repr(name) for name in _METHODS)
        raise InvalidInputError(f"method must be one of {listed}; got {method!r}.")
    wanted = "predict_proba" if method == "predict_membrane" else method
    if not (hasattr(estimator, method) or hasattr(estimator, wanted)):
        raise InvalidTypeError(
            f"estimator must be a segmenter with {method}; got {type(estimator).__name__}. Give "
            "an instance such as UNetSegmenter(), or a pipeline or search that ends with one."
        )


def _check_partition(folds: list[tuple[np.ndarray, np.ndarray]], n_images: int) -> None:
    """Refuse folds that test a slice never or twice."""
    times = np.zeros(n_images, dtype=int)
    for _, test in folds:
        np.add.at(times, test, 1)
    for wrong, how in ((times == 0, "never"), (times > 1, "more than once")):
        if wrong.any():
            raise InvalidInputError(
                f"cv must test each slice exactly once; X[{int(np.argmax(wrong))}] is tested "
                f"{how} ({int(wrong.sum())} of {n_images} slices are). Use a splitter of disjoint "
                "blocks, such as SliceBlockKFold."
            )

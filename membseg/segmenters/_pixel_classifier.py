"""Any classifier of scikit-learn, from features of pixels to logits of membrane."""

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from membseg.exceptions import InvalidInputError

#: Probabilities are kept so far from 0 and 1, so that logits are finite.
_MARGIN = 1e-6


def prepare_classifier(estimator: Any, *, weighted: bool, seed: int, n_jobs: int | None) -> Any:
    """Give a classifier that gives the same result each time that a clone of it is fitted.

    Parameters
    ----------
    estimator : classifier or None
        The caller's, which is not changed; None for a random forest.
    weighted : bool
        Whether it will be given weights.
    seed : int
        For the random states in it that are None.
    n_jobs : int or None
        Threads of the random forest.

    Returns
    -------
    classifier
        Not fitted.

    Raises
    ------
    InvalidInputError
        If weights are wanted, and its fit takes none.
    """
    if estimator is None:
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(
            n_estimators=100, min_samples_leaf=10, n_jobs=n_jobs, random_state=seed
        )
    if weighted and not has_fit_parameter(estimator, "sample_weight"):
        raise InvalidInputError(
            "sample_weight must be None for an estimator whose fit takes no sample_weight; got "
            f"weights, and estimator={estimator!r}. Leave the weights out, or give another "
            "estimator."
        )
    classifier = clone(estimator)
    unset = [
        name
        for name, value in classifier.get_params().items()
        if name.split("__")[-1] == "random_state" and value is None
    ]
    return classifier.set_params(**dict.fromkeys(unset, seed))


def fit_clone(
    classifier: Any, features: np.ndarray, membrane: np.ndarray, weights: np.ndarray | None
) -> Any:
    """Fit a clone of a classifier to features of pixels, (n_pixels, n_features), and labels."""
    options = {} if weights is None else {"sample_weight": weights}
    return clone(classifier).fit(features, membrane.astype(np.int64), **options)


def membrane_logits(classifier: Any, features: np.ndarray) -> np.ndarray:
    """Give the logits of membrane of pixels, (n_pixels,) float64, finite."""
    prob = np.asarray(classifier.predict_proba(features))[:, 1].astype(np.float64)
    prob = np.clip(prob, _MARGIN, 1 - _MARGIN)
    return np.log(prob) - np.log1p(-prob)


def cross_fit(
    classifier: Any, features: np.ndarray, membrane: np.ndarray, weights: np.ndarray | None
) -> np.ndarray | None:
    """Give the logits of training pixels from classifiers that have not seen them.

    The pixels come image by image and row by row: halves are other images, or parts of an image
    that lie apart. None where a half does not show both classes.
    """
    first = np.arange(len(membrane)) < len(membrane) // 2
    if any(len(np.unique(membrane[half])) < 2 for half in (first, ~first)):
        return None
    logits = np.empty(len(membrane))
    for half in (first, ~first):
        part = None if weights is None else weights[half]
        fitted = fit_clone(classifier, features[half], membrane[half], part)
        logits[~half] = membrane_logits(fitted, features[~half])
    return logits

"""The segmenter inside pipelines and searches."""

from typing import Any


def innermost(estimator: Any) -> Any:
    """Look through pipelines, and searches that were fitted.

    Parameters
    ----------
    estimator : estimator
        A segmenter, or scikit-learn's wrappers around one.

    Returns
    -------
    estimator
        The segmenter itself.
    """
    while True:
        if hasattr(estimator, "steps"):
            estimator = estimator.steps[-1][1]
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        else:
            return estimator

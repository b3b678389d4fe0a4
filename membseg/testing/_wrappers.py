"""What scikit-learn's own wrappers cannot give."""

from typing import Any

from sklearn.base import MetaEstimatorMixin
from sklearn.pipeline import Pipeline

from membseg.base import SegmenterMixin

_NO_MAPS = "it passes predict_proba on, but not predict_membrane"

_OF_BOTH = {
    "check_methods": _NO_MAPS,
    "check_membrane_map": _NO_MAPS,
    "check_out": _NO_MAPS,
    "check_predict_follows_threshold": "it does not pass threshold_ on",
    "check_tags": "it does not pass on that y is required, or what X is",
}

_OF_PIPELINES = {"check_fit_leaves_parameters": "it fits the very steps that it was given"}

_OF_SEARCHES = {"check_tunables_are_scalars": "its own parameters are grids and splitters"}


def wrapper_exemptions(estimator: Any) -> dict[str, str]:
    """List the checks that scikit-learn's wrappers around a segmenter cannot pass.

    Parameters
    ----------
    estimator : estimator
        Anything.

    Returns
    -------
    dict
        ``{check name: reason}`` for a pipeline or a search (any meta-estimator that is no
        segmenter itself); empty for all else.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from membseg import ThresholdSegmenter
    >>> from membseg.testing import check_segmenter, wrapper_exemptions
    >>> search = GridSearchCV(ThresholdSegmenter(), {"sigma": [0, 1]}, cv=2)
    >>> results = check_segmenter(search, expected_failed_checks=wrapper_exemptions(search))
    >>> [r["check_name"] for r in results if r["status"] == "failed"]
    []
    """
    if isinstance(estimator, SegmenterMixin):
        return {}
    if isinstance(estimator, Pipeline):
        return _OF_BOTH | _OF_PIPELINES
    return _OF_BOTH | _OF_SEARCHES if isinstance(estimator, MetaEstimatorMixin) else {}

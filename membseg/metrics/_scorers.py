"""Metrics by name as scikit-learn scorers."""

from copy import deepcopy
from typing import Any

from membseg.exceptions import InvalidInputError
from membseg.metrics._evaluation import METRICS
from membseg.metrics._responses import evaluate_segmenter
from membseg.metrics._routing import WeightRouting


class SegmentationScorer(WeightRouting):
    """One metric as a scorer: ``scorer(estimator, X, y)`` is a finite number, higher is better.

    Parameters
    ----------
    name : str
        A key of :data:`SCORERS`.

    Attributes
    ----------
    response : {"predict", "predict_proba", "predict_instances"}
        The method of the segmenter whose result is scored; of one that has no "predict_instances"
        the cells are the components of its "predict".
    sign : {1, -1}
        -1 where the scorer gives the negative of a loss or distance.

    Raises
    ------
    InvalidInputError
        If `name` is unknown; the message lists the names.

    Examples
    --------
    >>> from membseg.metrics import SegmentationScorer
    >>> scorer = SegmentationScorer("brier")
    >>> scorer, scorer.response, scorer.sign
    (SegmentationScorer('brier'), 'predict_proba', -1)
    """

    def __init__(self, name: str) -> None:
        _check_names((name,))
        self.name = name

    def __repr__(self) -> str:
        return f"SegmentationScorer({self.name!r})"

    @property
    def response(self) -> str:
        """The method of the segmenter whose result is scored."""
        return METRICS[self.name].response

    @property
    def sign(self) -> int:
        """-1 where the scorer gives the negative of a loss or distance, else 1."""
        return 1 if METRICS[self.name].higher_is_better else -1

    def __call__(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Score a fitted segmenter.

        Parameters
        ----------
        estimator : object
            A fitted segmenter, or a pipeline or search with one: `classes_` = [cell value,
            membrane value], `predict`, `predict_proba`, and maybe `ignore_label`.
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images, as the estimator takes them.
        y : array-like of shape (n_images, height, width) or list of (height, width) arrays
            True masks with the values of `classes_`.
        sample_weight : None, array-like of shape (n_images,) or of y's shape, default=None
            Weights of images or pixels.

        Returns
        -------
        float
            The metric, negated where lower is better.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If masks, weights, or what the estimator gives cannot be used.
        """
        evaluation = evaluate_segmenter(estimator, X, y, sample_weight, {self.response})
        return self.sign * METRICS[self.name].value(evaluation)


class MultiScorer(WeightRouting):
    """Several metrics as one scorer that predicts once; see :func:`make_scoring`.

    Parameters
    ----------
    names : tuple of str
        Keys of :data:`SCORERS`.

    Raises
    ------
    InvalidInputError
        If there is no name, or an unknown one.

    Examples
    --------
    >>> from membseg.metrics import MultiScorer
    >>> MultiScorer(("iou", "v_rand"))
    MultiScorer(('iou', 'v_rand'))
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        _check_names(names)
        self.names = names

    def __repr__(self) -> str:
        return f"MultiScorer({self.names!r})"

    def __call__(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any = None
    ) -> dict[str, float]:
        """Score a fitted segmenter; parameters as in :class:`SegmentationScorer`.

        Parameters
        ----------
        estimator : object
            A fitted segmenter.
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images.
        y : array-like of shape (n_images, height, width) or list of (height, width) arrays
            True masks.
        sample_weight : None, array-like of shape (n_images,) or of y's shape, default=None
            Weights of images or pixels.

        Returns
        -------
        dict of str to float
            Each metric by name, negated where lower is better.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If masks, weights, or what the estimator gives cannot be used.
        """
        scorers = [SCORERS[name] for name in self.names]
        responses = {scorer.response for scorer in scorers}
        evaluation = evaluate_segmenter(estimator, X, y, sample_weight, responses)
        return {s.name: s.sign * METRICS[s.name].value(evaluation) for s in scorers}


def _check_names(names: tuple[Any, ...]) -> None:
    listed = ", ".join(repr(name) for name in METRICS)
    if not names:
        raise InvalidInputError(f"names must hold at least one scorer; choose from {listed}.")
    for name in names:
        if name not in METRICS:
            raise InvalidInputError(f"name must be one of {listed}; got {name!r}.")


#: Every scorer by name; a dict, so that it can be given as ``scoring=`` itself.
SCORERS: dict[str, SegmentationScorer] = {name: SegmentationScorer(name) for name in METRICS}


def get_scorer(name: str) -> SegmentationScorer:
    """Give a scorer for scikit-learn's ``scoring=`` by name.

    Parameters
    ----------
    name : str
        A key of :data:`SCORERS`, such as "iou" or "v_rand".

    Returns
    -------
    SegmentationScorer
        A copy of its own: metadata requests set on it stay with it.

    Raises
    ------
    InvalidInputError
        If `name` is unknown; the message lists the names.

    Examples
    --------
    >>> from membseg.metrics import get_scorer
    >>> get_scorer("iou")
    SegmentationScorer('iou')
    """
    _check_names((name,))
    return deepcopy(SCORERS[name])


def make_scoring(*names: str) -> MultiScorer:
    """Put several scorers together into one callable for scikit-learn's ``scoring=``.

    Each fold is predicted once for all of them, and what they share is computed once.

    Parameters
    ----------
    *names : str
        Keys of :data:`SCORERS`.

    Returns
    -------
    MultiScorer
        A callable that gives a dict of name to value; with it ``refit="iou"`` works in searches.

    Raises
    ------
    InvalidInputError
        If there is no name, or an unknown one.

    Examples
    --------
    >>> from membseg.metrics import make_scoring
    >>> make_scoring("iou", "brier")
    MultiScorer(('iou', 'brier'))
    """
    return MultiScorer(names)

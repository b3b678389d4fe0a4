"""Scores of a fitted segmenter, with their own sign, and the seconds that predictions take."""

import time
from collections.abc import Sequence
from typing import Any

from membseg.exceptions import InvalidTypeError
from membseg.metrics import SCORERS, make_scoring
from membseg.metrics._evaluation import METRICS
from membseg.metrics._responses import evaluate_segmenter

#: What is scored without a wish of the caller's.
_SCORING = ("v_rand", "v_info", "v_rand_mask", "v_info_mask", "iou", "dice", "ece")


def scoring_names(scoring: Any) -> tuple[str, ...]:
    """Check names of scores; None stands for the usual ones."""
    if scoring is None:
        return _SCORING
    if isinstance(scoring, str):
        scoring = [scoring]
    if not isinstance(scoring, Sequence) or not all(isinstance(name, str) for name in scoring):
        raise InvalidTypeError(
            "scoring must be the name of a score, or several, such as ['v_rand', 'iou']; got "
            f"{scoring!r}. The names are the keys of membseg.metrics.SCORERS."
        )
    return make_scoring(*scoring).names


def score(segmenter: Any, X: Any, y: Any, names: tuple[str, ...]) -> tuple[dict[str, float], float]:
    """Score a fitted segmenter.

    Parameters
    ----------
    segmenter : segmenter
        Fitted.
    X, y : array-like or list
        Images and masks.
    names : tuple of str
        Keys of :data:`membseg.metrics.SCORERS`.

    Returns
    -------
    scores : dict of str to float
        Losses are lower where better.
    seconds : float
        Of one prediction of all images.
    """
    responses = {SCORERS[name].response for name in names}
    start = time.perf_counter()
    evaluation = evaluate_segmenter(segmenter, X, y, None, responses)
    # Masks and maps are predicted one after the other.
    seconds = (time.perf_counter() - start) / len(responses)
    return {name: float(METRICS[name].value(evaluation)) for name in names}, seconds

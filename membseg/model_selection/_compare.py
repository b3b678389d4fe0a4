"""Several segmenters on the same folds."""

import math
import pickle
import time
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from sklearn.model_selection import cross_validate

from membseg.exceptions import InvalidInputError, InvalidTypeError, TrainingError, TrainingWarning
from membseg.metrics import SCORERS, MultiScorer, make_scoring
from membseg.model_selection._comparison import SegmenterComparison
from membseg.model_selection._folds import make_folds
from membseg.model_selection._leaks import warn_of_leaks
from membseg.utils import innermost, warn_user

#: What is scored without a wish of the caller's; the first one ranks.
_SCORING = ("v_rand_mask", "v_info_mask", "iou", "dice", "ece")


def compare_segmenters(
    candidates: Mapping[str, Any],
    X: Any,
    y: Any,
    *,
    cv: Any = None,
    scoring: str | Sequence[str] | None = None,
    groups: Any = None,
    n_jobs: int | None = None,
    context: Mapping[str, Mapping[str, float]] | None = None,
) -> SegmenterComparison:
    """Cross-validate several segmenters on the same folds and rank them.

    A candidate that raises an error does not end it: it is told in a warning and in the result.

    Parameters
    ----------
    candidates : dict of str to segmenter
        Segmenters, or pipelines or searches around them, by name. Simple ones first: of equals,
        the first one ranks higher.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images in z order.
    y : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks.
    cv : int, splitter, iterable of (train, test), or None, default=None
        None: :class:`SliceBlockKFold` with five blocks and ``gap=1``, or fewer blocks where there
        are few slices; an int: that many blocks.
    scoring : str, sequence of str, or None, default=None
        Names in :data:`membseg.metrics.SCORERS`; the first one ranks. None: "v_rand_mask" (at the
        threshold of fit), "v_info_mask", "iou", "dice", "ece".
    groups : array-like of shape (n_images,) or None, default=None
        The stack that each slice belongs to, for the splitter.
    n_jobs : int or None, default=None
        Folds at the same time, as joblib takes it. More than one at a time makes the seconds
        longer.
    context : dict of str to dict of str to float, or None, default=None
        Figures from elsewhere, such as published ones, as {name: {score: value}}. They are shown
        below a line and never ranked: they come from other splits.

    Returns
    -------
    SegmenterComparison
        Scores of every fold, seconds, sizes; prints as a table.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If there is no candidate, one is no segmenter, a score's name is unknown, or `X`, `y`,
        `groups` and `cv` do not fit each other; all before the first fit.
    TrainingError
        If every candidate failed.

    Warns
    -----
    DataWarning
        If neighbouring slices that are alike, or copies, are on both sides of a fold.
    TrainingWarning
        For each candidate that failed.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, compare_segmenters, make_membranes
    >>> X, y = make_membranes(6, 64, 64, random_state=0)
    >>> found = compare_segmenters(
    ...     {"sharp": ThresholdSegmenter(sigma=0), "smooth": ThresholdSegmenter(sigma=2)},
    ...     X, y, cv=3, scoring=["iou", "ece"], context={"published": {"iou": 0.7}},
    ... )
    >>> found.ranking
    ['sharp', 'smooth']
    """
    _check_candidates(candidates)
    scorer = _make_scorer(scoring)
    context = _check_context(context, scorer.names)
    folds = make_folds(cv, X, y, groups)
    warn_of_leaks(X, folds, groups)
    results: dict[str, dict[str, np.ndarray]] = {}
    failures: dict[str, str] = {}
    for name, candidate in candidates.items():
        try:
            results[name] = cross_validate(
                candidate,
                X,
                y,
                cv=folds,
                scoring=_MeasuringScorer(scorer),
                n_jobs=n_jobs,
                error_score="raise",
            )
        except Exception as error:  # candidates are anybody's code
            if len(failures) == len(candidates) - 1:
                raise TrainingError(
                    f"Every candidate failed, the last one, {name!r}, with "
                    f"{type(error).__name__}: {error}"
                ) from error
            failures[name] = f"{type(error).__name__}: {error}"
            warn_user(
                f"Candidate {name!r} failed and is not ranked. {failures[name]}", TrainingWarning
            )
    return _gather(scorer.names, results, failures, context, folds)


class _MeasuringScorer:
    """Scores, and what else is worth knowing of a fitted candidate before it is dropped."""

    def __init__(self, scorer: MultiScorer) -> None:
        self.scorer = scorer

    def __call__(self, estimator: Any, X: Any, y: Any) -> dict[str, float]:
        start = time.perf_counter()
        scores = self.scorer(estimator, X, y)
        seconds = time.perf_counter() - start
        return {
            **scores,
            "seconds": seconds,
            "n_parameters": _count_parameters(estimator),
            "n_bytes": _count_bytes(estimator),
        }


def _count_parameters(estimator: Any) -> float:
    """Weights of the Keras network, also of one in a pipeline or search; nan without one."""
    return float(getattr(innermost(estimator), "n_parameters_", float("nan")))


def _count_bytes(estimator: Any) -> float:
    try:
        return float(len(pickle.dumps(estimator)))
    except (pickle.PicklingError, AttributeError, TypeError):  # classes inside functions
        return float("nan")


def _check_candidates(candidates: Any) -> None:
    if not isinstance(candidates, Mapping):
        raise InvalidTypeError(
            f"candidates must be a dict of names and segmenters; got {type(candidates).__name__}. "
            "Write {'threshold': ThresholdSegmenter(), 'unet': UNetSegmenter()}."
        )
    if not candidates:
        raise InvalidInputError(
            "candidates must hold at least one segmenter; got an empty dict. Write "
            "{'threshold': ThresholdSegmenter(), 'unet': UNetSegmenter()}."
        )
    for name, candidate in candidates.items():
        if isinstance(candidate, type) or not (
            hasattr(candidate, "fit") and hasattr(candidate, "get_params")
        ):
            kind = candidate.__name__ if isinstance(candidate, type) else type(candidate).__name__
            raise InvalidTypeError(
                f"candidates[{name!r}] must be a segmenter, an instance such as UNetSegmenter(); "
                f"got {kind}."
            )


def _make_scorer(scoring: Any) -> MultiScorer:
    if scoring is None:
        return make_scoring(*_SCORING)
    if isinstance(scoring, str):
        return make_scoring(scoring)
    if isinstance(scoring, Sequence) and all(isinstance(name, str) for name in scoring):
        return make_scoring(*scoring)
    raise InvalidTypeError(
        "scoring must be the name of a score, or several, such as ['v_rand_mask', 'iou']; got "
        f"{scoring!r}. The names are the keys of membseg.metrics.SCORERS."
    )


def _check_context(context: Any, names: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Copy the context; refuse figures that no column would show."""
    rows = {} if context is None else context
    if not isinstance(rows, Mapping) or not all(isinstance(v, Mapping) for v in rows.values()):
        raise InvalidTypeError(
            f"context must be a dict of dicts, {{name: {{score: value}}}}; got {context!r}."
        )
    found: dict[str, dict[str, float]] = {}
    for row, figures in rows.items():
        for score, value in figures.items():
            if score not in names:
                raise InvalidInputError(
                    f"context[{row!r}] must name scores in scoring, {', '.join(names)}; got "
                    f"{score!r}. Leave it out, or add it to scoring."
                )
            if not isinstance(value, Real) or not math.isfinite(value):
                raise InvalidInputError(
                    f"context[{row!r}][{score!r}] must be a finite number; got {value!r}."
                )
        found[row] = {score: float(value) for score, value in figures.items()}
    return found


def _gather(
    names: tuple[str, ...],
    results: dict[str, dict[str, np.ndarray]],
    failures: dict[str, str],
    context: dict[str, dict[str, float]],
    folds: list[tuple[np.ndarray, np.ndarray]],
) -> SegmenterComparison:
    """Turn scikit-learn's results into plain numbers, losses with their own sign."""

    def first_known(values: np.ndarray) -> int | None:
        known = values[~np.isnan(values)]
        return int(known[0]) if len(known) else None

    return SegmenterComparison(
        scoring=names,
        scores={
            candidate: {
                name: (SCORERS[name].sign * result[f"test_{name}"]).tolist() for name in names
            }
            for candidate, result in results.items()
        },
        fit_seconds={name: result["fit_time"].tolist() for name, result in results.items()},
        score_seconds={name: result["test_seconds"].tolist() for name, result in results.items()},
        n_parameters={
            name: first_known(result["test_n_parameters"]) for name, result in results.items()
        },
        n_bytes={name: first_known(result["test_n_bytes"]) for name, result in results.items()},
        n_train=[len(train) for train, _ in folds],
        n_test=[len(test) for _, test in folds],
        failures=failures,
        context=context,
    )

"""Records of a search: one a candidate, and that of the best one's refit."""

import os
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import clone

from membseg.exceptions import InvalidTypeError
from membseg.metrics import SCORERS, MultiScorer, SegmentationScorer
from membseg.records._files import make_folder, save_record
from membseg.records._make import (
    check_pair,
    describe_estimator_fields,
    fingerprint_for,
    new_identity,
)
from membseg.records._record import ExperimentRecord
from membseg.records._record_experiment import record_experiment
from membseg.records._record_table import RecordTable


def record_search(
    search: Any,
    X: Any,
    y: Any,
    *,
    X_test: Any = None,
    y_test: Any = None,
    scoring: str | Sequence[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    name: str | None = None,
    notes: str | None = None,
    tags: Sequence[str] = (),
) -> RecordTable:
    """Write down all candidates of a search, and the best one's refit.

    Parameters
    ----------
    search : search
        Fitted, with ``cv_results_``: GridSearchCV, RandomizedSearchCV, BayesSearchCV and others.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        The images that it was fitted on.
    y : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Their masks.
    X_test : array-like of shape (n_images, height, width[, channels]) or list, default=None
        Images to score the refit on. None scores the images of training, as "train".
    y_test : array-like of shape (n_images, height, width) or list of arrays, default=None
        Their masks.
    scoring : str, sequence of str, or None, default=None
        Names of the refit's scores, as in :func:`membseg.record_experiment`; candidates have those
        of the search.
    folder : str or path-like or None, default=None
        Where to write the records, as :func:`membseg.records.save_record` does; None writes
        nothing.
    name, notes : str or None, default=None
        What each record says.
    tags : sequence of str, default=()
        The same.

    Returns
    -------
    RecordTable
        A record a candidate, with the mean over folds as the set "cv" and the values in
        ``fold_scores``, then that of the refit, if there was one. Their ``origin`` has the same
        "group".

    Raises
    ------
    InvalidTypeError
        If `search` is no fitted search.
    InvalidInputError
        If another argument cannot be used.
    RecordError
        If `folder` cannot be written to.

    Examples
    --------
    >>> from membseg import SliceBlockKFold, ThresholdSegmenter, make_membranes
    >>> from membseg.records import record_search
    >>> from sklearn.model_selection import GridSearchCV
    >>> X, y = make_membranes(6, 48, 48, random_state=0)
    >>> folds = SliceBlockKFold(3, gap=0)
    >>> search = GridSearchCV(ThresholdSegmenter(), {"sigma": [0.0, 4.0]}, cv=folds).fit(X, y)
    >>> records = record_search(search, X, y, scoring="iou")
    >>> [(record.parameters["sigma"], list(record.scores)) for record in records]
    [(0.0, ['cv']), (4.0, ['cv']), (0.0, ['train'])]
    """
    if not isinstance(getattr(search, "cv_results_", None), dict):
        raise InvalidTypeError(
            "search must be a fitted search with cv_results_, such as GridSearchCV(...).fit(X, y);"
            f" got {type(search).__name__}. Of a search without, record best_estimator_ with "
            "record_experiment."
        )
    check_pair(X_test, y_test)
    place = None if folder is None else make_folder(folder)
    common: dict[str, Any] = {
        "name": name,
        "notes": notes,
        "tags": [tags] if isinstance(tags, str) else list(tags),
    }
    group = uuid.uuid4().hex[:8]
    data = {"cv": fingerprint_for(search.estimator, X, y, ("X", "y"))}
    records = [
        ExperimentRecord(**_describe(search, number, group), **common, data=data)
        for number in range(len(search.cv_results_["params"]))
    ]
    best = getattr(search, "best_estimator_", None)
    if best is not None:
        tested: dict[str, Any] = {"X_test": X_test, "y_test": y_test, "scoring": scoring}
        record = record_experiment(best, X, y, **tested, **common)
        origin = _origin(search, int(search.best_index_), group) | {"is_refit": True}
        records.append(replace(record, origin=origin))
    if place is not None:
        for record in records:
            save_record(record, place)
    return RecordTable(tuple(records))


def _describe(search: Any, number: int, group: str) -> dict[str, Any]:
    """Give the fields of one candidate's record."""
    results = search.cv_results_
    scores: dict[str, float] = {}
    fold_scores: dict[str, list[float]] = {}
    for key, (name, sign) in _scores(search).items():
        folds: list[float] = []
        while f"split{len(folds)}_test_{key}" in results:
            folds.append(sign * float(results[f"split{len(folds)}_test_{key}"][number]))
        # A candidate that failed has scores that are not numbers, and no place for them here.
        if np.isfinite(folds).all():
            scores[name] = sign * float(results[f"mean_test_{key}"][number])
            fold_scores[name] = folds
    params = clone(results["params"][number], safe=False)
    return {
        **new_identity(),
        **describe_estimator_fields(clone(search.estimator).set_params(**params)),
        "scores": {"cv": scores},
        "fold_scores": fold_scores,
        "timings": {"fit": float(results["mean_fit_time"][number])},
        "origin": _origin(search, number, group),
    }


def _scores(search: Any) -> dict[str, tuple[str, int]]:
    """Tell the names in the results from the scores' own, and the signs by which they differ."""
    scorer = search.scorer_
    found = {}
    for column in search.cv_results_:
        if not column.startswith("mean_test_"):
            continue
        key = column.removeprefix("mean_test_")
        one = scorer.get(key) if isinstance(scorer, dict) else scorer
        if isinstance(one, SegmentationScorer):
            found[key] = (one.name if key == "score" else key, one.sign)
        elif isinstance(one, MultiScorer):
            found[key] = (key, SCORERS[key].sign)
        else:
            found[key] = (key, 1)
    return found


def _origin(search: Any, number: int, group: str) -> dict[str, Any]:
    ranks = [k for k in search.cv_results_ if k.startswith("rank_test_")]
    refit = f"rank_test_{search.refit}"
    column = refit if refit in ranks else (ranks[0] if ranks else None)
    rank = None if column is None else int(search.cv_results_[column][number])
    return {"kind": type(search).__name__, "group": group, "candidate": number, "rank": rank}

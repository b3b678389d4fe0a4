"""Records of a comparison: one a candidate."""

import os
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.model_selection import SegmenterComparison
from membseg.records._environment import describe_environment
from membseg.records._files import make_folder, save_record
from membseg.records._make import (
    check_pair,
    describe_estimator_fields,
    fingerprint_for,
    new_identity,
)
from membseg.records._parameters import check_estimator
from membseg.records._record import ExperimentRecord
from membseg.records._record_table import RecordTable


def record_comparison(
    comparison: SegmenterComparison,
    *,
    candidates: Mapping[str, Any] | None = None,
    X: Any = None,
    y: Any = None,
    folder: str | os.PathLike[str] | None = None,
    notes: str | None = None,
    tags: Sequence[str] = (),
) -> RecordTable:
    """Write down all candidates of a comparison.

    Parameters
    ----------
    comparison : SegmenterComparison
        What :func:`membseg.compare_segmenters` found.
    candidates : dict of str to segmenter, or None, default=None
        What it was given, for the parameters; without it records name the candidates only.
    X : array-like of shape (n_images, height, width[, channels]) or list, default=None
        The images that were compared on, for their fingerprint; needs `candidates`.
    y : array-like of shape (n_images, height, width) or list of arrays, default=None
        Their masks.
    folder : str or path-like or None, default=None
        Where to write the records, as :func:`membseg.records.save_record` does; None writes
        nothing.
    notes : str or None, default=None
        What each record says; of a candidate that failed also why.
    tags : sequence of str, default=()
        What each record says.

    Returns
    -------
    RecordTable
        A record a candidate, best first, then those that failed: the mean over folds as the set
        "cv" and the values in ``fold_scores``. Their ``origin`` has the same "group".

    Raises
    ------
    InvalidTypeError
        If `comparison` is no comparison, or `candidates` no dict of segmenters.
    InvalidInputError
        If a candidate is missing, or `X` is given without `y` or `candidates`.
    RecordError
        If `folder` cannot be written to.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, compare_segmenters, make_membranes
    >>> from membseg.records import record_comparison
    >>> X, y = make_membranes(6, 48, 48, random_state=0)
    >>> candidates = {"sharp": ThresholdSegmenter(sigma=0), "smooth": ThresholdSegmenter(sigma=2)}
    >>> found = compare_segmenters(candidates, X, y, cv=3, scoring=["iou", "ece"])
    >>> records = record_comparison(found, candidates=candidates, X=X, y=y)
    >>> [(record.name, record.parameters["sigma"]) for record in records]
    [('sharp', 0), ('smooth', 2)]
    """
    if not isinstance(comparison, SegmenterComparison):
        raise InvalidTypeError(
            f"comparison must be what compare_segmenters gives; got {type(comparison).__name__}."
        )
    _check_candidates(comparison, candidates)
    check_pair(X, y, ("X", "y"))
    if X is not None and not candidates:
        raise InvalidInputError(
            "candidates must be given where X is, since they say what is membrane in y; got None. "
            "Give what compare_segmenters was given."
        )
    place = None if folder is None else make_folder(folder)
    group = uuid.uuid4().hex[:8]
    records = []
    for rank, name in enumerate([*comparison.ranking, *comparison.failures], start=1):
        candidate = None if candidates is None else candidates[name]
        data = {} if X is None else {"cv": fingerprint_for(candidate, X, y, ("X", "y"))}
        failure = comparison.failures.get(name)
        said = [text for text in (notes, failure and f"Failed: {failure}") if text]
        records.append(
            ExperimentRecord(
                **new_identity(),
                **_describe(candidate),
                **_results(comparison, name),
                name=name,
                notes="\n\n".join(said) or None,
                tags=[tags] if isinstance(tags, str) else list(tags),
                data=data,
                origin={
                    "kind": "compare_segmenters",
                    "group": group,
                    "rank": None if failure else rank,
                    "n_train": comparison.n_train,
                    "n_test": comparison.n_test,
                },
            )
        )
    if place is not None:
        for record in records:
            save_record(record, place)
    return RecordTable(tuple(records))


def _check_candidates(comparison: SegmenterComparison, candidates: Any) -> None:
    if candidates is None:
        return
    if not isinstance(candidates, Mapping):
        raise InvalidTypeError(
            "candidates must be the dict of names and segmenters that compare_segmenters was given;"
            f" got {type(candidates).__name__}."
        )
    for name in [*comparison.ranking, *comparison.failures]:
        if name not in candidates:
            raise InvalidInputError(
                f"candidates must hold all that were compared; {name!r} is missing. Give what "
                "compare_segmenters was given."
            )
        check_estimator(candidates[name], f"candidates[{name!r}]")


def _describe(candidate: Any) -> dict[str, Any]:
    if candidate is None:
        return {"estimator_class": "not recorded", "environment": describe_environment()}
    return describe_estimator_fields(candidate)


def _results(comparison: SegmenterComparison, name: str) -> dict[str, Any]:
    """Give what was found of one candidate; of one that failed, nothing."""
    folds = comparison.scores.get(name)
    if folds is None:
        return {}
    n_parameters = comparison.n_parameters[name]
    return {
        "scores": {"cv": {score: float(np.mean(values)) for score, values in folds.items()}},
        "fold_scores": folds,
        "timings": {"fit": float(np.mean(comparison.fit_seconds[name]))},
        "fitted": {} if n_parameters is None else {"n_parameters": n_parameters},
    }

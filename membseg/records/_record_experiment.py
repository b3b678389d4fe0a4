"""The record of a fitted segmenter, made and written in one call."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.utils.validation import check_is_fitted

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.records._attachments import save_figures, save_model_file
from membseg.records._files import make_folder, save_record
from membseg.records._make import (
    check_pair,
    describe_fit_fields,
    digest_fit_params,
    fingerprint_for,
    new_identity,
)
from membseg.records._parameters import check_estimator
from membseg.records._record import ExperimentRecord
from membseg.records._scoring import score, scoring_names


def record_experiment(
    segmenter: Any,
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
    split: Mapping[str, Any] | None = None,
    fit_params: Mapping[str, Any] | None = None,
    figures: Mapping[str, Any] | None = None,
    save_model: bool = False,
    markdown: bool = False,
    intended_use: str | None = None,
    limits: str | None = None,
) -> ExperimentRecord:
    """Write down everything about a segmenter that was fitted.

    Parameters
    ----------
    segmenter : segmenter
        Fitted; also a pipeline with one, or a search, whose best estimator is meant.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        The images that it was fitted on; each is read once, for its digest.
    y : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Their masks.
    X_test : array-like of shape (n_images, height, width[, channels]) or list, default=None
        Images to score it on. None scores the images of training, as "train".
    y_test : array-like of shape (n_images, height, width) or list of arrays, default=None
        Their masks.
    scoring : str, sequence of str, or None, default=None
        Names in :data:`membseg.metrics.SCORERS`. None: "v_rand", "v_info", "v_rand_mask",
        "v_info_mask", "iou", "dice", "ece".
    folder : str or path-like or None, default=None
        Where to write the record and its row in the spreadsheet, as
        :func:`membseg.records.save_record` does; made where it does not exist. None writes
        nothing.
    name, notes : str or None, default=None
        What to call it, and what else to keep in mind.
    tags : sequence of str, default=()
        Words to find it by.
    split : dict of str to array-like or None, default=None
        Which slices of the whole are in which set, such as ``{"train": [0, 1], "test": [2]}``,
        and ``groups``.
    fit_params : dict of str to object or None, default=None
        What fit was given besides `X` and `y`, such as ``{"groups": groups}``; a digest of each is
        kept.
    figures : dict of str to (matplotlib Figure or path) or None, default=None
        Figures by name; they are written, or copied, to `folder`.
    save_model : bool, default=False
        Whether to save the segmenter to `folder` too, as :func:`membseg.save` does.
    markdown : bool, default=False
        Whether to write the model card, ``<id>.md``, too.
    intended_use, limits : str or None, default=None
        What the model card says about them.

    Returns
    -------
    ExperimentRecord
        The record.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If an argument cannot be used.
    sklearn.exceptions.NotFittedError
        If the segmenter is not fitted.
    RecordError
        If `folder` cannot be written to.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, make_membranes, record_experiment
    >>> X, y = make_membranes(4, 48, 48, random_state=0)
    >>> segmenter = ThresholdSegmenter(sigma=1.0).fit(X[:3], y[:3])
    >>> record = record_experiment(
    ...     segmenter, X[:3], y[:3], X_test=X[3:], y_test=y[3:], scoring="iou", tags=["baseline"]
    ... )
    >>> record.parameters["sigma"], record.tags, list(record.scores["test"])
    (1.0, ['baseline'], ['iou'])
    """
    check_estimator(segmenter, "segmenter")
    segmenter = getattr(segmenter, "best_estimator_", segmenter)
    check_is_fitted(segmenter)
    scores = scoring_names(scoring)
    check_pair(X_test, y_test)
    for what, value in (("split", split), ("fit_params", fit_params), ("figures", figures)):
        if not isinstance(value, Mapping | None):
            raise InvalidTypeError(f"{what} must be a dict or None; got {type(value).__name__}.")
    if folder is None and (figures or save_model or markdown):
        raise InvalidInputError(
            "folder must be given where figures, save_model or markdown are, since these are "
            "files; got None."
        )
    place = None if folder is None else make_folder(folder)
    identity = new_identity()
    content = describe_fit_fields(segmenter)
    data = {"train": fingerprint_for(segmenter, X, y, ("X", "y"))}
    scored = ("train", X, y)
    if X_test is not None:
        data["test"] = fingerprint_for(segmenter, X_test, y_test, ("X_test", "y_test"))
        scored = ("test", X_test, y_test)
    values, seconds = score(segmenter, scored[1], scored[2], scores)
    content["timings"]["predict"] = seconds
    if place is not None:
        content["figures"] = save_figures(figures or {}, place, identity["id"])
        if save_model:
            content["model_file"] = save_model_file(segmenter, place, identity["id"])
    record = ExperimentRecord(
        **identity,
        **content,
        name=name,
        notes=notes,
        tags=[tags] if isinstance(tags, str) else list(tags),
        data=data,
        fit_params=digest_fit_params(fit_params),
        split={name: list(slices) for name, slices in (split or {}).items()},
        scores={scored[0]: values},
        intended_use=intended_use,
        limits=limits,
    )
    if place is not None:
        save_record(record, place, markdown=markdown)
    return record

"""Analyse a segmenter on labelled images."""

from typing import Any

import numpy as np

from membseg.analysis._analysis import Analysis
from membseg.analysis._bootstrap import draw_scores, interval
from membseg.analysis._curves import curves_of
from membseg.analysis._events import CellEvent, Slivers, events_of, rank_events
from membseg.analysis._find_merges_and_splits import check_slivers, check_whole
from membseg.analysis._gap import GAP_SCORES, TrainingGap, training_gap
from membseg.analysis._pixels import (
    Judged,
    by_border,
    by_brightness,
    by_region,
    by_thickness,
    by_z,
    count_where,
    rates,
)
from membseg.analysis._weighted import WeightedScores
from membseg.exceptions import InvalidInputError
from membseg.metrics._checks import check_inside
from membseg.metrics._evaluation import METRICS, Evaluation
from membseg.metrics._pairs import Pairs
from membseg.metrics._responses import evaluate_segmenter
from membseg.utils import IGNORED, check_images, innermost, make_rng

#: The methods of a segmenter whose results are judged.
_RESPONSES = ("predict", "predict_proba", "predict_instances")


def analyse(
    segmenter: Any,
    X: Any,
    y: Any,
    *,
    X_train: Any = None,
    y_train: Any = None,
    rank_by: str = "iou",
    region_size: int = 128,
    n_bins: int = 6,
    min_overlap: int = 10,
    min_share: float = 0.1,
    tolerance: float = 1.0,
    level: float = 0.95,
    n_resamples: int = 1000,
    random_state: Any = 0,
) -> Analysis:
    """Find out where a segmenter is right, where it is wrong, and how sure that is.

    Parameters
    ----------
    segmenter : segmenter
        Fitted; a pipeline or search around one will do.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images that it was not trained on, in z order.
    y : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Their true masks, with the values seen in fit. Images without a labelled pixel are left
        out.
    X_train : array-like or list, as `X`, or None, default=None
        Images that it was trained on, to tell whether it is overfitted.
    y_train : array-like or list, as `y`, or None, default=None
        Their masks.
    rank_by : str, default="iou"
        The score, a key of :data:`membseg.metrics.SCORERS`, by which images are the worst.
    region_size : int, default=128
        Side of the squares, in pixels, in which errors are counted.
    n_bins : int, default=6
        Bins of thickness, of brightness and of z, at least 1.
    min_overlap : int, default=10
        As in :func:`find_merges_and_splits`.
    min_share : float, default=0.1
        As in :func:`find_merges_and_splits`.
    tolerance : float, default=1.0
        As in :func:`find_merges_and_splits`.
    level : float, default=0.95
        Share of the draws that intervals hold, in (0, 1).
    n_resamples : int, default=1000
        Sets of images that are drawn for the intervals, at least 1.
    random_state : int, Generator, RandomState or None, default=0
        Source of randomness.

    Returns
    -------
    Analysis
        Scores with intervals, tables of errors, merges and splits.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If images, masks or parameters cannot be used, or one of `X_train` and `y_train` is
        missing.

    See Also
    --------
    membseg.quality_report : What can be told of images without masks.
    membseg.write_report : All of it as one page.

    Notes
    -----
    Intervals are percentiles of the scores of sets of images drawn with replacement. Pixels of one
    image are alike, so that images and not pixels are drawn; with fewer than about eight images
    intervals are too narrow, and with a single one there is none. Thickness is that of the true
    membrane, brightness that of the surroundings (a Gaussian of 8 px) in standard deviations of the
    image's grey values. Cells are those of the segmenter where it has ``predict_instances``, else
    the components of its masks.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, analyse, make_membranes
    >>> X, y = make_membranes(6, 64, 64, random_state=0)
    >>> segmenter = ThresholdSegmenter().fit(X[:2], y[:2])
    >>> found = analyse(segmenter, X[2:], y[2:], n_resamples=100)
    >>> found["iou"] == segmenter.score(X[2:], y[2:])
    True
    >>> len(found.images), len(found.worst), sorted(found.errors)
    (4, 4, ['border', 'brightness', 'thickness', 'z'])
    """
    slivers = check_slivers(min_overlap, min_share, tolerance)
    _check_parameters(rank_by, region_size, n_bins, level, n_resamples, X_train, y_train)
    rng = make_rng(random_state)
    images = check_images(X)
    evaluation, numbers = _evaluate(segmenter, X, y, _RESPONSES)
    scores = WeightedScores(evaluation, METRICS)
    judged = [
        Judged(number, images.images[number], truth, guess == 1)
        for number, truth, guess in zip(
            numbers, evaluation.masks.truth, evaluation.masks.guess, strict=True
        )
    ]
    events = _events(evaluation, numbers, slivers)
    errors = {
        "border": by_border(judged),
        "thickness": by_thickness(judged, n_bins),
        "brightness": by_brightness(judged, n_bins),
        "z": by_z(judged, n_bins),
    }
    curves = curves_of(scores.histograms)
    return Analysis(
        segmenter=type(innermost(segmenter)).__name__,
        threshold=float(getattr(innermost(segmenter), "threshold_", np.nan)),
        level=float(level),
        scores=_score_rows(scores, level, n_resamples, rng),
        images=tuple(_image_row(*parts, events) for parts in zip(judged, scores.rows, strict=True)),
        regions=tuple(by_region(judged, int(region_size))),
        errors={name: tuple(rows) for name, rows in errors.items()},
        curves={name: tuple(rows) for name, rows in curves.items()},
        events=tuple(events),
        gap=_gap(segmenter, X_train, y_train, scores, level, n_resamples, rng),
        ranked_by=rank_by,
        higher_is_better=METRICS[rank_by].higher_is_better,
    )


def _check_parameters(
    rank_by: Any,
    region_size: Any,
    n_bins: Any,
    level: Any,
    n_resamples: Any,
    X_train: Any,
    y_train: Any,
) -> None:
    if rank_by not in METRICS:
        listed = ", ".join(repr(name) for name in METRICS)
        raise InvalidInputError(f"rank_by must be one of {listed}; got {rank_by!r}.")
    whole = {"region_size": region_size, "n_bins": n_bins, "n_resamples": n_resamples}
    for name, value in whole.items():
        check_whole(value, name, low=1)
    check_inside(level, "level", "the share of the draws that an interval holds")
    if (X_train is None) != (y_train is None):
        missing = "X_train" if X_train is None else "y_train"
        raise InvalidInputError(
            f"X_train and y_train must be given together; {missing} is None. Give the images and "
            "the masks that the segmenter was trained on, or neither."
        )


def _evaluate(
    segmenter: Any, X: Any, y: Any, responses: tuple[str, ...]
) -> tuple[Evaluation, list[int]]:
    """Predict, and keep the images that have labelled pixels, with their numbers."""
    whole = evaluate_segmenter(segmenter, X, y, None, responses)
    numbers = [i for i, t in enumerate(whole.masks.truth) if (t != IGNORED).any()]
    kept = {
        name: Pairs([p.truth[i] for i in numbers], [p.guess[i] for i in numbers], None)
        for name, p in whole.pairs.items()
    }
    return Evaluation(kept), numbers


def _score_rows(
    scores: WeightedScores, level: float, n_resamples: int, rng: np.random.Generator
) -> tuple[dict[str, Any], ...]:
    drawn = draw_scores(scores, METRICS, n_resamples, rng)
    rows = []
    for name, value in scores.values().items():
        low, high = interval(drawn[name], level)
        row = {"score": name, "value": value, "low": low, "high": high}
        rows.append(row | {"higher_is_better": METRICS[name].higher_is_better})
    return tuple(rows)


def _events(evaluation: Evaluation, numbers: list[int], slivers: Slivers) -> list[CellEvent]:
    cells = evaluation.cells
    pairs = zip(numbers, cells.truth, cells.guess, strict=True)
    return rank_events(
        [event for i, truth, guess in pairs for event in events_of(truth, guess, slivers, i)]
    )


def _image_row(one: Judged, scores: dict[str, float], events: list[CellEvent]) -> dict[str, Any]:
    counts = count_where(one)
    found = rates(counts)
    here = [event.kind for event in events if event.image == one.number]
    predicted = counts[1] - counts[2] + counts[3]
    return {
        "image": one.number,
        "true_membrane": float(counts[1] / counts[0]),
        "predicted_membrane": float(predicted / counts[0]),
        **{name: found[name] for name in ("error", "missed", "invented")},
        "merges": here.count("merge"),
        "splits": here.count("split"),
        **scores,
    }


def _gap(
    segmenter: Any,
    X_train: Any,
    y_train: Any,
    held_out: WeightedScores,
    level: float,
    n_resamples: int,
    rng: np.random.Generator,
) -> TrainingGap | None:
    if X_train is None:
        return None
    evaluation, _ = _evaluate(segmenter, X_train, y_train, ("predict", "predict_proba"))
    training = WeightedScores(evaluation, GAP_SCORES)
    return training_gap(training, held_out, level=level, n_resamples=n_resamples, rng=rng)

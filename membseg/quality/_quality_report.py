"""A table of what can be told of predictions without the truth."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.metrics._checks import check_number
from membseg.model_selection._out_of_fold import call_method
from membseg.quality._agreement import neighbour_agreement
from membseg.quality._confidence import mean_confidence, view_consistency
from membseg.quality._inputs import (
    as_membranes,
    check_pixel_size,
    membranes_are_dark,
    standard_grey,
)
from membseg.quality._measures import MEASURES, ImageView, Opinion, measure_mask
from membseg.quality._plausibility import plausibility
from membseg.quality._quality_model import QualityModel
from membseg.quality._quality_table import QualityTable
from membseg.quality._reference import Usual, learn_usual, say_deviation, z_score
from membseg.utils import ImageStack, check_images, check_same_sizes, innermost

#: What a mask must have for the rest to be measured, by the value of its share of membrane.
_DEGENERATE = {0.0: "there is no membrane at all", 1.0: "all pixels are membrane"}

_VIEWS = ("none", "flips", "d4")


def quality_report(
    segmenter: Any,
    X: Any,
    *,
    masks: Any = None,
    reference: Any = None,
    baseline: Any = None,
    views: str = "none",
    thickness: tuple[float, float] | None = None,
    area: tuple[float, float] | None = None,
    pixel_size: float | None = None,
    unit: str = "nm",
    scale: float = 2.0,
    z_limit: float = 3.0,
    membrane_label: Any = None,
) -> QualityTable:
    """Tell of each image what its prediction looks like, and what is unusual about it.

    Parameters
    ----------
    segmenter : segmenter or None
        Fitted; a pipeline or search around one will do. None where `masks` are given.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images in z order, without masks.
    masks : array-like, list of (height, width) arrays, or None, default=None
        Masks to judge instead of the segmenter's own.
    reference : QualityModel, dict or None, default=None
        What is usual. A fitted :class:`QualityModel`: what its labelled slices teach; the scores
        that it predicts are columns too. A dict of column to (mean, standard deviation): what is
        known, for these columns. None: the other images, by median and median deviation.
    baseline : segmenter or None, default=None
        Another fitted segmenter, whose masks are the second opinion. None where `reference` is a
        model, whose segmenter has that part.
    views : {"none", "flips", "d4"}, default="none"
        In which views of the images the segmenter is asked whether it agrees with itself; each
        costs a prediction.
    thickness : tuple (low, high) or None, default=None
        The thickness that membranes are expected to have, in `unit`, as in :func:`plausibility`.
    area : tuple (low, high) or None, default=None
        The area that cells are expected to have, in `unit` squared.
    pixel_size : float or None, default=None
        Side of a pixel in `unit`; adds columns in nanometres.
    unit : str, default="nm"
        Unit of `pixel_size`, `thickness` and `area`; "px" for ranges in pixels.
    scale : float, default=2.0
        Scale of the ridge filter, in pixels; that of `reference` if it is a model.
    z_limit : float, default=3.0
        Values further than so many standard deviations from what is usual are flagged, if that
        side of it is a bad sign.
    membrane_label : scalar or None, default=None
        The value of membrane in `masks`; None takes that of the segmenter or the model where the
        masks hold its values, else the larger.

    Returns
    -------
    QualityTable
        One row an image; it prints as text, the images with most flags first.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If images, masks or predictions do not fit each other, or a parameter cannot be used.
    NotFittedError
        If `reference` is a model that is not fitted.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, make_membranes, quality_report
    >>> X, y = make_membranes(6, 64, 64, random_state=0)
    >>> segmenter = ThresholdSegmenter().fit(X[:2], y[:2])
    >>> masks = segmenter.predict(X)
    >>> masks[4] = 0
    >>> table = quality_report(None, X, masks=masks)
    >>> 4 in table.outliers, table[4]["flags"]
    (True, ['there is no membrane at all'])
    """
    _check_parameters(segmenter, masks, reference, baseline, views, z_limit)
    check_number(scale, "scale", low=0, open_low=True)
    size = None if unit == "px" else check_pixel_size(pixel_size, unit)
    images = check_images(X)
    found, name = _masks_of(segmenter, X, masks, reference, membrane_label)
    check_same_sizes(images.sizes, [m.shape for m in found], names=("X", name))
    expected = _verdicts(found, thickness, area, pixel_size, unit)

    rows = _measure(X, images, found, reference, baseline, scale)
    codes = [mask.astype(np.uint8) for mask in found]
    _add_column(rows, "neighbours", neighbour_agreement(codes, membrane_label=1))
    if segmenter is not None and masks is None:
        maps = call_method(segmenter, "predict_membrane", X)
        _add_column(rows, "confidence", mean_confidence(maps))
    if segmenter is not None and views != "none":
        _add_column(rows, "consistency", view_consistency(segmenter, X, views=views))
    usual = _usual(rows, reference)
    table = [
        _finish(i, row, usual, expected.get(i, []), reference, size, z_limit)
        for i, row in enumerate(rows)
    ]
    skill = reference.skill_ if isinstance(reference, QualityModel) else {}
    return QualityTable(tuple(table), {name: str(value) for name, value in skill.items()})


def _check_parameters(
    segmenter: Any, masks: Any, reference: Any, baseline: Any, views: str, z_limit: float
) -> None:
    if segmenter is None and masks is None:
        raise InvalidInputError(
            "segmenter must be a fitted segmenter where no masks are given; got None. Give one, "
            "or the masks to judge as masks."
        )
    if views not in _VIEWS:
        raise InvalidInputError(f"views must be 'none', 'flips' or 'd4'; got {views!r}.")
    if views != "none" and segmenter is None:
        raise InvalidInputError(
            f"segmenter must be given where views are asked for; got None with views={views!r}."
        )
    check_number(z_limit, "z_limit", low=0, open_low=True)
    if isinstance(reference, dict):
        _check_reference(reference)
    elif isinstance(reference, QualityModel):
        check_is_fitted(reference)
        if baseline is not None:
            raise InvalidInputError(
                "baseline must be None where reference is a QualityModel, whose segmenter is the "
                f"second opinion; got {type(baseline).__name__}. Give QualityModel that segmenter."
            )
    elif reference is not None:
        raise InvalidTypeError(
            "reference must be a QualityModel, a dict of column to (mean, standard deviation), or "
            f"None; got {type(reference).__name__}."
        )


def _check_reference(reference: dict[str, Any]) -> None:
    for name, pair in reference.items():
        if name not in MEASURES:
            raise InvalidInputError(
                f"reference must name columns of the table, {', '.join(MEASURES)}; got {name!r}."
            )
        try:
            mean, std = (float(value) for value in pair)
        except (TypeError, ValueError):
            mean = std = float("nan")
        if not (np.isfinite(mean) and np.isfinite(std) and std > 0):
            raise InvalidInputError(
                f"reference[{name!r}] must be a mean and a standard deviation above 0; got "
                f"{pair!r}."
            )
        if MEASURES[name].log and not mean > 0:
            raise InvalidInputError(f"reference[{name!r}] must have a mean above 0; got {pair!r}.")


def _masks_of(
    segmenter: Any, X: Any, masks: Any, reference: Any, membrane_label: Any
) -> tuple[list[np.ndarray], str]:
    """Give the masks to judge, and how messages call them."""
    if masks is None:
        return _predict_membranes(segmenter, X), "predict(X)"
    known = innermost(segmenter) if segmenter is not None else reference
    classes = getattr(known, "classes_", None)
    return as_membranes(masks, membrane_label=membrane_label, classes=classes), "masks"


def _predict_membranes(segmenter: Any, X: Any) -> list[np.ndarray]:
    classes = innermost(segmenter).classes_
    return as_membranes(segmenter.predict(X), classes=classes, name="predict(X)")


def _verdicts(
    found: list[np.ndarray], thickness: Any, area: Any, pixel_size: Any, unit: str
) -> dict[int, list[str]]:
    """Sentences about what is implausible, by image."""
    if thickness is None and area is None:
        return {}
    verdicts = plausibility(
        [m.astype(np.uint8) for m in found], thickness=thickness, area=area,
        pixel_size=pixel_size, unit=unit, membrane_label=1,
    )  # fmt: skip
    texts: dict[int, list[str]] = {}
    for verdict in verdicts:
        if not verdict.ok:
            texts.setdefault(verdict.image, []).append(str(verdict).partition(": ")[2])
    return texts


def _measure(
    X: Any,
    images: ImageStack,
    found: list[np.ndarray],
    reference: Any,
    baseline: Any,
    scale: float,
) -> list[dict[str, float]]:
    if isinstance(reference, QualityModel):
        return reference.measure(X, [m.astype(np.uint8) for m in found], membrane_label=1)
    greys = [standard_grey(image) for image in images.images]
    dark = membranes_are_dark(greys, found)
    opinions: list[Any] = [None] * len(found)
    if baseline is not None:
        masks = _predict_membranes(baseline, X)
        check_same_sizes(images.sizes, [m.shape for m in masks], names=("X", "baseline.predict(X)"))
        opinions = [Opinion.of(mask) for mask in masks]
    return [
        measure_mask(ImageView.of(image, scale=scale, dark=dark), membrane, opinion)
        for image, membrane, opinion in zip(images.images, found, opinions, strict=True)
    ]


def _add_column(rows: list[dict[str, float]], name: str, values: np.ndarray) -> None:
    for row, value in zip(rows, values, strict=True):
        row[name] = float(value)


def _usual(rows: list[dict[str, float]], reference: Any) -> dict[str, Usual]:
    if isinstance(reference, QualityModel):
        # What no labelled mask can tell is compared among the images.
        return learn_usual(rows, robust=True) | reference.usual_
    if isinstance(reference, dict):
        return {name: _as_usual(name, *pair) for name, pair in reference.items()}
    return learn_usual(rows, robust=True)


def _as_usual(name: str, mean: float, std: float) -> Usual:
    measure = MEASURES[name]
    return Usual(measure.scaled(mean), std / mean if measure.log else std)


def _finish(
    number: int,
    row: dict[str, float],
    usual: dict[str, Usual],
    implausible: list[str],
    reference: Any,
    size: float | None,
    z_limit: float,
) -> dict[str, Any]:
    """One row of the table."""
    done: dict[str, Any] = {"image": number}
    if isinstance(reference, QualityModel):
        scores = reference._score([row])[0]
        done |= {"v_rand_predicted": float(scores[0]), "iou_predicted": float(scores[1])}
    done |= {name: row[name] for name in MEASURES if name in row}
    if size is not None:
        done |= {
            "thickness_nm": row["thickness"] * size,
            "cell_area_nm2": row["cell_area"] * size**2,
        }
    z = {name: z_score(name, row[name], one) for name, one in usual.items() if name in row}
    done |= {f"{name}_z": value for name, value in z.items()}
    degenerate = _DEGENERATE.get(row["membrane_fraction"])
    if degenerate is not None:
        return done | {"flags": [degenerate]}
    far = [name for name, value in z.items() if _is_bad(name, value, z_limit)]
    far.sort(key=lambda name: -abs(z[name]))
    flags = [say_deviation(name, row[name], usual[name]) for name in far]
    return done | {"flags": flags + implausible}


def _is_bad(name: str, z: float, z_limit: float) -> bool:
    side = MEASURES[name].bad
    return (side != "low" and z > z_limit) or (side != "high" and z < -z_limit)

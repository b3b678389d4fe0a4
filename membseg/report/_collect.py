"""Predict, measure and analyse: from a segmenter and images to what a report tells."""

import inspect
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from membseg import __version__
from membseg.analysis import Analysis, analyse
from membseg.exceptions import InvalidInputError
from membseg.quality import MembraneThickness, membrane_thickness, quality_report
from membseg.quality._inputs import check_pixel_size
from membseg.report._content import Content
from membseg.report._remember import Remembering
from membseg.utils import check_images, encode_masks, innermost

#: Parameters longer than this are cut.
_LONGEST = 120

#: Attributes of a fitted segmenter that are told -> how.
_FITTED = {
    "threshold_": "probability from which a pixel is called membrane",
    "n_channels_in_": "channels of its images",
    "n_steps_": "training steps",
    "best_epoch_": "epoch that was kept",
    "fit_time_": "seconds of training",
}


def collect(
    segmenter: Any,
    X: Any,
    y: Any,
    *,
    training: tuple[Any, Any],
    reference: Any,
    views: str,
    thickness: Any,
    area: Any,
    pixel_size: Any,
    unit: str,
    title: str | None,
    notes: str,
    names: Sequence[str] | None,
    limits: tuple[int, int],
    n_resamples: int,
    random_state: Any,
) -> Content:
    """Do all the work but drawing and writing; parameters as in :func:`membseg.write_report`."""
    images = check_images(X)
    names = _check_names(names, len(images))
    size = None if unit == "px" else check_pixel_size(pixel_size, unit)
    inside = innermost(segmenter)
    asked = Remembering(segmenter, X)
    quality = quality_report(
        asked, X, reference=reference, views=views, thickness=thickness, area=area,
        pixel_size=pixel_size, unit=unit,
    )  # fmt: skip
    masks = encode_masks(asked.predict(X), classes=inside.classes_, name="predict(X)").masks
    truth = _encode_truth(inside, y)
    analysis: Analysis | None = None
    if y is not None:
        analysis = analyse(
            asked, X, y, X_train=training[0], y_train=training[1],
            n_resamples=n_resamples, random_state=random_state,
        )  # fmt: skip
        analysis = replace(analysis, segmenter=type(inside).__name__)
    return Content(
        title=title or f"{type(inside).__name__}: report on {len(images)} images",
        notes=notes,
        segmenter=inside,
        model=_describe(inside),
        parameters=_parameters(segmenter),
        images=images,
        names=names,
        masks=masks,
        truth=truth,
        maps=list(asked.predict_membrane(X)),
        quality=quality,
        thickness=_measure(masks, size),
        true_thickness=None if truth is None else _measure(truth, size),
        expected=_in_nm(thickness, pixel_size, size),
        analysis=analysis,
        pixel_size=size,
        max_images=limits[0],
        max_events=limits[1],
        created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def _check_names(names: Sequence[str] | None, n_images: int) -> list[str]:
    if names is None:
        return [f"image {i}" for i in range(n_images)]
    if isinstance(names, str) or len(names) != n_images:
        raise InvalidInputError(
            f"names must hold one name an image, {n_images}; got {names!r}. Leave it out to have "
            "them numbered."
        )
    return [str(name) for name in names]


def _encode_truth(segmenter: Any, y: Any) -> list[np.ndarray] | None:
    if y is None:
        return None
    ignored = getattr(segmenter, "ignore_label", None)
    return encode_masks(y, classes=segmenter.classes_, ignore_label=ignored).masks


def _measure(masks: list[np.ndarray], size: float | None) -> list[MembraneThickness]:
    codes = [(mask == 1).astype(np.uint8) for mask in masks]
    return membrane_thickness(codes, pixel_size=size, membrane_label=1)


def _in_nm(expected: Any, pixel_size: Any, size: float | None) -> tuple[float, float] | None:
    """Give a range in nanometres; in pixels it stays as it is."""
    if expected is None:
        return None
    scale = 1.0 if size is None else size / float(pixel_size)
    low, high = (float(value) * scale for value in expected)
    return low, high


def _describe(segmenter: Any) -> dict[str, str]:
    """What a person wants to know of a segmenter before its parameters."""
    kind = type(segmenter)
    found = {"segmenter": kind.__name__}
    summary = (inspect.getdoc(kind) or "").partition("\n")[0]
    if summary:
        found["what it is"] = summary
    for name, words in _FITTED.items():
        value = getattr(segmenter, name, None)
        if value is not None:
            found[words] = f"{value:.4g}" if isinstance(value, float) else str(value)
    cell, membrane = segmenter.classes_
    found["values of its masks"] = f"{cell} is cell, {membrane} is membrane"
    packages = (
        f"{name} {v}" for name in ("keras", "scikit-learn", "numpy") if (v := _version(name))
    )
    found["versions"] = ", ".join([f"membseg {__version__}", *packages])
    return found


def _parameters(segmenter: Any) -> dict[str, str]:
    found = segmenter.get_params(deep=False) if hasattr(segmenter, "get_params") else {}
    return {name: _short(value) for name, value in found.items()}


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

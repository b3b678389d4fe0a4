"""Write all that is known of a segmenter and its images as one page."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from membseg.analysis._find_merges_and_splits import check_whole
from membseg.analysis._tables import as_csv, plain
from membseg.exceptions import InvalidInputError
from membseg.io._write_file import write_file
from membseg.metrics._responses import evaluate_segmenter
from membseg.report._collect import collect
from membseg.report._content import Content
from membseg.report._page import make_page
from membseg.utils import IGNORED, import_optional, innermost

#: Table -> what its file holds.
_TABLES = {
    "quality": "what is measured of each image without the truth, with the reasons of the flags",
    "thickness": "local thickness of the membranes of each image",
    "scores": "all scores with their intervals",
    "images": "all scores of each image, the worst first",
    "regions": "errors in squares of the images, those with most wrong pixels first",
    "events": "merges and splits of cells, those in which most area is lost first",
    "errors_by_border": "errors by distance from the image's edge",
    "errors_by_thickness": "errors by thickness of the true membrane",
    "errors_by_brightness": "errors by brightness",
    "errors_by_z": "errors by image",
    "roc": "receiver operating characteristic over pixels",
    "precision_recall": "precision and recall over pixels",
    "training_gap": "training slices against these",
}


def write_report(
    path: str | os.PathLike[str],
    segmenter: Any,
    X: Any,
    y: Any = None,
    *,
    X_train: Any = None,
    y_train: Any = None,
    reference: Any = None,
    views: str = "none",
    thickness: tuple[float, float] | None = None,
    area: tuple[float, float] | None = None,
    pixel_size: float | None = None,
    unit: str = "nm",
    title: str | None = None,
    notes: str = "",
    names: Sequence[str] | None = None,
    max_images: int = 12,
    max_events: int = 6,
    n_resamples: int = 1000,
    overwrite: bool = False,
    random_state: Any = 0,
) -> list[Path]:
    """Write a report for people who look at cells: one page, and its numbers as files.

    Parameters
    ----------
    path : str or path-like
        The page, which ends in .html, in a folder that exists. Its numbers are written beside it,
        as "<name>.json" and "<name>_<table>.csv".
    segmenter : segmenter
        Fitted; a pipeline or search around one will do.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images, in z order.
    y : array-like of shape (n_images, height, width), list of arrays, or None, default=None
        True masks. With them the report also says how good the segmenter is and where it is wrong,
        as :func:`membseg.analyse` finds it.
    X_train : array-like or list, as `X`, or None, default=None
        Images that it was trained on, to tell whether it is overfitted; with `y` only.
    y_train : array-like or list, as `y`, or None, default=None
        Their masks.
    reference : QualityModel, dict or None, default=None
        What is usual, as in :func:`membseg.quality_report`.
    views : {"none", "flips", "d4"}, default="none"
        In which views the segmenter is asked whether it agrees with itself.
    thickness : tuple (low, high) or None, default=None
        The thickness that membranes are expected to have, in `unit`.
    area : tuple (low, high) or None, default=None
        The area that cells are expected to have, in `unit` squared.
    pixel_size : float or None, default=None
        Side of a pixel in `unit`; with it the report has nanometres and scale bars.
    unit : str, default="nm"
        Unit of `pixel_size`, `thickness` and `area`; "px" for ranges in pixels.
    title : str or None, default=None
        Title of the page; None names the segmenter and the number of images.
    notes : str, default=""
        Text for the top of the page; each line becomes a paragraph.
    names : sequence of str or None, default=None
        What the images are called; None numbers them.
    max_images : int, default=12
        At most so many images are drawn: flagged ones first, or the worst ones where `y` is given.
    max_events : int, default=6
        At most so many merges and splits are drawn, the largest.
    n_resamples : int, default=1000
        Sets of images that are drawn for intervals.
    overwrite : bool, default=False
        Whether files that exist are replaced.
    random_state : int, Generator, RandomState or None, default=0
        Source of randomness of the intervals.

    Returns
    -------
    list of Path
        The files: the page, the JSON file, and the tables.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If images, masks or parameters cannot be used, or `path` does not end in .html.
    ImageFileError
        If a file exists, or cannot be written.
    MissingDependencyError
        If matplotlib is not installed.

    See Also
    --------
    membseg.analyse : The numbers of the parts with `y`.
    membseg.quality_report : The numbers of the parts without.

    Notes
    -----
    The page holds its pictures, asks no network for anything, and can be sent as it is. Files are
    written whole or not at all, the page last.

    Examples
    --------
    >>> import tempfile
    >>> from membseg import ThresholdSegmenter, make_membranes, write_report
    >>> X, y = make_membranes(3, 48, 48, random_state=0)
    >>> segmenter = ThresholdSegmenter().fit(X[:1], y[:1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = write_report(f"{folder}/report.html", segmenter, X[1:], pixel_size=4.0)
    >>> [path.name for path in paths]
    ['report.html', 'report.json', 'report_quality.csv', 'report_thickness.csv']
    """
    import_optional("matplotlib", extra="plot", purpose="A report")
    target = Path(path)
    _check_parameters(target, y, X_train, y_train, max_images, max_events)
    content = collect(
        segmenter, X, y, training=(X_train, y_train), reference=reference, views=views,
        thickness=thickness, area=area, pixel_size=pixel_size, unit=unit, title=title, notes=notes,
        names=names, limits=(int(max_images), int(max_events)), n_resamples=n_resamples,
        random_state=random_state,
    )  # fmt: skip
    tables = _tables(content)
    paths = {name: target.with_name(f"{target.stem}_{name}.csv") for name in tables}
    numbers = target.with_suffix(".json")
    others = {numbers.name: "all numbers of this page"}
    others |= {paths[name].name: _TABLES[name] for name in tables}
    page = make_page(content, others, _own_cells(segmenter, X, y))
    # The page last: where it is, its files are.
    files = {paths[name]: as_csv(rows) for name, rows in tables.items()}
    files |= {numbers: json.dumps(_as_dict(content, tables), indent=1, allow_nan=False)}
    files |= {target: page}
    _check_free(list(files), overwrite)
    for file, text in files.items():
        write_file(file, text.encode("utf-8"), suffix=file.suffix, overwrite=overwrite)
    return [target, numbers, *paths.values()]


def _check_parameters(
    target: Path, y: Any, X_train: Any, y_train: Any, max_images: Any, max_events: Any
) -> None:
    if target.suffix.lower() != ".html":
        raise InvalidInputError(f"path must end in .html; got {str(target)!r}.")
    check_whole(max_images, "max_images", low=1)
    check_whole(max_events, "max_events", low=1)
    if y is None and (X_train is not None or y_train is not None):
        raise InvalidInputError(
            "y must be given where X_train and y_train are, since the training slices are compared "
            "with it; got None. Give the true masks of X, or leave the training slices out."
        )


def _check_free(files: list[Path], overwrite: bool) -> None:
    """Refuse before the first file is written, so that no half of a report is left."""
    for file in files:
        if file.exists() and not overwrite:
            write_file(file, b"", suffix=file.suffix, overwrite=False)


def _own_cells(segmenter: Any, X: Any, y: Any) -> list[np.ndarray] | None:
    """Give the cells of segmenters that predict some, numbered as events number them."""
    if y is None or not hasattr(innermost(segmenter), "predict_instances"):
        return None
    evaluation = evaluate_segmenter(segmenter, X, y, None, {"predict_instances"})
    truth = evaluation.pairs["predict_instances"].truth
    found = iter(evaluation.cells.guess)
    return [
        next(found) if (codes != IGNORED).any() else np.zeros(codes.shape, np.int32)
        for codes in truth
    ]


def _tables(content: Content) -> dict[str, list[dict[str, Any]]]:
    quality = [
        {"image": row["image"], "name": content.names[row["image"]]} | row
        for row in content.quality.table()
    ]
    tables = {"quality": quality, "thickness": [plain(row) for row in content.thickness_rows()]}
    if content.analysis is not None:
        tables |= content.analysis.tables()
    return {name: rows for name, rows in tables.items() if rows}


def _as_dict(content: Content, tables: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    found = content.analysis
    head: dict[str, Any] = {
        "title": content.title, "notes": content.notes, "created": content.created,
        "segmenter": content.model, "parameters": content.parameters,
        "pixel_size_nm": content.pixel_size, "names": content.names,
        "flagged": content.quality.outliers, "skill": content.quality.skill,
    }  # fmt: skip
    if found is not None:
        whole = found.to_dict()
        head |= {name: whole[name] for name in ("level", "ranked_by", "overfitted")}
    return head | tables

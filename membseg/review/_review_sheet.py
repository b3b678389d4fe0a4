"""A page on which an expert judges predictions."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from membseg.calibration._uncertainty import binary_entropy
from membseg.exceptions import DataWarning, InvalidInputError, InvalidTypeError
from membseg.io._write_at_once import write_at_once
from membseg.review._doubtful_places import DoubtfulPlace, doubtful_places
from membseg.review._fingerprints import image_fingerprint, mask_fingerprint
from membseg.review._inputs import Predictions, check_count, check_pair, check_text
from membseg.review._page import build_page
from membseg.review._pictures import doubt_picture, image_picture, mask_picture
from membseg.utils import ImageStack, warn_user

#: Bytes of a page above which browsers become slow.
_LARGE = 100 * 10**6


def review_sheet(
    X: Any,
    predictions: Any,
    path: str | os.PathLike[str],
    *,
    places: Sequence[DoubtfulPlace] | None = None,
    n_places: int = 20,
    place_size: int = 96,
    threshold: float = 0.5,
    membrane_label: Any = None,
    names: Sequence[str] | None = None,
    title: str = "Review of membranes",
) -> Path:
    """Write a page on which an expert judges and corrects predictions.

    The page is one HTML file that opens in any browser of today and needs no server and no
    network. It shows the places most worth a look, zoomed, then the whole images; the expert
    judges, writes notes, and paints what is membrane and what is cell where a prediction is
    wrong. The answer is a JSON file that the page saves, for :func:`load_reviews`.

    Parameters
    ----------
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images.
    predictions : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks of two values, or floats in [0, 1], which are maps of membrane probability.
    path : str or path-like
        The file to write, ending in ".html"; one that exists is replaced.
    places : sequence of DoubtfulPlace or None, default=None
        Places to ask about, the first first; None asks :func:`doubtful_places`.
    n_places : int, default=20
        Places in all, at most; not used where `places` are given.
    place_size : int, default=96
        Height and width in pixels of the places, and of those that the expert adds; at least 8.
    threshold : float, default=0.5
        Membrane probability from which a pixel is membrane, in [0, 1]; a fitted segmenter has its
        own, ``threshold_``. Without effect on masks.
    membrane_label : scalar or None, default=None
        The value of membrane in masks; None takes the larger.
    names : sequence of str or None, default=None
        What images are called on the page; None numbers them from 0.
    title : str, default="Review of membranes"
        Title of the page.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If images and predictions do not fit each other, a parameter cannot be used, or the file
        cannot be written.

    Warns
    -----
    DataWarning
        If the page has more than 100 MB.

    Examples
    --------
    >>> import tempfile
    >>> from membseg import make_membranes, review_sheet
    >>> X, y = make_membranes(2, 48, 48, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = review_sheet(X, y, f"{folder}/review.html", place_size=32)
    ...     path.read_text(encoding="utf-8").startswith("<!doctype html>")
    True
    """
    target = _check_target(path)
    place_size = check_count(place_size, "place_size", low=8)
    images, found = check_pair(X, predictions, threshold, membrane_label)
    check_text(title, "title")
    called = _check_names(names, len(images))
    if places is None:
        places = doubtful_places(
            X,
            predictions,
            n_places=n_places,
            place_size=place_size,
            threshold=threshold,
            membrane_label=membrane_label,
        )
    asked = _check_places(places, images.sizes)
    document = _describe(images, found, asked, called, place_size)
    content = build_page(title, document).encode()
    if len(content) > _LARGE:
        warn_user(
            f"The page has {len(content) / 10**6:.0f} MB, and browsers may be slow with it. Give "
            "fewer images, or cut them, and write several sheets.",
            DataWarning,
        )
    try:
        write_at_once(target, content)
    except OSError as error:
        raise InvalidInputError(
            f"path must be a file that can be written; got {os.fspath(path)!r}, and: {error}."
        ) from error
    return target


def _check_target(path: Any) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise InvalidTypeError(f"path must be a path, a str or a Path; got {type(path).__name__}.")
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise InvalidInputError(
            f"path must end in '.html', so that browsers open it; got {os.fspath(path)!r}."
        )
    if not target.parent.is_dir():
        raise InvalidInputError(
            f"path must lie in a folder that exists; got {os.fspath(path)!r}. Make the folder "
            "first."
        )
    return target


def _check_names(names: Any, n_images: int) -> list[str]:
    if names is None:
        return [f"image {i}" for i in range(n_images)]
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise InvalidTypeError(f"names must be a list of str; got {type(names).__name__}.")
    if len(names) != n_images:
        raise InvalidInputError(
            f"names must hold one name an image; got {len(names)} for {n_images} images."
        )
    return [check_text(name, f"names[{i}]") for i, name in enumerate(names)]


def _check_places(places: Any, sizes: list[tuple[int, int]]) -> list[DoubtfulPlace]:
    listed = list(places) if isinstance(places, Sequence) else [places]
    for i, place in enumerate(listed):
        if not isinstance(place, DoubtfulPlace):
            raise InvalidTypeError(
                f"places must be a list of DoubtfulPlace; places[{i}] is {type(place).__name__}."
            )
        if not _fits(place, sizes):
            raise InvalidInputError(
                f"places must lie inside their images, of sizes {sizes}; places[{i}] is {place}."
            )
        check_text(place.reason, f"places[{i}].reason")
    return listed


def _fits(place: DoubtfulPlace, sizes: list[tuple[int, int]]) -> bool:
    if not 0 <= place.image < len(sizes):
        return False
    height, width = sizes[place.image]
    inside = 0 <= place.top <= height - place.height and 0 <= place.left <= width - place.width
    return inside and min(place.height, place.width) >= 1 and 0 <= place.doubt <= 1


def _plain(place: DoubtfulPlace) -> dict[str, Any]:
    numbers = {key: int(getattr(place, key)) for key in ("image", "top", "left", "height", "width")}
    return {**numbers, "doubt": float(place.doubt), "reason": place.reason}


def _describe(
    images: ImageStack,
    found: Predictions,
    places: list[DoubtfulPlace],
    names: list[str],
    place_size: int,
) -> dict[str, Any]:
    """Give the scripts all they need, in plain values."""
    described = []
    for i, (image, membrane) in enumerate(zip(images.images, found.membranes, strict=True)):
        doubt = None
        if found.maps is not None:
            doubt = doubt_picture(binary_entropy(found.maps[i].astype(np.float64)))
        described.append(
            {
                "name": names[i],
                "fingerprint": image_fingerprint(image),
                "prediction": mask_fingerprint(membrane),
                "height": int(membrane.shape[0]),
                "width": int(membrane.shape[1]),
                "picture": image_picture(image),
                "mask": mask_picture(membrane),
                "doubt": doubt,
            }
        )
    asked = [_plain(place) for place in places]
    shown = [[image["name"], image["fingerprint"], image["prediction"]] for image in described]
    identity = hashlib.sha256(json.dumps([shown, asked, place_size]).encode()).hexdigest()[:16]
    return {"id": identity, "place_size": place_size, "images": described, "places": asked}

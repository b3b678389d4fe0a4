"""Experts' answers, brought back to the images they are about."""

import os
from pathlib import Path
from typing import Any

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.review._fingerprints import image_fingerprint
from membseg.review._parse_review import parse_review
from membseg.review._review import Review, ReviewedImage, ReviewedPlace
from membseg.utils import ImageStack, check_images


def load_reviews(paths: Any, X: Any) -> list[Review]:
    """Read the files that experts saved, and find the images that they are about.

    Nothing in the files is run or trusted: every field is checked. Images are found by their
    pixels, so `X` may hold more of them, in another order and in another dtype.

    Parameters
    ----------
    paths : str, path-like, or list of them
        One file, or several, that :func:`review_sheet`'s page saved.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images, among them those that were reviewed.

    Returns
    -------
    list of Review
        One a file, with images numbered as in `X`.

    Raises
    ------
    InvalidInputError
        If a file cannot be read, is no review, was changed so that it cannot be one, or belongs
        to other images.
    InvalidTypeError
        If `paths` are no paths.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from membseg import load_reviews, make_membranes
    >>> X, y = make_membranes(2, 48, 48, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "answer.json")
    ...     _ = path.write_text('{"format": "another"}')
    ...     load_reviews(path, X)
    Traceback (most recent call last):
    ...
    membseg.exceptions.InvalidInputError: ...answer.json cannot be used: it is no review: its...
    """
    stack = check_images(X)
    listed = [paths] if isinstance(paths, str | os.PathLike) else paths
    if not isinstance(listed, list | tuple):
        raise InvalidTypeError(
            f"paths must be a path or a list of paths; got {type(paths).__name__}."
        )
    if not listed:
        raise InvalidInputError("paths must hold at least one path; got an empty list.")
    documents = [_read(path) for path in listed]
    numbers: dict[str, list[int]] = {}
    for i, image in enumerate(stack.images):
        numbers.setdefault(image_fingerprint(image), []).append(i)
    return [
        _make_review(document, _find_images(document, numbers, path, stack))
        for path, document in zip(listed, documents, strict=True)
    ]


def _read(path: Any) -> dict[str, Any]:
    if not isinstance(path, str | os.PathLike):
        raise InvalidTypeError(f"paths must hold paths; got {type(path).__name__}.")
    try:
        return parse_review(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise InvalidInputError(
            f"The review {os.fspath(path)} cannot be used: {error}. Give a file that the page of "
            "review_sheet saved, as it was saved."
        ) from error


def _find_images(
    document: dict[str, Any], numbers: dict[str, list[int]], path: Any, stack: ImageStack
) -> list[int]:
    """Number in `X` of each image of a review; of equal images each is taken once."""
    left = {key: list(found) for key, found in numbers.items()}
    images = document["images"]
    unknown = [image["name"] for image in images if image["fingerprint"] not in numbers]
    if unknown:
        shown = ", ".join(repr(name) for name in unknown[:3]) + (", ..." if unknown[3:] else "")
        raise InvalidInputError(
            f"The review {os.fspath(path)} belongs to other images: {len(unknown)} of its "
            f"{len(images)} ({shown}) are not among the {len(stack)} of X. Give the images that "
            "the sheet was made with, with the same pixel values."
        )
    found = []
    for i, image in enumerate(images):
        candidates = left[image["fingerprint"]] or numbers[image["fingerprint"]]
        number = i if i in candidates else candidates[0]
        size = stack.sizes[number]
        if (image["height"], image["width"]) != size:
            raise InvalidInputError(
                f"The review {os.fspath(path)} cannot be used: images[{i}] is said to have "
                f"{image['height']} x {image['width']} pixels, and has {size[0]} x {size[1]}. "
                "Give the file as it was saved."
            )
        if number in left[image["fingerprint"]]:
            left[image["fingerprint"]].remove(number)
        found.append(number)
    return found


def _make_review(document: dict[str, Any], found: list[int]) -> Review:
    images = tuple(
        ReviewedImage(number, image["name"], image["verdict"], image["note"], image["time"])
        for number, image in zip(found, document["images"], strict=True)
    )
    places = tuple(
        ReviewedPlace(**(place | {"image": found[place["image"]]})) for place in document["places"]
    )
    shown = [image["prediction"] for image in document["images"]]
    return Review(
        expert=document["expert"].strip(),
        sheet=document["sheet"],
        started=document["started"],
        saved=document["saved"],
        images=images,
        places=places,
        predictions=dict(zip(found, shown, strict=True)),
    )

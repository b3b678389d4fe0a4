"""What experts confirmed or corrected, as masks to learn from."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.metrics._checks import check_number
from membseg.review._expert_agreement import check_reviews
from membseg.review._fingerprints import mask_fingerprint
from membseg.review._inputs import Predictions, read_predictions
from membseg.review._review import Review
from membseg.utils import IGNORED, restore_layout


def labels_from_reviews(
    reviews: Sequence[Review],
    predictions: Any,
    *,
    threshold: float = 0.5,
    membrane_label: Any = None,
    classes: Any = None,
    ignore_label: Any = -1,
    whole_images: bool = False,
) -> Any:
    """Turn confirmed and corrected regions into labels for the next fit.

    Painted pixels are what the expert painted. The rest of a place is what was predicted, if the
    expert found the place good, or said that all but the painted pixels is right. Everything else
    has `ignore_label`, and so have pixels of which two experts, or an expert in two places, say
    different things.

    Parameters
    ----------
    reviews : sequence of Review
        From :func:`load_reviews`, with the images of `predictions`.
    predictions : array-like of shape (n_images, height, width) or list of (height, width) arrays
        The masks or maps of membrane probability that the sheet was made with; those of further
        images may be among them.
    threshold : float, default=0.5
        As in :func:`review_sheet`; without effect on masks.
    membrane_label : scalar or None, default=None
        The value of membrane in masks; None takes the larger.
    classes : array-like of shape (2,) or None, default=None
        The values of cell and membrane in the labels, such as a segmenter's ``classes_``. None
        takes those of the masks, and 0 and 1 for maps.
    ignore_label : int or float, default=-1
        The value of pixels that nobody spoke of. Segmenters take -1 as such; tell them of others.
    whole_images : bool, default=False
        Whether an image that was found good is right at every pixel, but for the places in it
        that were judged otherwise, and for what was painted.

    Returns
    -------
    ndarray of shape (n_images, height, width), or list of (height, width) arrays
        Masks of the two classes and `ignore_label`, in a dtype that holds all three.

    Raises
    ------
    InvalidInputError
        If predictions are not those that were reviewed, if nothing was confirmed or corrected, or
        a parameter cannot be used.
    InvalidTypeError
        If `reviews` are no reviews, or a parameter is of the wrong kind.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg import labels_from_reviews
    >>> from membseg.review import Review, ReviewedPlace
    >>> masks = np.zeros((1, 2, 4), np.uint8)
    >>> masks[0, :, 1] = 255
    >>> place = ReviewedPlace(
    ...     0, 0, 0, 2, 3, 0.9, "a gap", "wrong", True, "", None,
    ...     membrane=np.array([[0, 2]]), cell=np.array([[0, 1]]),
    ... )
    >>> review = Review("Ada", "0" * 16, "", "", (), (place,), {})
    >>> labels_from_reviews([review], masks)[0]
    array([[  0,   0, 255,  -1],
           [  0, 255,   0,  -1]], dtype=int16)
    """
    listed = check_reviews(reviews)
    found = read_predictions(predictions, threshold, membrane_label)
    values = _values(found.classes if classes is None else classes, ignore_label)
    if not isinstance(whole_images, bool | np.bool_):
        raise InvalidTypeError(f"whole_images must be True or False; got {whole_images!r}.")
    for review in listed:
        _check_shown(review, found)
    codes = _combine(listed, found, bool(whole_images))
    if all((code == IGNORED).all() for code in codes):
        raise InvalidInputError(
            "reviews must confirm or correct at least one region; no place was found good, mended "
            "or painted in. Ask the experts for that, or label slices by hand."
        )
    return restore_layout([values[code] for code in codes], as_list=found.as_list)


def _values(classes: Any, ignore_label: Any) -> np.ndarray:
    """Value of each code, in a dtype that holds them all."""
    check_number(ignore_label, "ignore_label", low=-np.inf)
    two = np.asarray(classes)
    if two.dtype.kind not in "biuf":
        raise InvalidTypeError(f"classes must hold numbers; got dtype {two.dtype}.")
    if two.shape != (2,) or not np.isfinite(two).all() or two[0] == two[1]:
        raise InvalidInputError(
            f"classes must be two different values, of cell and of membrane; got {classes!r}."
        )
    if ignore_label in two.tolist():
        raise InvalidInputError(
            f"ignore_label must differ from the values of cell and membrane, {two.tolist()}; got "
            f"{ignore_label!r}."
        )
    # Bool has no room for a third value.
    dtype = np.dtype(np.int8) if two.dtype.kind == "b" else two.dtype
    values = np.full(
        IGNORED + 1, ignore_label, dtype=np.result_type(dtype, np.min_scalar_type(ignore_label))
    )
    values[:2] = two
    return values


def _check_shown(review: Review, found: Predictions) -> None:
    """Refuse predictions that the expert has not seen: what was good there may not be here."""
    n_images = len(found.membranes)
    for number in {place.image for place in review.places} | set(review.predictions):
        if number >= n_images:
            raise InvalidInputError(
                "predictions must hold one mask or map for each image that the reviews were loaded "
                f"with; got {n_images}, and {review.expert!r} reviewed number {number} (from 0)."
            )
    for number, shown in review.predictions.items():
        if mask_fingerprint(found.membranes[number]) != shown:
            raise InvalidInputError(
                f"predictions must be those that were reviewed; predictions[{number}] is not what "
                f"{review.expert!r} saw. Give the predictions, threshold and membrane_label that "
                "the sheet was made with."
            )


def _combine(reviews: list[Review], found: Predictions, whole_images: bool) -> list[np.ndarray]:
    """Put what experts say together, as 0 = cell, 1 = membrane, 255 = unknown or disputed."""
    shape_of = [membrane.shape for membrane in found.membranes]
    codes = [np.full(shape, IGNORED, dtype=np.uint8) for shape in shape_of]
    disputed = [np.zeros(shape, dtype=bool) for shape in shape_of]
    for review in reviews:
        for number, said in _say(review, found, whole_images):
            known = said != IGNORED
            disputed[number] |= known & (codes[number] != IGNORED) & (codes[number] != said)
            codes[number][known] = said[known]
    for code, differs in zip(codes, disputed, strict=True):
        code[differs] = IGNORED
    return codes


def _say(
    review: Review, found: Predictions, whole_images: bool
) -> Iterator[tuple[int, np.ndarray]]:
    """Give what an expert says of an image, once for the whole of it and once a place."""
    if whole_images:
        for image in review.images:
            if image.verdict == "good":
                said = found.membranes[image.image].astype(np.uint8)
                for place in review.places:
                    if place.image != image.image:
                        continue
                    if place.verdict in ("doubtful", "wrong"):
                        said[_rectangle(place)] = IGNORED
                    # What is painted says more than a verdict on the whole.
                    said[tuple(place.membrane.T)] = said[tuple(place.cell.T)] = IGNORED
                yield image.image, said
    for place in review.places:
        membrane = found.membranes[place.image]
        said = np.full(membrane.shape, IGNORED, dtype=np.uint8)
        if place.is_settled:
            said[_rectangle(place)] = membrane[_rectangle(place)]
        said[tuple(place.membrane.T)] = 1
        said[tuple(place.cell.T)] = 0
        yield place.image, said


def _rectangle(place: Any) -> tuple[slice, slice]:
    rows = slice(place.top, place.top + place.height)
    return rows, slice(place.left, place.left + place.width)

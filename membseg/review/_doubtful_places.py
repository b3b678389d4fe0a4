"""Where an expert should look first."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from membseg.calibration._uncertainty import binary_entropy
from membseg.quality._alignment import far_from_ridges, ridge_response, strong_ridges
from membseg.quality._defects import defects_of
from membseg.quality._inputs import membranes_are_dark, standard_grey
from membseg.quality._trace import near_membrane, trace_membranes
from membseg.review._inputs import check_count, check_pair

#: Doubt is averaged, and defects are seen, over so many pixels (standard deviation of a Gaussian).
#: Walls are a few pixels wide, and their borders are never sure; what is doubtful is wider.
_REACH = 4.0

#: Scale of the ridge filter, in pixels, as in :func:`membseg.quality.edge_alignment`.
_SCALE = 2.0

#: How doubtful a place is where there is such a defect, and what is said of it. None is certain,
#: so that several of them are worse than one.
_DEFECTS = {
    "gaps": (0.6, "two ends of membrane face each other across a gap"),
    "open_ends": (0.45, "a membrane ends"),
    "holes": (0.3, "a small hole in a membrane"),
    "specks": (0.3, "a speck that touches no other membrane"),
}
_UNSURE = "the probability is near one half"
_MISSED = "a line of the image is no membrane here"
_INVENTED = "a membrane lies on no line of the image"

#: The same for pixels whose probability is one half, and for those where image and mask differ:
#: other things make lines too.
_UNSURE_WEIGHT, _LINE_WEIGHT = 0.6, 0.4

#: Places with less doubt are not worth an expert's time.
_LEAST = 0.05


@dataclass(frozen=True)
class DoubtfulPlace:
    """A rectangle of an image in which the prediction may be wrong; from :func:`doubtful_places`.

    Attributes
    ----------
    image : int
        Number of the image in the stack.
    top, left : int
        Row and column of its first pixel.
    height, width : int
        Its size in pixels.
    doubt : float
        The largest doubt in it, in [0, 1]; it orders places, and is no probability.
    reason : str
        What is doubtful, in words.
    """

    image: int
    top: int
    left: int
    height: int
    width: int
    doubt: float
    reason: str


def doubtful_places(
    X: Any,
    predictions: Any,
    *,
    n_places: int = 20,
    place_size: int = 96,
    threshold: float = 0.5,
    membrane_label: Any = None,
) -> list[DoubtfulPlace]:
    """Rank the places in which predictions may be wrong.

    Parameters
    ----------
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images.
    predictions : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks of two values, or floats in [0, 1], which are maps of membrane probability and tell
        more.
    n_places : int, default=20
        Places in all, at most.
    place_size : int, default=96
        Height and width of a place in pixels, at least 8; less where an image is smaller.
    threshold : float, default=0.5
        Membrane probability from which a pixel is membrane, in [0, 1]; a fitted segmenter has its
        own, ``threshold_``. Without effect on masks.
    membrane_label : scalar or None, default=None
        The value of membrane in masks; None takes the larger.

    Returns
    -------
    list of DoubtfulPlace
        The most doubtful first; fewer than `n_places` where there is less to doubt.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If images and predictions do not fit each other, or a parameter cannot be used.

    Notes
    -----
    Each of these gives every pixel a doubt d, and together they give it 1 - (1 - d1)(1 - d2)...:
    0.6 times the entropy of the probability, averaged over some 4 px; gaps (0.6), open ends
    (0.45), holes and specks (0.3), as :func:`membseg.quality.membrane_defects` finds them, falling
    off over 4 px; and 0.4 times the share of pixels at which strong ridges of the image have no
    membrane, or membranes have no ridge. That orders places; it is no probability. Places are cut
    around the maxima, one after the other, each at a distance from those before.

    Examples
    --------
    >>> from membseg import make_membranes
    >>> from membseg.review import doubtful_places
    >>> X, y = make_membranes(2, 96, 96, random_state=0)
    >>> y[1, 30:50, 40:60] = 0
    >>> first = doubtful_places(X, y, place_size=32)[0]
    >>> first.image, first.reason
    (1, 'two ends of membrane face each other across a gap')
    """
    n_places = check_count(n_places, "n_places", low=0)
    place_size = check_count(place_size, "place_size", low=8)
    images, found = check_pair(X, predictions, threshold, membrane_label)
    greys = [standard_grey(image) for image in images.images]
    dark = membranes_are_dark(greys, found.membranes)
    places: list[DoubtfulPlace] = []
    for i, (grey, membrane) in enumerate(zip(greys, found.membranes, strict=True)):
        doubts = _doubts(grey, membrane, None if found.maps is None else found.maps[i], dark)
        places += _choose(i, doubts, n_places, place_size)
    return sorted(places, key=lambda place: -place.doubt)[:n_places]


def _doubts(
    grey: np.ndarray, membrane: np.ndarray, prob: np.ndarray | None, dark: bool
) -> dict[str, np.ndarray]:
    """Give each kind of doubt its map, by what is said of it."""
    doubts = {}
    if prob is not None:
        doubts[_UNSURE] = _UNSURE_WEIGHT * _smooth(binary_entropy(prob.astype(np.float64)))
    defects = defects_of(membrane, trace_membranes(membrane))
    for name, (weight, reason) in _DEFECTS.items():
        doubts[reason] = weight * _bumps(getattr(defects, name), membrane.shape)
    if grey.any():
        ridge = ridge_response(grey, _SCALE, dark)
        doubts[_MISSED] = _LINE_WEIGHT * _smooth(strong_ridges(ridge) & ~near_membrane(membrane))
        doubts[_INVENTED] = _LINE_WEIGHT * _smooth(membrane & far_from_ridges(ridge))
    return doubts


def _smooth(values: np.ndarray) -> np.ndarray:
    return ndimage.gaussian_filter(values.astype(np.float64), _REACH, mode="nearest")


def _bumps(places: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """One at some places, and falling off around them."""
    if not len(places):
        return np.zeros(shape)
    elsewhere = np.ones(shape, dtype=bool)
    elsewhere[tuple(np.rint(places).astype(int).T)] = False
    return np.exp(-0.5 * (ndimage.distance_transform_edt(elsewhere) / _REACH) ** 2)


def _choose(
    image: int, doubts: dict[str, np.ndarray], n_places: int, size: int
) -> list[DoubtfulPlace]:
    """Cut places around the largest doubts of one image."""
    total = 1 - np.prod([1 - doubt for doubt in doubts.values()], axis=0)
    open_to = total.copy()
    places = []
    for _ in range(n_places):
        row, column = np.unravel_index(np.argmax(open_to), open_to.shape)
        if open_to[row, column] < _LEAST:
            break
        tops, height = _cut(size, total.shape[0])
        lefts, width = _cut(size, total.shape[1])
        top, left = int(tops[row]), int(lefts[column])
        places.append(
            DoubtfulPlace(
                image=image,
                top=top,
                left=left,
                height=height,
                width=width,
                doubt=float(min(1.0, total[row, column])),
                reason=max(doubts, key=lambda name: float(doubts[name][row, column])),
            )
        )
        # The next one may touch this one's side but not show the same again.
        beside = np.abs(tops - top) < 0.75 * height, np.abs(lefts - left) < 0.75 * width
        open_to[np.ix_(*beside)] = 0
    return places


def _cut(size: int, length: int) -> tuple[np.ndarray, int]:
    """First pixels, and length, of the pieces around each pixel that stay inside."""
    size = min(size, length)
    return np.clip(np.arange(length) - size // 2, 0, length - size), size

"""What a quality model learns from: masks of labelled slices, from good to bad, with scores."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from membseg.metrics import iou_score, v_rand_score
from membseg.quality._measures import ImageView, Opinion, measure_mask
from membseg.quality._plant import plant_defects
from membseg.utils import IGNORED

#: Own predictions are cut at these probabilities, besides the segmenter's threshold.
_CUTS = (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95)

#: Half-trained networks find what is dark or bright, or ridges: images blurred by so much (px), and
#: ridges, are cut so that such shares of them are membrane.
_BLURS, _SHARES = (0.7, 2.0), (0.15, 0.3, 0.5)

#: Scores that are predicted.
SCORES = ("v_rand", "iou")


@dataclass(frozen=True)
class Slice:
    """A labelled slice, and what is known of it.

    Attributes
    ----------
    number : int
        Its place among the slices of fit.
    image : ndarray of shape (height, width, channels)
        Its pixels.
    code : ndarray of shape (height, width), uint8
        Its mask: 0 cell, 1 membrane, 255 ignored.
    membrane : ndarray of shape (height, width), bool
        The mask with every pixel labelled.
    other : ndarray of shape (height, width), bool, or None
        The mask of another slice of this size.
    map : ndarray of shape (height, width), float, or None
        Membrane probability by a segmenter that did not learn from it.
    """

    number: int
    image: np.ndarray
    code: np.ndarray
    membrane: np.ndarray
    other: np.ndarray | None
    map: np.ndarray | None


@dataclass(frozen=True)
class Example:
    """A mask of a slice: what is measured of it, and how good it is.

    Attributes
    ----------
    number : int
        The slice's number.
    kind : str
        What was done to the mask; "own" in front where it is the segmenter's prediction.
    row : dict of str to float
        The measures.
    scores : tuple of float
        In the order of `SCORES`.
    """

    number: int
    kind: str
    row: dict[str, float]
    scores: tuple[float, ...]


def make_examples(
    one: Slice, *, scale: float, dark: bool, threshold: float, n_planted: int, seed: int
) -> list[Example]:
    """Make masks of one slice, measure and score them."""
    view = ImageView.of(one.image, scale=scale, dark=dark)
    opinion = None if one.map is None else Opinion.of(one.map >= threshold)
    rng = np.random.default_rng(seed)
    return [
        Example(one.number, kind, measure_mask(view, mask, opinion), score_mask(one.code, mask))
        for kind, mask in (
            *_masks_of(one, threshold, n_planted, rng),
            *_simple_masks(view, dark),
        )
    ]


def _masks_of(
    one: Slice, threshold: float, n_planted: int, rng: np.random.Generator
) -> Iterator[tuple[str, np.ndarray]]:
    yield "labelled", one.membrane
    yield "all cell", np.zeros_like(one.membrane)
    yield "all membrane", np.ones_like(one.membrane)
    if one.other is not None:
        yield "other slice's", one.other
    yield from plant_defects(one.membrane, n_planted, rng)
    if one.map is None:
        return
    own = one.map >= threshold
    yield "own", own
    for cut in _CUTS:
        yield f"own from {cut:g}", one.map >= cut
    for kind, mask in plant_defects(own, n_planted // 2, rng):
        yield f"own, {kind}", mask


def _simple_masks(view: ImageView, dark: bool) -> Iterator[tuple[str, np.ndarray]]:
    grey = -view.grey if dark else view.grey
    looks = {f"grey values, blur {b:g}": ndimage.gaussian_filter(grey, b) for b in _BLURS}
    for name, values in (looks | {"ridges": view.ridge}).items():
        for share in _SHARES:
            yield f"{name}, {share:g}", values >= np.quantile(values, 1 - share)


def score_mask(code: np.ndarray, mask: np.ndarray) -> tuple[float, ...]:
    """Score a mask, True at membrane, against an encoded one: V_Rand and membrane IoU."""
    true, guess = code[np.newaxis], mask[np.newaxis].astype(np.uint8)
    return (
        v_rand_score(true, guess, threshold=0.5, membrane_label=1, ignore_label=IGNORED),
        iou_score(true, guess, membrane_label=1, ignore_label=IGNORED),
    )

"""Truth and prediction side by side: what every metric of this room works on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.metrics._maps import check_maps
from membseg.utils import (
    IGNORED,
    MaskStack,
    check_same_sizes,
    check_sample_weight,
    encode_masks,
)


@dataclass(frozen=True)
class Pairs:
    """Encoded truth, and masks or probability maps, image by image.

    Attributes
    ----------
    truth : list of ndarray of shape (height, width), uint8
        0 = cell, 1 = membrane, 255 = left out (ignored, or of zero weight).
    guess : list of ndarray of shape (height, width)
        Encoded masks (uint8), membrane probabilities (float) or label images (other integers).
    weights : list of float or of ndarray of shape (height, width), or None
        Weights of images or pixels.
    """

    truth: list[np.ndarray]
    guess: list[np.ndarray]
    weights: list[Any] | None

    def one(self, i: int) -> "Pairs":
        """Image `i` alone."""
        weights = None if self.weights is None else [self.weights[i]]
        return Pairs([self.truth[i]], [self.guess[i]], weights)

    def flat(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Truth (bool), guess and weights (None: all one) of the labelled pixels, 1-D."""
        kept = [truth != IGNORED for truth in self.truth]
        truth = np.concatenate([t[k] == 1 for t, k in zip(self.truth, kept, strict=True)])
        guess = np.concatenate([g[k] for g, k in zip(self.guess, kept, strict=True)])
        if self.weights is None:
            return truth, guess, None
        maps = [np.broadcast_to(w, k.shape)[k] for w, k in zip(self.weights, kept, strict=True)]
        return truth, guess, np.concatenate(maps).astype(np.float64, copy=False)

    def image_weights(self) -> np.ndarray:
        """Weight of each image: the mean over its labelled pixels, zero where there are none."""
        if self.weights is None:
            return np.array([float((truth != IGNORED).any()) for truth in self.truth])
        # Only ratios matter; scaling keeps the means of tiny weights from vanishing.
        scale = max(float(np.max(weight)) for weight in self.weights)
        means = [
            np.broadcast_to(np.asarray(w) / scale, t.shape).mean(where=t != IGNORED)
            if (t != IGNORED).any()
            else 0.0
            for t, w in zip(self.truth, self.weights, strict=True)
        ]
        return np.array(means, dtype=np.float64)


def pair_masks(
    y_true: Any,
    y_pred: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
    name: str = "y_pred",
) -> Pairs:
    """Encode two stacks of masks and set them side by side."""
    truth, guess = _encode_both(y_true, y_pred, membrane_label, ignore_label, name)
    return make_pairs(truth.masks, guess.masks, sample_weight, name=name)


def pair_maps(
    y_true: Any,
    y_prob: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
    name: str = "y_prob",
) -> Pairs:
    """Encode a stack of masks, check maps of membrane probability, and set them side by side."""
    truth = encode_masks(
        y_true, membrane_label=membrane_label, ignore_label=ignore_label, name="y_true"
    )
    return make_pairs(truth.masks, check_maps(y_prob, name=name), sample_weight, name=name)


def make_pairs(
    truth: list[np.ndarray],
    guess: list[np.ndarray],
    sample_weight: Any,
    *,
    name: str,
    truth_name: str = "y_true",
) -> Pairs:
    """Pairs of encoded truth and encoded masks or checked maps."""
    truth, weights = weigh_truth(truth, guess, sample_weight, name=name, truth_name=truth_name)
    return Pairs(truth, _without_ignored(truth, guess, name, truth_name), weights)


def weigh_truth(
    truth: list[np.ndarray],
    guess: list[np.ndarray],
    sample_weight: Any,
    *,
    name: str,
    truth_name: str = "y_true",
) -> tuple[list[np.ndarray], list[Any] | None]:
    """Check sizes and weights, and leave pixels of weight zero out of the truth."""
    sizes = [mask.shape[:2] for mask in truth]
    check_same_sizes(sizes, [g.shape[:2] for g in guess], names=(truth_name, name))
    weights = check_sample_weight(sample_weight, sizes)
    if weights is not None:
        truth = [
            np.where(np.asarray(w) > 0, t, np.uint8(IGNORED))
            for t, w in zip(truth, weights, strict=True)
        ]
    if all((t == IGNORED).all() for t in truth):
        raise InvalidInputError(
            f"{truth_name} must hold labelled pixels of positive weight; there is none. Leave "
            "out sets without labels."
        )
    return truth, weights


def _without_ignored(
    truth: list[np.ndarray], guess: list[np.ndarray], name: str, truth_name: str
) -> list[np.ndarray]:
    """The predictions, with cell for ignored pixels, which only unlabelled pixels may be."""
    ignored = [g == IGNORED for g in guess]
    if any((i & (t != IGNORED)).any() for i, t in zip(ignored, truth, strict=True)):
        raise InvalidInputError(
            f"{name} must be cell or membrane wherever {truth_name} is labelled; it has the "
            "ignore_label at such pixels."
        )
    return [
        np.where(i, 0, g).astype(g.dtype, copy=False) if i.any() else g
        for i, g in zip(ignored, guess, strict=True)
    ]


def check_average(average: Any) -> None:
    """Refuse an unknown way of averaging."""
    if average not in ("dataset", "image"):
        raise InvalidInputError(f'average must be "dataset" or "image"; got {average!r}.')


def averaged(pairs: Pairs, value: Callable[[Pairs], float], average: str) -> float:
    """`value` of all pixels together, or the weighted mean of its values image by image."""
    if average == "dataset":
        return float(value(pairs))
    return image_mean(pairs, value)


def image_mean(pairs: Pairs, value: Callable[[Pairs], float]) -> float:
    """Mean of `value` over the images with labelled pixels, by their weights."""
    weights = pairs.image_weights()
    used = np.flatnonzero(weights)
    values = [value(pairs.one(int(i))) for i in used]
    return float(np.average(values, weights=weights[used]))


def _encode_both(
    y_true: Any, y_pred: Any, membrane_label: Any, ignore_label: Any, name: str
) -> tuple[MaskStack, MaskStack]:
    truth = encode_masks(
        y_true, membrane_label=membrane_label, ignore_label=ignore_label, name="y_true"
    )
    ignore_label = truth.ignore_label
    guess = encode_masks(
        y_pred, membrane_label=membrane_label, ignore_label=ignore_label, name=name
    )
    # Where one side is of one value only, the other side tells which class that value is.
    if truth.classes is None and _knows(guess, y_true, truth):
        truth = encode_masks(
            y_true, classes=guess.classes, ignore_label=ignore_label, name="y_true"
        )
    elif guess.classes is None and _knows(truth, y_pred, guess):
        guess = encode_masks(y_pred, classes=truth.classes, ignore_label=ignore_label, name=name)
    return truth, guess


def _knows(other: MaskStack, y: Any, stack: MaskStack) -> bool:
    """Whether the only value of `y` is one of the values on the other side."""
    if other.classes is None:
        return False
    masks = zip(y, stack.masks, strict=True)
    found = (np.reshape(m, code.shape)[code != IGNORED] for m, code in masks)
    value = next(values[0] for values in found if values.size)
    return bool(value in other.classes)

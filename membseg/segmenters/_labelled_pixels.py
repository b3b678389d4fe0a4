"""Labelled pixels as one long row, and what is learnt from it: cuts and a logistic curve."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.base import sigmoid
from membseg.segmenters._fit_inputs import FitInputs

#: A cut is good enough if its IoU is at least this share of the best one.
_NEARLY_BEST = 0.995

#: Most pixels that a cut or a curve is learnt from.
_MOST_PIXELS = 2**18


@dataclass(frozen=True)
class LabelledPixels:
    """Values of labelled pixels of all images.

    Attributes
    ----------
    values : ndarray of shape (n_pixels,), float
        What a map says of them.
    membrane : ndarray of shape (n_pixels,), bool
        Their labels.
    weights : ndarray of shape (n_pixels,), float64
        Their weights.
    """

    values: np.ndarray
    membrane: np.ndarray
    weights: np.ndarray

    def best_cut(self) -> tuple[float, float]:
        """Find the lowest cut whose IoU is at most half a per cent short of the best.

        IoU hardly tells them apart, and a lower cut leaves fewer gaps.

        Returns
        -------
        cut : float
            Membrane is what reaches it: halfway between two values that occur, or the least one.
        iou : float
            The IoU there.
        """
        order = np.argsort(self.values, kind="stable")[::-1]
        ranked = self.values[order]
        right = np.cumsum((self.weights * self.membrane)[order])
        wrong = np.cumsum((self.weights * ~self.membrane)[order])
        # Where the next value is another: cuts lie between.
        last = np.append(np.flatnonzero(ranked[1:] < ranked[:-1]), len(ranked) - 1)
        iou = right[last] / (right[-1] + wrong[last])
        chosen = np.flatnonzero(iou >= _NEARLY_BEST * iou.max())[-1]
        value, below = ranked[last[chosen]], ranked[min(last[chosen] + 1, len(ranked) - 1)]
        return (float(value) + float(below)) / 2, float(iou[chosen])

    def iou(self, cut: float) -> float:
        """Give the IoU of calling membrane what reaches a cut."""
        found = self.values >= cut
        either = self.weights[found | self.membrane].sum()
        return float(self.weights[found & self.membrane].sum() / either)


def gather(inputs: FitInputs, maps: Iterable[tuple[int, np.ndarray]]) -> LabelledPixels:
    """Take the labelled pixels of maps, at most about 2**18 of them.

    Parameters
    ----------
    inputs : FitInputs
        Checked arguments of fit.
    maps : iterable of (int, ndarray of shape (height, width))
        Number of an image, and a map of it.

    Returns
    -------
    LabelledPixels
        Every so manieth pixel of each class, and at least one of each in each image.
    """
    masks = inputs.masks.masks
    n_labelled = sum(int(np.count_nonzero(mask <= 1)) for mask in masks)
    # Odd, since an even one would take the same few columns of most images.
    stride = -(-n_labelled // _MOST_PIXELS) | 1
    values, membrane, weights = [], [], []
    for i, plane in maps:
        weight = 1.0 if inputs.weights is None else inputs.weights[i]
        full = np.broadcast_to(weight, plane.shape).ravel()
        for code in (0, 1):
            kept = np.flatnonzero(masks[i] == code)[::stride]
            values.append(plane.ravel()[kept])
            membrane.append(np.full(kept.size, code == 1))
            weights.append(full[kept])
    return LabelledPixels(
        np.concatenate(values),
        np.concatenate(membrane),
        np.concatenate(weights).astype(np.float64),
    )


def spread_images(inputs: FitInputs, most_pixels: int) -> list[int]:
    """Choose images that are spread over the stack and together have about so many pixels.

    Of those that show both classes, or, where there is none, all; at least one.
    """
    masks = inputs.masks.masks
    both = [i for i, mask in enumerate(masks) if (mask == 0).any() and (mask == 1).any()]
    if not both:
        return list(range(len(masks)))
    wanted = round(most_pixels / np.mean([masks[i].size for i in both]))
    places = np.linspace(0, len(both) - 1, num=min(max(wanted, 1), len(both)))
    return [both[int(place)] for place in places]


def choose_threshold(threshold: float | str, logits: LabelledPixels) -> float:
    """Give a threshold that is a number; for "auto" the best cut of the probabilities."""
    if not isinstance(threshold, str):
        return float(threshold)
    prob = sigmoid(logits.values.astype(np.float32))
    return LabelledPixels(prob, logits.membrane, logits.weights).best_cut()[0]


@dataclass(frozen=True)
class LogisticCurve:
    """A map from a response, zero or more, to the logit of membrane that never falls.

    Attributes
    ----------
    intercept, slope, unit : float
        A response r becomes ``intercept + slope * log(1 + r / unit)``.
    """

    intercept: float
    slope: float
    unit: float

    @classmethod
    def fit(cls, pixels: LabelledPixels) -> "LogisticCurve":
        """Fit the curve to labelled pixels of both classes by logistic regression."""
        from sklearn.linear_model import LogisticRegression

        unit = float(np.average(pixels.values, weights=pixels.weights)) or 1.0
        x = np.log1p(pixels.values / unit)[:, np.newaxis]
        model = LogisticRegression().fit(x, pixels.membrane, sample_weight=pixels.weights)
        slope = float(model.coef_[0, 0])
        if slope > 0:
            return cls(float(model.intercept_[0]), slope, unit)
        # A response that points the wrong way tells nothing.
        share = np.average(pixels.membrane, weights=pixels.weights)
        return cls(float(np.log(share / (1 - share))), 0.0, unit)

    def logits(self, response: Any) -> np.ndarray:
        """Map a response to logits, float32."""
        curve = self.intercept + self.slope * np.log1p(response / self.unit)
        return np.asarray(curve, dtype=np.float32)

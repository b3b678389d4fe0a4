"""Curves of calibrated segmenters, as formulas of the logit."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.utils._maps import logit

#: Methods of CalibratedSegmenter whose curve is a formula of one logit.
_METHODS = ("temperature", "sigmoid", "beta")


@dataclass(frozen=True)
class LogitCurve:
    """A calibrated logit, as a formula of the logit of a pixel.

    Attributes
    ----------
    slopes : tuple of float
        Factors of -ln(1 + exp(-z)) and of ln(1 + exp(z)), whose sum is the logit z.
    offset : float
        What is added.
    """

    slopes: tuple[float, float]
    offset: float

    def __call__(self, logits: Any) -> Any:
        """Turn logits, a tensor, into calibrated ones."""
        from keras import ops

        first, second = self.slopes
        if first == second:
            return first * logits + self.offset
        return second * ops.softplus(logits) - first * ops.softplus(-logits) + self.offset


def curve_of(segmenter: Any) -> LogitCurve:
    """Give the formula of a fitted CalibratedSegmenter's curve.

    Parameters
    ----------
    segmenter : CalibratedSegmenter
        Fitted.

    Returns
    -------
    LogitCurve
        The same curve.

    Raises
    ------
    InvalidInputError
        If the curve has no formula in one logit.
    """
    method, curve = segmenter.method, segmenter._curve
    if method not in _METHODS:
        raise InvalidInputError(
            f"A CalibratedSegmenter with method={method!r} cannot be exported; those with "
            f"{', '.join(map(repr, _METHODS))} can. Calibrate with one of these, or export what "
            "is inside, its estimator_."
        )
    if method == "beta":
        first, second = curve.slopes.tolist()
        return LogitCurve((first, second), float(curve.offset))
    # A straight line, and so known from two of its points.
    below, above = logit(curve(np.array([-0.5, 0.5]))).tolist()
    return LogitCurve((above - below, above - below), (above + below) / 2)

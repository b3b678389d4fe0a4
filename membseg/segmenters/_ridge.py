"""The baseline of image analysis without learning: a filter that answers to lines."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.metrics import average_precision_score

from membseg.segmenters._baseline import BaselineSegmenter
from membseg.segmenters._fit_inputs import FitInputs
from membseg.segmenters._grey import membrane_sign, standard_grey
from membseg.segmenters._labelled_pixels import (
    LabelledPixels,
    LogisticCurve,
    choose_threshold,
    gather,
    spread_images,
)
from membseg.utils._sklearn_compat import Interval, Real, StrOptions

#: Scales that compete, in pixels: steps of the square root of two.
_SCALES = (0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0)

#: About so many pixels choose the scale, and so many the curve and the threshold.
_SCALE_PIXELS, _CURVE_PIXELS = 2**20, 2**22


@dataclass(frozen=True)
class RidgeResponse:
    """How much pixels look as if they lay on a line.

    Attributes
    ----------
    filter : {"sato", "frangi", "meijering"}
        The filter of :mod:`skimage.filters`.
    scale : float
        Standard deviation of its Gaussian, in pixels.
    dark : bool
        Whether lines are dark.
    """

    filter: str
    scale: float
    dark: bool

    def of(self, image: Any) -> np.ndarray:
        """Give the response of an image, (height, width) float64; zero or more."""
        from skimage import filters

        ridge_filter = getattr(filters, self.filter)
        grey = standard_grey(image)
        return ridge_filter(grey, sigmas=[self.scale], black_ridges=self.dark, mode="reflect")


class RidgeSegmenter(BaselineSegmenter):
    """Call membrane whatever a ridge filter answers to.

    The filter and what it looks for are fixed; the width of the lines, whether they are dark or
    bright, the probability that belongs to a response, and the threshold are learnt from the
    masks.

    Parameters
    ----------
    filter : {"sato", "frangi", "meijering"}, default="sato"
        The filter of :mod:`skimage.filters`. All three work on the eigenvalues of the second
        derivatives.
    scale : float or "auto", default="auto"
        Standard deviation in pixels of the Gaussian whose derivatives are taken, about a third to
        a half of the lines' width. "auto" takes that of 0.7, 1, 1.4, ... 8 px whose response
        has the best average precision on (at most about a million of) the training pixels.
    threshold : float or "auto", default="auto"
        Membrane probability, in [0, 1], from which `predict` says membrane. "auto" takes the
        lowest one whose IoU on the training pixels is within half a per cent of the best; four
        numbers cannot overfit them, so that no validation part is held out.
    membrane_label : scalar or None, default=None
        The value of membrane in `y`. None takes the larger one.
    ignore_label : scalar or None, default=None
        The value of unlabelled pixels in `y`. None takes -1 as such in signed integers that hold
        two other values.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        ``[cell value, membrane value]`` of `y`.
    scale_ : float
        The scale that is used, in pixels.
    sign_ : float
        1 where membranes are bright, -1 where they are dark.
    threshold_ : float
        The threshold that `predict` uses.
    n_channels_in_ : int
        Channels of the images; they are averaged.
    n_images_seen_ : int
        Number of images in fit.

    Notes
    -----
    Images are brought to zero mean and unit variance first. A logistic regression on the training
    pixels maps the logarithm of the response to the logit of membrane; the map never falls.
    With many or large images, about four million pixels of images spread over the stack are
    filtered for it.

    References
    ----------
    Sato et al. (1998), doi 10.1016/S1361-8415(98)80009-1; Frangi et al. (1998),
    doi 10.1007/BFb0056195; Meijering et al. (2004), doi 10.1002/cyto.a.20022.

    Examples
    --------
    >>> from membseg import RidgeSegmenter
    >>> from membseg.datasets import make_membranes
    >>> X, y = make_membranes(3, 64, 64, random_state=0)
    >>> segmenter = RidgeSegmenter(scale=2.0).fit(X[:2], y[:2])
    >>> segmenter.sign_
    -1.0
    >>> segmenter.predict(X[2:]).shape
    (1, 64, 64)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "filter": [StrOptions({"sato", "frangi", "meijering"})],
        "scale": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "threshold": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both")],
        **BaselineSegmenter._parameter_constraints,
    }

    def __init__(
        self,
        *,
        filter: str = "sato",
        scale: float | str = "auto",
        threshold: float | str = "auto",
        membrane_label: Any = None,
        ignore_label: Any = None,
    ) -> None:
        self.filter = filter
        self.scale = scale
        self.threshold = threshold
        self.membrane_label = membrane_label
        self.ignore_label = ignore_label

    def _learn(self, inputs: FitInputs) -> dict[str, Any]:
        sign = membrane_sign(inputs)
        scale = self._choose_scale(inputs, sign) if self.scale == "auto" else float(self.scale)
        response = RidgeResponse(self.filter, scale, dark=sign < 0)
        images = inputs.images.images
        chosen = spread_images(inputs, _CURVE_PIXELS)
        pixels = gather(inputs, ((i, response.of(images[i])) for i in chosen))
        curve = LogisticCurve.fit(pixels)
        logits = LabelledPixels(curve.logits(pixels.values), pixels.membrane, pixels.weights)
        return {
            "scale_": scale,
            "sign_": sign,
            "threshold_": choose_threshold(self.threshold, logits),
            "_response": response,
            "_curve": curve,
        }

    def _choose_scale(self, inputs: FitInputs, sign: float) -> float:
        """Give the scale with the best average precision."""
        images = inputs.images.images
        chosen = spread_images(inputs, _SCALE_PIXELS)
        precisions = []
        for scale in _SCALES:
            response = RidgeResponse(self.filter, scale, dark=sign < 0)
            pixels = gather(inputs, ((i, response.of(images[i])) for i in chosen))
            precisions.append(
                average_precision_score(
                    pixels.membrane, pixels.values, sample_weight=pixels.weights
                )
            )
        return _SCALES[int(np.argmax(precisions))]

    def _image_bands(self, image: Any) -> Iterator[tuple[slice, np.ndarray]]:
        yield slice(None), self._curve.logits(self._response.of(image))

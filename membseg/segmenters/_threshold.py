"""The simplest baseline that looks at the images: a cut of grey values separates the classes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.segmenters._baseline import BaselineSegmenter
from membseg.segmenters._fit_inputs import FitInputs
from membseg.segmenters._grey import grey_values, membrane_sign, spread_of
from membseg.segmenters._labelled_pixels import choose_threshold, gather, spread_images
from membseg.utils._sklearn_compat import Integral, Interval, Real, StrOptions

#: Distances between the two cuts of a hysteresis that compete, in standard deviations.
_GAPS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)

#: About so many pixels choose among them, and so many the threshold.
_SEARCH_PIXELS, _THRESHOLD_PIXELS = 2**20, 2**22


@dataclass(frozen=True)
class GreyResponse:
    """How far pixels lie on the membrane's side of a threshold.

    Attributes
    ----------
    method : {"otsu", "local", "hysteresis"}
        Which threshold: Otsu's, or that of the pixel's neighbourhood.
    sigma, block_size
        As in :class:`ThresholdSegmenter`.
    sign : float
        1 where membranes are bright, -1 where they are dark.
    gap : float
        Distance between the two cuts of a hysteresis.
    """

    method: str
    sigma: float
    block_size: int
    sign: float
    gap: float = 0.0

    def of(self, image: Any) -> np.ndarray:
        """Give the response of an image in its standard deviations, (height, width) float64."""
        from skimage.filters import gaussian, threshold_local, threshold_otsu

        grey = gaussian(grey_values(image), self.sigma, preserve_range=True)
        spread = spread_of(grey)
        if not spread:
            return np.zeros(grey.shape)
        local = self.method == "local"
        cut = threshold_local(grey, self.block_size) if local else threshold_otsu(grey)
        response = self.sign * (grey - cut) / spread
        return _reconstruct(response, self.gap) if self.method == "hysteresis" else response


def _reconstruct(response: np.ndarray, gap: float) -> np.ndarray:
    """Give the highest lower cut at which hysteresis finds a pixel, for upper cuts `gap` above.

    Hysteresis with the cuts t and t + gap finds what exceeds t here, whatever t is: a pixel is
    found if a path leads from it to one above t + gap, and all of the path is above t.
    """
    from skimage.morphology import diamond, reconstruction

    # Neighbours share a side, as in skimage.filters.apply_hysteresis_threshold.
    return reconstruction(response - gap, response, footprint=diamond(1))


class ThresholdSegmenter(BaselineSegmenter):
    """Call membrane whatever is darker (or brighter) than a threshold.

    By default Otsu's threshold of each image; nothing is learnt from the masks then but whether
    membranes are dark or bright.

    Parameters
    ----------
    method : {"otsu", "local", "hysteresis"}, default="otsu"
        Where a pixel's threshold comes from. "otsu": from the histogram of its image. "local":
        from its neighbourhood, whose weighted mean it is. "hysteresis": two cuts, and membrane is
        what exceeds the lower one and hangs together with something that exceeds the higher one.
    sigma : float, default=1.0
        Standard deviation in pixels of the Gaussian blur before thresholding; 0 for none.
    block_size : int, default=101
        Side in pixels of the neighbourhood for "local", weighted by a Gaussian; odd. It should
        hold a cell and its membranes.
    low, high : float or "auto", default="auto"
        The cuts for "hysteresis", as distances from Otsu's threshold in standard deviations of
        the image, positive on the membrane's side. "auto" takes those with the best IoU on the
        training pixels.
    threshold : float or "auto", default="auto"
        Membrane probability, in [0, 1], from which `predict` says membrane. "auto": 0.5 for
        "otsu" and "hysteresis", the probability at their cuts; for "local" the lowest one whose
        IoU on the training pixels is within half a per cent of the best; one number cannot
        overfit them, so that no validation part is held out.
    membrane_label : scalar or None, default=None
        The value of membrane in `y`. None takes the larger one.
    ignore_label : scalar or None, default=None
        The value of unlabelled pixels in `y`. None takes -1 as such in signed integers that hold
        two other values.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        ``[cell value, membrane value]`` of `y`.
    sign_ : float
        1 where membranes are bright, -1 where they are dark.
    low_, high_ : float or None
        The cuts of "hysteresis"; None for the other methods.
    threshold_ : float
        The threshold that `predict` uses.
    n_channels_in_ : int
        Channels of the images; they are averaged.
    n_images_seen_ : int
        Number of images in fit.

    Notes
    -----
    The logit is the distance from the threshold (for "hysteresis", of the lower cut) in standard
    deviations of the image: its order is meant, the probabilities are not calibrated.

    References
    ----------
    Otsu (1979), "A threshold selection method from gray-level histograms",
    doi 10.1109/TSMC.1979.4310076. Canny (1986), "A computational approach to edge detection",
    doi 10.1109/TPAMI.1986.4767851, for hysteresis.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter
    >>> from membseg.datasets import make_membranes
    >>> X, y = make_membranes(3, 64, 64, random_state=0)
    >>> ThresholdSegmenter().fit(X[:2], y[:2]).predict(X[2:]).shape
    (1, 64, 64)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "method": [StrOptions({"otsu", "local", "hysteresis"})],
        "sigma": [Interval(Real, 0, None, closed="left")],
        "block_size": [Interval(Integral, 3, None, closed="left")],
        "low": [StrOptions({"auto"}), Interval(Real, None, None, closed="neither")],
        "high": [StrOptions({"auto"}), Interval(Real, None, None, closed="neither")],
        "threshold": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both")],
        **BaselineSegmenter._parameter_constraints,
    }

    def __init__(
        self,
        *,
        method: str = "otsu",
        sigma: float = 1.0,
        block_size: int = 101,
        low: float | str = "auto",
        high: float | str = "auto",
        threshold: float | str = "auto",
        membrane_label: Any = None,
        ignore_label: Any = None,
    ) -> None:
        self.method = method
        self.sigma = sigma
        self.block_size = block_size
        self.low = low
        self.high = high
        self.threshold = threshold
        self.membrane_label = membrane_label
        self.ignore_label = ignore_label

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.block_size % 2 == 0:
            raise InvalidInputError(
                f"block_size must be odd, so that a pixel is the middle of its neighbourhood; got "
                f"{self.block_size}. Use {self.block_size + 1}."
            )
        given = self.low != "auto" and self.high != "auto"
        if given and float(self.low) > float(self.high):
            raise InvalidInputError(
                f"low must not exceed high; got low={self.low} and high={self.high}. Swap them, or "
                "leave one of them at 'auto'."
            )

    def _learn(self, inputs: FitInputs) -> dict[str, Any]:
        sign = membrane_sign(inputs)
        response = GreyResponse(self.method, float(self.sigma), int(self.block_size), sign)
        low = high = None
        if self.method == "hysteresis":
            low, high = self._choose_cuts(inputs, response)
            response = replace(response, gap=high - low)
        threshold: float | str = self.threshold
        if self.method != "local" and threshold == "auto":
            threshold = 0.5
        if threshold == "auto":
            images = inputs.images.images
            chosen = spread_images(inputs, _THRESHOLD_PIXELS)
            pixels = gather(inputs, ((i, response.of(images[i])) for i in chosen))
            threshold = choose_threshold(threshold, pixels)
        return {
            "sign_": sign,
            "low_": low,
            "high_": high,
            "threshold_": float(threshold),
            "_response": response,
        }

    def _choose_cuts(self, inputs: FitInputs, response: GreyResponse) -> tuple[float, float]:
        """Give the two cuts, those that are not given so that the IoU is best."""
        best, best_iou = (0.0, 0.0), -1.0
        for low, high, iou in self._list_cuts(inputs, response):
            if iou > best_iou:
                best, best_iou = (low, high), iou
        return best

    def _list_cuts(
        self, inputs: FitInputs, response: GreyResponse
    ) -> Iterator[tuple[float, float, float]]:
        """Give the cuts that compete, low and high, and their IoU."""
        if self.low != "auto" and self.high != "auto":
            yield float(self.low), float(self.high), 0.0
            return
        chosen = spread_images(inputs, _SEARCH_PIXELS)
        plain = replace(response, method="otsu")
        maps = [(i, plain.of(inputs.images.images[i])) for i in chosen]
        for gap in _GAPS:
            pixels = gather(inputs, ((i, _reconstruct(plane, gap)) for i, plane in maps))
            if self.low == "auto" and self.high == "auto":
                low, iou = pixels.best_cut()
            else:
                low = float(self.low) if self.low != "auto" else float(self.high) - gap
                iou = pixels.iou(low)
            yield low, low + gap, iou

    def _image_bands(self, image: Any) -> Iterator[tuple[slice, np.ndarray]]:
        cut = 0.0 if self.low_ is None else self.low_
        yield slice(None), (self._response.of(image) - cut).astype(np.float32)

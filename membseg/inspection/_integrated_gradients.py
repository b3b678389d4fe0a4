"""What each pixel contributes to the logits, on the way from a blank image."""

from numbers import Real
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from membseg.exceptions import InvalidInputError, MembsegWarning
from membseg.inspection._subject import Frame, open_subject
from membseg.model_selection._stacks import check_count
from membseg.utils import warn_user

#: Standard deviation in pixels of the blur that wipes membranes out.
_BLUR = 8.0

#: Contributions must add up to the difference but for this share of it, and this much (logits).
_SHARE, _LOGITS = 0.05, 0.02


def integrated_gradients(
    segmenter: Any,
    X: Any,
    *,
    region: Any = None,
    baseline: float | str = "mean",
    n_steps: int = 32,
) -> Any:
    """Share out the mean logit of a region among the pixels (integrated gradients).

    Gradients are averaged along the straight line from a blank image to the image, and multiplied
    by the difference of the two. The contributions of all pixels add up to the difference of the
    region's mean logit between the image and the blank one.

    Parameters
    ----------
    segmenter : segmenter
        Fitted, around one Keras network, as for :func:`input_gradients`.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images, with the channels seen in fit.
    region : None, (row, column) or array-like of bool, default=None
        Whose logits, as for :func:`input_gradients`.
    baseline : {"mean", "blur"} or float, default="mean"
        The blank image: each channel's mean; the image without anything finer than about 8 px; or
        one value of the normalised image.
    n_steps : int, default=32
        Gradients along the line, 1 or more.

    Returns
    -------
    ndarray of the shape of `X`, float32, or list of arrays
        Contributions in logits; they do not depend on the units of the image.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If the segmenter has no network, or `X`, `region`, `baseline` or `n_steps` cannot be used.
    NotFittedError
        Before fit.

    Warns
    -----
    MembsegWarning
        If contributions miss the difference by more than 5 % of it, since `n_steps` are too few.

    References
    ----------
    Sundararajan, Taly and Yan (2017), "Axiomatic Attribution for Deep Networks", ICML,
    arXiv 1703.01365.

    Examples
    --------
    >>> from membseg import UNetSegmenter, integrated_gradients, make_membranes
    >>> X, y = make_membranes(1, 32, 32, random_state=0)
    >>> net = UNetSegmenter(depth=1, base_filters=4, max_steps=2, threshold=0.5).fit(X, y)
    >>> integrated_gradients(net, X, region=(16, 16), n_steps=8).shape
    (1, 32, 32)
    """
    check_count(n_steps, "n_steps", least=1, advice="32 are enough for most networks.")
    _check_baseline(baseline)
    subject = open_subject(segmenter, X, region)

    def integrate(i: int, frame: Frame) -> np.ndarray:
        blank = _blank(frame.pixels, baseline)
        way = frame.pixels - blank
        total = np.zeros(way.shape, np.float64)
        # Steps grow with the distance from the blank image: near it, where contrast is as faint as
        # the network's biases, gradients change most.
        for k in range(n_steps):
            root = (k + 0.5) / n_steps
            slope = subject.differentiate(i, blank + np.float32(root**2) * way)[1]
            total += 2 * root * slope.astype(np.float64)
        contributions = way * total / n_steps
        ends = [subject.differentiate(i, pixels)[0] for pixels in (blank, frame.pixels)]
        _check_sum(i, float(contributions.sum()), ends[1] - ends[0], n_steps)
        return contributions.astype(np.float32)

    return subject.each(integrate)


def _check_baseline(baseline: Any) -> None:
    is_number = isinstance(baseline, Real) and not isinstance(baseline, bool)
    if baseline not in ("mean", "blur") and not (is_number and np.isfinite(baseline)):
        raise InvalidInputError(
            "baseline must be 'mean', 'blur' or a finite value of the normalised image; got "
            f"{baseline!r}."
        )


def _blank(pixels: np.ndarray, baseline: float | str) -> np.ndarray:
    if baseline == "blur":
        return gaussian_filter(pixels, (_BLUR, _BLUR, 0))
    value: Any = pixels.mean(axis=(0, 1), dtype=np.float64) if baseline == "mean" else baseline
    return np.broadcast_to(np.asarray(value, np.float32), pixels.shape)


def _check_sum(i: int, found: float, wanted: float, n_steps: int) -> None:
    if abs(found - wanted) > _SHARE * abs(wanted) + _LOGITS:
        warn_user(
            f"The contributions of image {i} add up to {found:.3g} logits, and its region differs "
            f"by {wanted:.3g} from the blank image's: {n_steps} steps are too few. Raise n_steps.",
            MembsegWarning,
        )

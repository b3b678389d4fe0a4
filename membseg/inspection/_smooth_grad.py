"""Gradients averaged over noisy copies of an image."""

from typing import Any

import numpy as np

from membseg.inspection._subject import Frame, open_subject
from membseg.metrics._checks import check_number
from membseg.model_selection._stacks import check_count
from membseg.utils import make_rng


def smooth_grad(
    segmenter: Any,
    X: Any,
    *,
    region: Any = None,
    noise: float = 0.1,
    n_samples: int = 16,
    random_state: Any = None,
) -> Any:
    """Average gradients over noisy copies of the images, which leaves less speckle (SmoothGrad).

    Parameters
    ----------
    segmenter : segmenter
        Fitted, around one Keras network, as for :func:`input_gradients`.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images, with the channels seen in fit.
    region : None, (row, column) or array-like of bool, default=None
        Whose logits, as for :func:`input_gradients`.
    noise : float, default=0.1
        Standard deviation of the noise, as a share of the normalised image's range; 0 or more.
    n_samples : int, default=16
        Noisy copies, 1 or more; each costs a gradient.
    random_state : int, Generator, RandomState or None, default=None
        Where the noise comes from.

    Returns
    -------
    ndarray of the shape of `X`, float32, or list of arrays
        Mean gradients: logits per unit of the normalised image.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If the segmenter has no network, `X` or `region` cannot be used, or `noise` or `n_samples`
        is out of range.
    NotFittedError
        Before fit.

    References
    ----------
    Smilkov, Thorat, Kim, Viegas and Wattenberg (2017), "SmoothGrad: removing noise by adding
    noise", arXiv 1706.03825.

    Examples
    --------
    >>> from membseg import UNetSegmenter, make_membranes, smooth_grad
    >>> X, y = make_membranes(1, 32, 32, random_state=0)
    >>> net = UNetSegmenter(depth=1, base_filters=4, max_steps=2, threshold=0.5).fit(X, y)
    >>> smooth_grad(net, X, region=(16, 16), n_samples=2, random_state=0).shape
    (1, 32, 32)
    """
    check_number(noise, "noise", low=0)
    check_count(n_samples, "n_samples", least=1, advice="Sixteen or more give quiet maps.")
    rng = make_rng(random_state)
    subject = open_subject(segmenter, X, region)

    def smooth(i: int, frame: Frame) -> np.ndarray:
        spread = noise * (frame.pixels.max() - frame.pixels.min())
        total = np.zeros(frame.pixels.shape, np.float64)
        for _ in range(n_samples):
            noisy = frame.pixels + spread * rng.standard_normal(frame.pixels.shape, np.float32)
            total += subject.differentiate(i, noisy.astype(np.float32))[1]
        return (total / n_samples).astype(np.float32)

    return subject.each(smooth)

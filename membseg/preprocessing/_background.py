"""Uneven background."""

from typing import Any, ClassVar

import numpy as np

from membseg.preprocessing._transformer import ImageTransformer
from membseg.utils._sklearn_compat import Interval, Real, StrOptions


class BackgroundFlattener(ImageTransformer):
    """Take slow changes of brightness out of each image, and of contrast on request.

    The background is the image blurred by a Gaussian much wider than a membrane.

    Parameters
    ----------
    sigma : float, default=50.0
        Standard deviation of the Gaussian, in pixels.
    mode : {"subtract", "standardize"}, default="subtract"
        Subtract the background; or divide by the local standard deviation too, measured with the
        same Gaussian.

    Attributes
    ----------
    n_channels_in_ : int
        Channels of the images.

    Examples
    --------
    A ramp of brightness over the image:

    >>> import numpy as np
    >>> from membseg.preprocessing import BackgroundFlattener
    >>> X = np.zeros((1, 64, 64)) + np.linspace(0, 100, 64)
    >>> flat = BackgroundFlattener(sigma=4).fit_transform(X)
    >>> bool(flat.std() < 0.1 * X.std())
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "sigma": [Interval(Real, 0, None, closed="neither")],
        "mode": [StrOptions({"subtract", "standardize"})],
    }

    def __init__(self, *, sigma: float = 50.0, mode: str = "subtract") -> None:
        self.sigma = sigma
        self.mode = mode

    def _transform_channel(self, channel: np.ndarray) -> np.ndarray:
        from scipy.ndimage import gaussian_filter

        sigma = float(self.sigma)
        flat = channel - gaussian_filter(channel, sigma)
        if self.mode == "subtract":
            return flat
        spread = np.sqrt(gaussian_filter(flat**2, sigma))
        # Where nothing varies there is nothing to scale.
        least = 1e-6 * max(float(spread.max()), np.finfo(np.float64).tiny)
        return flat / np.maximum(spread, least)

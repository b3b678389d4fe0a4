"""Noise."""

from typing import Any, ClassVar

import numpy as np

from membseg.preprocessing._transformer import ImageTransformer, to_unit_range
from membseg.utils._sklearn_compat import Interval, Real, StrOptions


class Denoiser(ImageTransformer):
    """Remove noise from each image.

    Parameters
    ----------
    method : {"gaussian", "median", "tv", "bilateral", "nlm"}, default="gaussian"
        Gaussian blur, median in a disk, total variation (Chambolle), bilateral filter, non-local
        means. All but the first two keep edges and scale the image to [0, 1] first.
    strength : float, default=1.0
        "gaussian": standard deviation in pixels. "median": radius of the disk in pixels. "tv":
        the weight in units of 0.1. "bilateral": standard deviation in pixels; intensities
        are compared on the scale of the image's own deviation. "nlm": the cut-off distance in
        units of the noise's deviation, as Immerkaer estimates it.

    Attributes
    ----------
    n_channels_in_ : int
        Channels of the images.

    References
    ----------
    Chambolle (2004), doi 10.1023/B:JMIV.0000011325.36760.1e; Tomasi and Manduchi (1998),
    doi 10.1109/ICCV.1998.710815; Buades, Coll and Morel (2005), doi 10.1109/CVPR.2005.38.
    Computed by :mod:`scipy.ndimage` and :mod:`skimage.restoration`.

    Examples
    --------
    >>> from membseg import make_membranes
    >>> from membseg.preprocessing import Denoiser
    >>> X, y = make_membranes(1, 64, 64, random_state=0)
    >>> smooth = Denoiser(method="median", strength=2).fit_transform(X)
    >>> bool(smooth.std() < X.std())
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "method": [StrOptions({"gaussian", "median", "tv", "bilateral", "nlm"})],
        "strength": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, *, method: str = "gaussian", strength: float = 1.0) -> None:
        self.method = method
        self.strength = strength

    def _transform_channel(self, channel: np.ndarray) -> np.ndarray:
        strength = float(self.strength)
        if self.method == "gaussian":
            from scipy.ndimage import gaussian_filter

            return gaussian_filter(channel, strength)
        if self.method == "median":
            return _median(channel, strength)
        unit = to_unit_range(channel)
        if not unit.any():
            return unit
        return _EDGE_KEEPING[self.method](unit, strength)


def _median(channel: np.ndarray, radius: float) -> np.ndarray:
    from scipy.ndimage import median_filter
    from skimage.morphology import disk

    return median_filter(channel, footprint=disk(max(1, round(radius))))


def _total_variation(unit: np.ndarray, strength: float) -> np.ndarray:
    from skimage.restoration import denoise_tv_chambolle

    return denoise_tv_chambolle(unit, weight=0.1 * strength)


def _bilateral(unit: np.ndarray, strength: float) -> np.ndarray:
    from skimage.restoration import denoise_bilateral

    return denoise_bilateral(unit, sigma_color=float(unit.std()), sigma_spatial=strength)


def _non_local_means(unit: np.ndarray, strength: float) -> np.ndarray:
    from skimage.restoration import denoise_nl_means

    noise = _noise_deviation(unit)
    if noise == 0:
        return unit
    return denoise_nl_means(
        unit, h=strength * noise, sigma=noise, patch_size=5, patch_distance=6, fast_mode=True
    )


def _noise_deviation(unit: np.ndarray) -> float:
    """Estimate the noise from what a mask that is blind to edges and ramps leaves.

    Immerkaer (1996), "Fast Noise Variance Estimation", doi 10.1006/cviu.1996.0060, equation 4.
    scikit-image's own estimate needs a package of wavelets.
    """
    from scipy.ndimage import convolve

    blind = np.array([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]])
    return float(np.sqrt(np.pi / 2) / 6 * np.abs(convolve(unit, blind, mode="reflect")).mean())


_EDGE_KEEPING = {"tv": _total_variation, "bilateral": _bilateral, "nlm": _non_local_means}

"""Local contrast."""

from typing import Any, ClassVar

import numpy as np

from membseg.preprocessing._transformer import ImageTransformer, to_unit_range
from membseg.utils._sklearn_compat import Integral, Interval, Real, StrOptions


class CLAHE(ImageTransformer):
    """Even out contrast: contrast-limited adaptive histogram equalisation.

    Each image is scaled to [0, 1] first. Every parameter is a number or a string, so that it can
    be searched together with those of the segmenter behind it.

    Parameters
    ----------
    kernel_size : "auto" or int, default="auto"
        Side in pixels of the regions whose histograms are equalised. "auto": an eighth of each
        side of the image.
    clip_limit : float, default=0.01
        How much contrast may grow, in (0, 1]; higher means more.
    n_bins : int, default=256
        Bins of the histograms.

    Attributes
    ----------
    n_channels_in_ : int
        Channels of the images.

    References
    ----------
    Zuiderveld (1994), "Contrast Limited Adaptive Histogram Equalization", Graphics Gems IV.
    Computed by :func:`skimage.exposure.equalize_adapthist`.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from membseg import ThresholdSegmenter, make_membranes
    >>> from membseg.preprocessing import CLAHE
    >>> X, y = make_membranes(3, 64, 64, random_state=0)
    >>> pipeline = make_pipeline(CLAHE(clip_limit=0.02), ThresholdSegmenter())
    >>> pipeline.fit(X[:2], y[:2]).predict(X[2:]).shape
    (1, 64, 64)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "kernel_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "clip_limit": [Interval(Real, 0, 1, closed="right")],
        "n_bins": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self, *, kernel_size: int | str = "auto", clip_limit: float = 0.01, n_bins: int = 256
    ) -> None:
        self.kernel_size = kernel_size
        self.clip_limit = clip_limit
        self.n_bins = n_bins

    def _transform_channel(self, channel: np.ndarray) -> np.ndarray:
        from skimage.exposure import equalize_adapthist

        unit = to_unit_range(channel)
        if not unit.any():
            return unit
        return equalize_adapthist(
            unit,
            kernel_size=None if isinstance(self.kernel_size, str) else int(self.kernel_size),
            clip_limit=float(self.clip_limit),
            nbins=int(self.n_bins),
        )

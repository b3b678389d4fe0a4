"""The baseline that every network must beat: one grey value separates membrane from cell."""

import copy
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from membseg.base import SegmenterMixin
from membseg.segmenters._fit_inputs import check_fit_inputs
from membseg.utils import check_images, restore_layout
from membseg.utils._images import check_dask_images
from membseg.utils._lazy import is_dask
from membseg.utils._sklearn_compat import Interval, Real, StrOptions


class ThresholdSegmenter(SegmenterMixin, BaseEstimator):
    """Call membrane whatever is darker (or brighter) than Otsu's threshold of its image.

    Learns nothing from the masks but whether membranes are dark or bright.

    Parameters
    ----------
    method : {"otsu"}, default="otsu"
        How the threshold of an image is found.
    sigma : float, default=1.0
        Standard deviation in pixels of the Gaussian blur before thresholding; 0 for none.
    membrane_label : scalar or None, default=None
        The value of membrane in `y`. None takes the larger one.
    ignore_label : scalar or None, default=None
        The value of unlabelled pixels in `y`.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        ``[cell value, membrane value]`` of `y`.
    sign_ : float
        1 where membranes are bright, -1 where they are dark.
    threshold_ : float
        0.5: the probability at Otsu's threshold.
    n_channels_in_ : int
        Channels of the images; they are averaged.

    References
    ----------
    Otsu (1979), "A threshold selection method from gray-level histograms",
    doi 10.1109/TSMC.1979.4310076.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter
    >>> from membseg.datasets import make_membranes
    >>> X, y = make_membranes(3, 64, 64, random_state=0)
    >>> ThresholdSegmenter().fit(X[:2], y[:2]).predict(X[2:]).shape
    (1, 64, 64)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "method": [StrOptions({"otsu"})],
        "sigma": [Interval(Real, 0, None, closed="left")],
        "membrane_label": [None, Real, "boolean"],
        "ignore_label": [None, Real],
    }

    def __init__(
        self,
        *,
        method: str = "otsu",
        sigma: float = 1.0,
        membrane_label: Any = None,
        ignore_label: Any = None,
    ) -> None:
        self.method = method
        self.sigma = sigma
        self.membrane_label = membrane_label
        self.ignore_label = ignore_label

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
        validation_data: Any = None,
    ) -> "ThresholdSegmenter":
        """Learn whether membranes are dark or bright.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images of any real dtype.
        y : array-like of shape (n_images, height, width) or list of (height, width) arrays, \
default=None
            Masks of two values; required.
        sample_weight : array-like or None, default=None
            Weight of each image or pixel; pixels of zero weight do not count.
        groups : array-like or None, default=None
            Taken for the sake of the other segmenters; changes nothing.
        validation_data : tuple (X, y) or None, default=None
            Taken for the sake of the other segmenters; changes nothing.

        Returns
        -------
        self
            The fitted segmenter.
        """
        self._validate_params()
        inputs = check_fit_inputs(
            X,
            y,
            sample_weight=sample_weight,
            groups=groups,
            validation_data=validation_data,
            membrane_label=self.membrane_label,
            ignore_label=self.ignore_label,
        )
        contrast = 0.0
        for image, mask in zip(inputs.images.images, inputs.masks.masks, strict=True):
            grey = image.mean(axis=2, dtype=np.float64)
            if (mask == 0).any() and (mask == 1).any():
                contrast += grey[mask == 1].mean() - grey[mask == 0].mean()
        self.sign_ = 1.0 if contrast > 0 else -1.0
        self.classes_ = inputs.masks.classes
        self.n_channels_in_ = inputs.images.n_channels
        self.threshold_ = 0.5
        return self

    def decision_function(self, X: Any) -> Any:
        """Give each pixel's distance from its image's threshold, as a logit.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images of any real dtype, with the channels seen in fit.

        Returns
        -------
        ndarray of shape (n_images, height, width), float32, or list of (height, width)
            Distance in standard deviations of the image; positive on the membrane's side. A dask
            array for a dask array; each image is one task there.
        """
        check_is_fitted(self)
        if is_dask(X):
            check_dask_images(X, n_channels=self.n_channels_in_)
            whole = X.rechunk({0: 1, **dict.fromkeys(range(1, X.ndim), -1)})
            return whole.map_blocks(
                # As it is now, whatever is fitted before the tasks are run.
                copy.copy(self).decision_function,
                drop_axis=3 if X.ndim == 4 else [],
                dtype=np.float32,
                meta=np.empty((0, 0, 0), dtype=np.float32),
            ).rechunk(X.chunks[:3])
        stack = check_images(X, n_channels=self.n_channels_in_)
        return restore_layout(
            [self._logits(i) for i in map(np.asarray, stack.images)], as_list=stack.as_list
        )

    def _logits(self, image: np.ndarray) -> np.ndarray:
        from skimage.filters import gaussian, threshold_otsu

        grey = gaussian(image.mean(axis=2, dtype=np.float64), self.sigma, preserve_range=True)
        spread = grey.std()
        if spread == 0:
            return np.zeros(grey.shape, dtype=np.float32)
        distance = self.sign_ * (grey - threshold_otsu(grey)) / spread
        return distance.astype(np.float32)

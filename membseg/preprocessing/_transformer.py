"""What every transformer of image stacks shares."""

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from membseg.exceptions import InvalidTypeError
from membseg.utils import check_images, restore_layout
from membseg.utils._lazy import is_dask


class ImageTransformer(TransformerMixin, BaseEstimator):
    """Base of the transformers; not for use by itself.

    A subclass stores its parameters, lists them in ``_parameter_constraints`` and defines
    :meth:`_transform_channel`. Channels are independent of each other, and so are images.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]]

    def fit(self, X: Any, y: Any = None) -> "ImageTransformer":
        """Check parameters and images; nothing is learnt.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images of any real dtype.
        y : object, default=None
            Taken for the sake of pipelines; changes nothing.

        Returns
        -------
        self
            The transformer.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If `X` is no stack of images.
        """
        self._validate_params()
        self.n_channels_in_ = self._check(X, None).n_channels
        return self

    def transform(self, X: Any) -> Any:
        """Transform each channel of each image.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images of any real dtype, with the channels seen in fit.

        Returns
        -------
        ndarray of the shape of `X`, float32, or list of such
            The transformed images.

        Raises
        ------
        NotFittedError
            Before fit.
        InvalidInputError, InvalidTypeError
            If `X` is no stack of such images.
        """
        check_is_fitted(self)
        stack = self._check(X, self.n_channels_in_)
        results = []
        for i, image in enumerate(stack.images):
            # As floats of 64 bits: scikit-image scales integers by the range of their dtype.
            pixels = np.asarray(image, dtype=np.float64)
            changed = np.empty(pixels.shape, dtype=np.float32)
            for channel in range(pixels.shape[2]):
                changed[..., channel] = self._transform_channel(pixels[..., channel])
            n_axes = np.ndim(X[i]) if stack.as_list else np.ndim(X) - 1
            results.append(changed if n_axes == 3 else changed[..., 0])
        return restore_layout(results, as_list=stack.as_list)

    @abstractmethod
    def _transform_channel(self, channel: np.ndarray) -> np.ndarray:
        """Transform (height, width), float64."""

    @staticmethod
    def _check(X: Any, n_channels: int | None) -> Any:
        if is_dask(X):
            raise InvalidTypeError(
                "X must be numpy arrays here; got a dask array. Transform it with "
                "X.map_blocks(transformer.transform) where each block holds whole images."
            )
        return check_images(X, n_channels=n_channels)

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that X is a stack of images."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.requires_fit = True
        return tags


def to_unit_range(channel: np.ndarray) -> np.ndarray:
    """Scale to [0, 1]; a constant channel becomes zero."""
    low, high = channel.min(), channel.max()
    return (channel - low) / (high - low) if high > low else np.zeros_like(channel)

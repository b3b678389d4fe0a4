"""What every segmenter without a network shares: checks in fit, images one by one in predict."""

import copy
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from membseg.base import SegmenterMixin, sigmoid
from membseg.datasets._label_doctor import label_warnings
from membseg.exceptions import DataWarning
from membseg.segmenters._fit_inputs import FitInputs, check_fit_inputs
from membseg.utils import ImageStack, check_images, warn_user
from membseg.utils._image_keys import image_keys
from membseg.utils._images import check_dask_images
from membseg.utils._lazy import is_dask
from membseg.utils._sklearn_compat import Real


class BaselineSegmenter(SegmenterMixin, BaseEstimator):
    """Base of the segmenters without a network; not for use by itself.

    A subclass stores its parameters in ``__init__``, lists its own ones in
    ``_parameter_constraints``, and defines :meth:`_learn` and :meth:`_image_bands`.
    """

    # What a subclass stores, and what fit leaves.
    membrane_label: Any
    ignore_label: Any
    n_channels_in_: int

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "membrane_label": [None, Real, "boolean"],
        "ignore_label": [None, Real],
    }

    def _check_parameters(self) -> None:
        """Refuse parameters that do not fit each other."""
        self._validate_params()

    @abstractmethod
    def _learn(self, inputs: FitInputs) -> dict[str, Any]:
        """Give the fitted attributes, ``threshold_`` among them."""

    @abstractmethod
    def _image_bands(self, image: Any) -> Iterator[tuple[slice, np.ndarray]]:
        """Give rows of an image, (height, width, channels), and their logits, float32."""

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
        validation_data: Any = None,
    ) -> "BaselineSegmenter":
        """Learn from labelled images.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images of any real dtype. A list holds (height, width) or (height, width, channels)
            arrays of any sizes.
        y : array-like of shape (n_images, height, width) or list of (height, width) arrays, \
default=None
            Masks of two values; required. Pixels with `ignore_label` do not count.
        sample_weight : array-like or None, default=None
            Weight of each image, shape (n_images,), or of each pixel, the shape of `y`.
        groups : array-like or None, default=None
            Taken for the sake of the other segmenters; changes nothing.
        validation_data : tuple (X, y) or None, default=None
            Taken for the sake of the other segmenters; changes nothing.

        Returns
        -------
        self
            The fitted segmenter.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If an argument cannot be used; the message says how to mend it.
        """
        self._check_parameters()
        inputs = check_fit_inputs(
            X,
            y,
            sample_weight=sample_weight,
            groups=groups,
            validation_data=validation_data,
            membrane_label=self.membrane_label,
            ignore_label=self.ignore_label,
        )
        for message in label_warnings(inputs.masks):
            warn_user(message, DataWarning)
        # Only a finished fit is adopted: an interrupted one leaves what was there before.
        for name, value in self._learn(inputs).items():
            setattr(self, name, value)
        self.classes_ = inputs.masks.classes
        self.n_channels_in_ = inputs.images.n_channels
        self.n_images_seen_ = len(inputs.images)
        self._images_seen = self._keys_of(inputs)
        return self

    def _keys_of(self, inputs: FitInputs) -> list[str]:
        """Give the keys of the images that were learnt from."""
        return image_keys(inputs.images)

    def decision_function(self, X: Any) -> Any:
        """Predict the logit of membrane for every pixel.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images of any real dtype and size, with the channels seen in fit.

        Returns
        -------
        ndarray of shape (n_images, height, width), float32, or list of (height, width)
            Logits, all finite. A dask array for a dask array; each image is one task there.
        """
        check_is_fitted(self)
        if is_dask(X):
            return self._predict_lazily(X)
        stack = check_images(X, n_channels=self.n_channels_in_)
        logits: Any
        if stack.as_list:
            logits = [np.empty(size, np.float32) for size in stack.sizes]
        else:
            logits = np.empty((len(stack), *stack.sizes[0]), np.float32)
        for i, rows, columns, block in self._logit_blocks(stack):
            logits[i][rows, columns] = block
        return logits

    def _logit_blocks(self, stack: ImageStack) -> Iterator[tuple[int, slice, slice, np.ndarray]]:
        """Predict band by band: (image number, rows, columns, logits)."""
        for i, image in enumerate(stack.images):
            for rows, logits in self._image_bands(image):
                yield i, rows, slice(None), logits

    def _predict_blocks(
        self, X: Any, stack: ImageStack
    ) -> Iterator[tuple[int, slice, slice, np.ndarray]]:
        for i, rows, columns, logits in self._logit_blocks(stack):
            yield i, rows, columns, sigmoid(logits)

    def _predict_lazily(self, X: Any) -> Any:
        """Predict a dask array as a dask array."""
        check_dask_images(X, n_channels=self.n_channels_in_)
        whole = X.rechunk({0: 1, **dict.fromkeys(range(1, X.ndim), -1)})
        return whole.map_blocks(
            # As it is now, whatever is fitted before the tasks are run.
            copy.copy(self).decision_function,
            drop_axis=3 if X.ndim == 4 else [],
            dtype=np.float32,
            meta=np.empty((0, 0, 0), dtype=np.float32),
        ).rechunk(X.chunks[:3])

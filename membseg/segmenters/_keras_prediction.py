"""What every segmenter around a Keras network shares after fit: predict and state."""

import copy
from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from membseg.base import SegmenterMixin, sigmoid
from membseg.exceptions import InvalidInputError
from membseg.inference import TileRecipe
from membseg.segmenters import _prediction
from membseg.segmenters._dask import predict_dask
from membseg.segmenters._network_pool import trained
from membseg.segmenters._workers import load_keras
from membseg.utils import ImageStack, check_images, fit_intensity, make_rng
from membseg.utils._intensity import no_change
from membseg.utils._lazy import is_dask


class KerasPrediction(SegmenterMixin, BaseEstimator):
    """The half of a Keras segmenter that predicts; fit stands in ``BaseKerasSegmenter``."""

    # What fit leaves, and what a subclass defines.
    n_channels_in_: int
    intensity_: Any
    tta: str
    tile_size: int | str
    verbose: int
    _weights: list[np.ndarray] | None
    _config: dict[str, Any]
    _intensity_norm: str
    _prior_logit: float
    _build: Any
    _reach: Any

    def __sklearn_tags__(self) -> Any:
        """Say, besides what every segmenter says, whether tiles equal the whole image."""
        tags = super().__sklearn_tags__()
        tags.tile_exact = self._is_tile_exact()
        return tags

    def _is_tile_exact(self) -> bool:
        """Tell whether a logit depends on its receptive field alone."""
        # Group norm looks at the whole field.
        return getattr(self, "norm_layer", "none") != "group"

    @property
    def network_(self) -> Any:
        """The trained Keras network: images to logits, (n, height, width, 1).

        Once asked for, it is the segmenter's own, and what predictions use.
        """
        check_is_fitted(self, "history_")
        if self._weights is None:
            raise AttributeError("network_ does not exist: fit failed and gave the prior.")
        with _prediction.KERAS_LOCK:
            if getattr(self, "_network", None) is None:
                network = self._build(self._config)
                network.set_weights(self._weights)
                self._network = network
            return self._network

    def decision_function(self, X: Any) -> Any:
        """Predict the logit of membrane for every pixel.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images of any real dtype and size, with the channels seen in fit.

        Returns
        -------
        ndarray of shape (n_images, height, width), float32, or list of (height, width)
            Logits; positive where membrane is likelier than cell. A dask array for a dask array.

        Raises
        ------
        NotFittedError
            Before fit.
        InvalidInputError
            If `X` is no stack of such images, or `tile_size` is too small for the network.
        """
        check_is_fitted(self, "history_")
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

    def predict_dropout_samples(
        self, X: Any, *, n_samples: int = 8, random_state: Any = None
    ) -> Iterator[Any]:
        """Predict with dropout, each time by another thinned network (Monte Carlo dropout).

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images, with the channels seen in fit.
        n_samples : int, default=8
            Thinned networks, at least 1.
        random_state : int, Generator, RandomState or None, default=None
            Which channels are dropped. The same int gives the same samples.

        Returns
        -------
        iterator of ndarray of shape (n_images, height, width), float32, or of lists of maps
            Membrane probabilities, by one thinned network each, in one view of the images. Nothing
            is predicted before it is asked for.

        Raises
        ------
        InvalidInputError
            If the network has no spatial dropout, or `n_samples` is no number of samples.

        References
        ----------
        Gal and Ghahramani (2016), "Dropout as a Bayesian Approximation", ICML, PMLR 48.

        Examples
        --------
        >>> from membseg import UNetSegmenter, make_membranes
        >>> X, y = make_membranes(2, 32, 32, random_state=0)
        >>> segmenter = UNetSegmenter(
        ...     depth=1, base_filters=4, dropout=0.2, max_steps=1, threshold=0.5
        ... ).fit(X, y)
        >>> samples = segmenter.predict_dropout_samples(X, n_samples=2, random_state=0)
        >>> [maps.shape for maps in samples]
        [(2, 32, 32), (2, 32, 32)]
        """
        check_is_fitted(self, "history_")
        if not isinstance(n_samples, Integral) or n_samples < 1:
            raise InvalidInputError(
                f"n_samples must be a whole number of at least 1; got {n_samples!r}."
            )
        masks: list[Any] = []
        thinned = copy.copy(self)
        thinned.tta = "none"
        if self._weights is not None:
            load_keras()
            from membseg.networks._dropout_masks import with_dropout_masks

            with _prediction.KERAS_LOCK:
                network = self._build(self._config)
                network.set_weights(self._weights)
                thinned._network, masks = with_dropout_masks(network)
        if not masks:
            raise InvalidInputError(
                "The network has no spatial dropout, so that all samples would be the same. Fit "
                "with dropout=0.1, say (and dropout_kind='spatial', of a U-Net), or ask an "
                "ensemble's members or views for their disagreement."
            )
        return self._draw_samples(X, thinned, masks, n_samples, make_rng(random_state))

    @staticmethod
    def _draw_samples(
        X: Any, thinned: Any, masks: list[Any], n_samples: int, rng: Any
    ) -> Iterator[Any]:
        for _ in range(n_samples):
            for mask in masks:
                mask.draw(rng)
            yield thinned.predict_membrane(X)

    def _predict_blocks(
        self, X: Any, stack: ImageStack
    ) -> Iterator[tuple[int, slice, slice, np.ndarray]]:
        for i, rows, columns, logits in self._logit_blocks(stack):
            yield i, rows, columns, sigmoid(logits)

    def _logit_blocks(self, stack: ImageStack) -> Iterator[tuple[int, slice, slice, np.ndarray]]:
        """Predict tile by tile: (image number, rows, columns, logits)."""
        if self._weights is not None and self._intensity_norm == "stack":
            intensities = [self.intensity_] * len(stack)
        else:
            mode = "none" if self._weights is None else self._intensity_norm
            intensities = fit_intensity(stack.images, mode)
        return _prediction.predict_blocks(
            stack.images,
            intensities,
            self._tile_function(),
            self._recipe(),
            verbose=bool(self.verbose),
        )

    def _recipe(self) -> TileRecipe:
        if self._weights is None:
            return _prediction.prior_recipe()
        halo, factor = self._reach(self._config)
        values = None
        if self.tile_size == "auto":
            with trained(self._config, self._build, self._weights) as entry:
                if entry.values_per_pixel is None:
                    entry.values_per_pixel = _prediction.count_values(entry.network, factor)
                values = entry.values_per_pixel
        return _prediction.make_recipe(self.tta, self.tile_size, halo, factor, values)

    def _tile_function(self) -> Any:
        """Give the function from pixels, (1, height, width, channels), to logits."""
        if self._weights is None:
            return lambda batch: np.full(batch.shape[:3], self._prior_logit, np.float32)
        load_keras()
        from membseg.training import network_function

        if getattr(self, "_network", None) is not None:
            return _prediction.one_at_a_time(network_function(self._network))
        config, weights = self._config, self._weights

        def function(batch: np.ndarray) -> np.ndarray:
            with trained(config, self._build, weights) as entry:
                return network_function(entry.network)(batch)

        return function

    def _predict_lazily(self, X: Any) -> Any:
        """Predict a dask array as a dask array."""
        # As it is now, whatever is fitted before the tasks are run.
        now = copy.copy(self)
        now._network = getattr(self, "_network", None)
        intensity = None
        if self._weights is None or self._intensity_norm == "none":
            intensity = no_change(self.n_channels_in_)
        elif self._intensity_norm == "stack":
            intensity = self.intensity_
        mode = getattr(self, "_intensity_norm", "none")
        return predict_dask(X, now, self._recipe(), intensity, mode)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the live Keras network out: plain arrays and values only."""
        state = dict(super().__getstate__())
        state.pop("_network", None)
        return state

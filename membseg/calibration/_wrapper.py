"""What every segmenter around a segmenter shares that learns from maps of slices held out."""

from typing import Any

from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from membseg.base import SegmenterMixin
from membseg.model_selection._held_out import HeldOut
from membseg.utils import innermost


class HeldOutWrapper(SegmenterMixin, MetaEstimatorMixin, BaseEstimator):
    """Base of segmenters with a parameter `estimator`; not for use by itself."""

    # What a subclass stores.
    estimator: Any

    def _adopt(self, held_out: HeldOut) -> None:
        """Keep the fitted segmenter, and what follows from it."""
        self.estimator_, self.n_channels_in_ = held_out.segmenter, held_out.n_channels
        self._images_seen = held_out.images_seen
        self.classes_ = innermost(held_out.segmenter).classes_

    def decision_function(self, X: Any) -> Any:
        """Predict the logit of membrane for every pixel, as the segmenter does.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images, with the channels seen in fit.

        Returns
        -------
        ndarray of shape (n_images, height, width), float32, or list of (height, width)
            Logits of membrane.
        """
        check_is_fitted(self)
        return self.estimator_.decision_function(X)

    def __sklearn_tags__(self) -> Any:
        """Say whether tiles equal the whole image, as the segmenter inside says it."""
        tags = super().__sklearn_tags__()
        tags.tile_exact = getattr(get_tags(self.estimator), "tile_exact", True)
        return tags

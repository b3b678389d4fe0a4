"""A segmenter whose threshold is the best one for a score that the user names."""

from typing import Any, ClassVar

from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from membseg.base import SegmenterMixin
from membseg.calibration._held_out import predict_held_out
from membseg.metrics._threshold_curve import MASK_SCORES, curve_of
from membseg.utils import innermost
from membseg.utils._sklearn_compat import HasMethods, Integral, StrOptions


class TunedThresholdSegmenter(SegmenterMixin, MetaEstimatorMixin, BaseEstimator):
    """Choose a segmenter's threshold for a score, on slices that it did not learn from.

    The best threshold for one score is not that for another: V_Rand is destroyed by gaps, and
    wants a lower one than Dice or accuracy. scikit-learn's ``TunedThresholdClassifierCV``, for
    images.

    Parameters
    ----------
    estimator : segmenter
        A segmenter, or a pipeline or search around one. One that is fitted, in scikit-learn's
        ``FrozenEstimator``, is not fitted again; fit then takes slices that it has not seen.
    scoring : str, default="v_rand"
        Name of a score of masks: "iou", "dice", "boundary_f1", "v_rand", "v_info", ...
    cv : int, splitter, iterable of (train, test), or None, default=None
        Folds in which each slice is tested once; not used with a frozen segmenter. None:
        :class:`membseg.SliceBlockKFold` with five blocks and ``gap=1``, or fewer blocks where
        there are few slices; an int: that many blocks.
    n_jobs : int or None, default=None
        Folds at the same time, as joblib takes it.

    Attributes
    ----------
    estimator_ : segmenter
        The segmenter, fitted on all images; the frozen one itself where it is frozen.
    curve_ : ThresholdCurve
        Scores of all thresholds on the slices held out.
    threshold_ : float
        The best of them; the middle one where several share the best score.
    classes_ : ndarray of shape (2,)
        ``[cell value, membrane value]`` of `y`.
    n_channels_in_ : int
        Channels of the images.

    See Also
    --------
    membseg.metrics.threshold_curve : The curve of any maps.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, TunedThresholdSegmenter, make_membranes
    >>> X, y = make_membranes(6, 64, 64, random_state=0)
    >>> tuned = TunedThresholdSegmenter(ThresholdSegmenter(), scoring="iou", cv=3).fit(X, y)
    >>> tuned.curve_.scoring, 0 < tuned.threshold_ < 1
    ('iou', True)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "scoring": [StrOptions(set(MASK_SCORES))],
        "cv": ["cv_object", None],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        scoring: str = "v_rand",
        cv: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.scoring = scoring
        self.cv = cv
        self.n_jobs = n_jobs

    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None
    ) -> "TunedThresholdSegmenter":
        """Fit the segmenter, unless it is frozen, and choose the threshold.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images in z order.
        y : array-like of shape (n_images, height, width) or list of (height, width) arrays, \
default=None
            Masks of two values; required. Pixels without a label do not count.
        sample_weight : array-like or None, default=None
            Weight of each image or pixel, for the segmenter and for the score.
        groups : array-like of shape (n_images,) or None, default=None
            The stack of each image, for the folds and for the segmenter.

        Returns
        -------
        self
            The segmenter with its threshold.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If a parameter, images, masks or weights cannot be used, or a class is missing.
        NotFittedError
            If the frozen segmenter is not fitted.
        """
        self._validate_params()
        held_out = predict_held_out(
            self.estimator,
            X,
            y,
            method="predict_membrane",
            cv=self.cv,
            n_jobs=self.n_jobs,
            sample_weight=sample_weight,
            groups=groups,
        )
        self.curve_ = curve_of(held_out.pairs, self.scoring)
        self.estimator_, self.n_channels_in_ = held_out.segmenter, held_out.n_channels
        self.classes_ = innermost(held_out.segmenter).classes_
        self.threshold_ = self.curve_.best_threshold
        return self

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

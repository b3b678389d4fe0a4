"""A segmenter whose threshold is the best one for a score that the user names."""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from membseg.calibration._wrapper import HeldOutWrapper
from membseg.exceptions import InvalidInputError
from membseg.metrics._threshold_curve import MASK_SCORES, curve_of
from membseg.model_selection._held_out import predict_held_out
from membseg.utils._clean_mask import clean_mask
from membseg.utils._lazy import is_dask
from membseg.utils._sklearn_compat import HasMethods, Integral, Interval, StrOptions


class TunedThresholdSegmenter(HeldOutWrapper):
    """Choose a segmenter's threshold for a score, on slices that it did not learn from.

    The best threshold for one score is not that for another: V_Rand is destroyed by gaps, and
    wants a lower one than Dice or accuracy. scikit-learn's ``TunedThresholdClassifierCV``, for
    images; it can also close gaps in masks and remove small parts of them, as much as is best.

    Parameters
    ----------
    estimator : segmenter
        A segmenter, or a pipeline or search around one. One that is fitted, in scikit-learn's
        ``FrozenEstimator``, is not fitted again; fit then takes slices that it has not seen.
    scoring : str, default="v_rand"
        Name of a score of masks: "iou", "dice", "boundary_f1", "v_rand", "v_info", ...
    closing : int or list of int, default=0
        Gaps in walls that are narrower than twice this (px) are closed by a line: the skeleton of
        the mask dilated by a disk of this radius. A list: the best of these, chosen together with
        the threshold.
    min_size : int or list of int, default=0
        Parts of masks of fewer pixels, connected over edges and corners, are removed, after gaps
        were closed. A list: the best of these, chosen together with the threshold.
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
        Scores of all thresholds on the slices held out, of masks that were cleaned.
    threshold_ : float
        The best of them; the middle one where several share the best score.
    closing_, min_size_ : int
        How masks are cleaned: the first of the best ones, in the order given.
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
    >>> sizes = {"closing": [0, 1], "min_size": [0, 20]}
    >>> cleaned = TunedThresholdSegmenter(ThresholdSegmenter(), cv=3, **sizes).fit(X, y)
    >>> cleaned.closing_ in (0, 1), cleaned.min_size_ in (0, 20)
    (True, True)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "scoring": [StrOptions(set(MASK_SCORES))],
        "closing": [Interval(Integral, 0, None, closed="left"), list],
        "min_size": [Interval(Integral, 0, None, closed="left"), list],
        "cv": ["cv_object", None],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        scoring: str = "v_rand",
        closing: int | list[int] = 0,
        min_size: int | list[int] = 0,
        cv: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.scoring = scoring
        self.closing = closing
        self.min_size = min_size
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

        Warns
        -----
        DataWarning
            If the frozen segmenter learnt from some of the images.
        """
        self._validate_params()
        ways = self._list_ways()
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
        curves = [
            curve_of(held_out.pairs, self.scoring, clean=_cleaner(*way) if any(way) else None)
            for way in ways
        ]
        best = int(np.argmax([curve.scores.max() for curve in curves]))
        self.curve_, (self.closing_, self.min_size_) = curves[best], ways[best]
        self._adopt(held_out)
        self.threshold_ = self.curve_.best_threshold
        return self

    def predict(self, X: Any, out: Any = None) -> Any:
        """Predict masks: membrane from ``threshold_`` on, with gaps closed and small parts removed.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images, with the channels seen in fit.
        out : array of shape (n_images, height, width) or None, default=None
            Where to write, for results larger than memory; of a dtype that holds both values of
            ``classes_``.

        Returns
        -------
        ndarray of shape (n_images, height, width) or list of (height, width)
            Masks with the values and the dtype of the y seen in fit; `out` itself if it was given.
            A dask array for a dask array; each image is one task there if masks are cleaned.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If `out` cannot hold the masks, or `X` is a dask array and `out` was given.
        """
        check_is_fitted(self)
        if is_dask(X) and (self.closing_ or self.min_size_):
            X = X.rechunk({1: -1, 2: -1})
        return super().predict(X, out)

    def _mask_maker(self) -> Callable[[np.ndarray], np.ndarray]:
        cut = super()._mask_maker()
        if not (self.closing_ or self.min_size_):
            return cut
        return partial(_cut_and_clean, cut=cut, clean=_cleaner(self.closing_, self.min_size_))

    def _list_ways(self) -> list[tuple[int, int]]:
        """List the pairs of closing and min_size to choose from."""
        lists = []
        for name in ("closing", "min_size"):
            value = getattr(self, name)
            listed = value if isinstance(value, list) else [value]
            if not listed or not all(isinstance(n, Integral) and int(n) >= 0 for n in listed):
                raise InvalidInputError(
                    f"{name} must be a whole number of pixels, at least 0, or a list of such; "
                    f"got {value!r}."
                )
            lists.append([int(n) for n in listed])
        return [(closing, min_size) for closing in lists[0] for min_size in lists[1]]


def _cleaner(closing: int, min_size: int) -> Callable[[np.ndarray], np.ndarray]:
    return partial(clean_mask, closing=closing, min_size=min_size)


def _cut_and_clean(maps: np.ndarray, *, cut: Any, clean: Any) -> np.ndarray:
    """Make masks of whole images: one map, or a stack of them."""
    masks = cut(maps)
    return clean(masks) if masks.ndim == 2 else np.stack([clean(mask) for mask in masks])

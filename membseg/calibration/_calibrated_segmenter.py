"""A segmenter whose probabilities were corrected by a curve."""

import copy
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from membseg.calibration._calibrators import METHODS, REACH, make_curve
from membseg.calibration._wrapper import HeldOutWrapper
from membseg.model_selection._held_out import predict_held_out
from membseg.utils import innermost
from membseg.utils._lazy import is_dask
from membseg.utils._maps import logit
from membseg.utils._sklearn_compat import HasMethods, Integral, Interval, Real, StrOptions


class CalibratedSegmenter(HeldOutWrapper):
    """Correct a segmenter's probabilities, so that of pixels with 0.8 four fifths are membrane.

    A curve from logits to probabilities is fitted on slices that the segmenter did not learn from:
    on logits that were predicted out of fold, or, with a fitted segmenter in scikit-learn's
    ``FrozenEstimator``, on the slices that fit is given.

    Parameters
    ----------
    estimator : segmenter
        A segmenter, or a pipeline or search around one.
    method : {"temperature", "sigmoid", "isotonic", "beta", "local"}, default="temperature"
        Kind of curve. "temperature" divides the logit by one number and "sigmoid" shifts it too;
        "beta" bends it, with three numbers. These keep the order of pixels. "isotonic" is any
        rising curve of steps, which needs many pixels and can make unequal ones equal. "local" is
        a sigmoid whose slope and shift depend on how steep logits are within two pixels, since
        errors lie near borders; it changes the order of pixels.
    cv : int, splitter, iterable of (train, test), or None, default=None
        Folds in which each slice is tested once; not used with a frozen segmenter. None:
        :class:`membseg.SliceBlockKFold` with five blocks and ``gap=1``, or fewer blocks where
        there are few slices; an int: that many blocks.
    threshold : "keep" or float, default="keep"
        Membrane probability from which `predict` says membrane. "keep": what the segmenter's own
        threshold has become, so that masks stay what they are; with "local" the one that calls as
        many of the held-out pixels membrane as before.
    n_jobs : int or None, default=None
        Folds at the same time, as joblib takes it.

    Attributes
    ----------
    estimator_ : segmenter
        The segmenter, fitted on all images; the frozen one itself where it is frozen.
    classes_ : ndarray of shape (2,)
        ``[cell value, membrane value]`` of `y`.
    threshold_ : float
        The threshold that `predict` uses.
    n_channels_in_ : int
        Channels of the images.

    See Also
    --------
    membseg.as_pixels : The same by way of scikit-learn's ``CalibratedClassifierCV``.

    Notes
    -----
    All methods but "beta" and "local" are scikit-learn's own, of ``CalibratedClassifierCV`` with
    ``ensemble=False``: on the same folds the results are the same.

    "local" works on z, the logit, and s, the logarithm of one more than the difference between
    the largest and the smallest logit in the 5 x 5 pixels around: a z + b z s + c s + d is the
    calibrated logit.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger (2017), "On Calibration of Modern Neural Networks", ICML, PMLR
    70, for the temperature. Platt (1999), "Probabilistic Outputs for Support Vector Machines", for
    the sigmoid. Zadrozny and Elkan (2002), "Transforming Classifier Scores into Accurate Multiclass
    Probability Estimates", doi 10.1145/775047.775151, for the isotonic curve. Kull, Silva Filho and
    Flach (2017), "Beta calibration", AISTATS, PMLR 54. Ding, Han, Liu and Niethammer (2021), "Local
    Temperature Scaling for Semantic Segmentation", ICCV, doi 10.1109/ICCV48922.2021.00681, for
    temperatures that differ from pixel to pixel.

    Examples
    --------
    >>> from membseg import CalibratedSegmenter, ThresholdSegmenter, make_membranes
    >>> from membseg.metrics import expected_calibration_error
    >>> X, y = make_membranes(8, 64, 64, random_state=0)
    >>> plain = ThresholdSegmenter().fit(X[:6], y[:6])
    >>> calibrated = CalibratedSegmenter(ThresholdSegmenter(), cv=3).fit(X[:6], y[:6])
    >>> before, after = (
    ...     expected_calibration_error(y[6:], segmenter.predict_membrane(X[6:]))
    ...     for segmenter in (plain, calibrated)
    ... )
    >>> after < before
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "decision_function"])],
        "method": [StrOptions(set(METHODS))],
        "cv": ["cv_object", None],
        "threshold": [StrOptions({"keep"}), Interval(Real, 0, 1, closed="both")],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        method: str = "temperature",
        cv: Any = None,
        threshold: float | str = "keep",
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.cv = cv
        self.threshold = threshold
        self.n_jobs = n_jobs

    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None
    ) -> "CalibratedSegmenter":
        """Fit the segmenter, unless it is frozen, and the curve.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images in z order.
        y : array-like of shape (n_images, height, width) or list of (height, width) arrays, \
default=None
            Masks of two values; required. Pixels without a label do not count.
        sample_weight : array-like or None, default=None
            Weight of each image or pixel, for the segmenter and for the curve.
        groups : array-like of shape (n_images,) or None, default=None
            The stack of each image, for the folds and for the segmenter.

        Returns
        -------
        self
            The calibrated segmenter.

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
        held_out = predict_held_out(
            self.estimator, X, y, method="decision_function", cv=self.cv, n_jobs=self.n_jobs,
            sample_weight=sample_weight, groups=groups,
        )  # fmt: skip
        curve = make_curve(self.method)
        seen = replace(held_out.pairs, guess=[curve.look(one) for one in held_out.pairs.guess])
        membrane, pixels, weights = seen.flat()
        self._curve = curve.fit(pixels, membrane.astype(np.int8), weights)
        self._adopt(held_out)
        own = innermost(held_out.segmenter)
        self.threshold_ = self._choose_threshold(float(own.threshold_), pixels)
        return self

    def decision_function(self, X: Any) -> Any:
        """Predict the logit of the calibrated probability.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images, with the channels seen in fit.

        Returns
        -------
        ndarray of shape (n_images, height, width), float32, or list of (height, width)
            Logits of membrane. A dask array for a dask array.
        """
        check_is_fitted(self)
        logits = self.estimator_.decision_function(X)
        if is_dask(logits):
            return logits.map_overlap(
                # As it is now, whatever is fitted before the tasks are run.
                copy.copy(self)._calibrate,
                depth=(0, REACH, REACH),
                boundary="reflect",
                dtype=np.float32,
                meta=np.empty((0, 0, 0), dtype=np.float32),
            )
        if isinstance(logits, list):
            return [self._calibrate(image) for image in logits]
        # Image by image: what a curve works with is several times as large as the maps.
        calibrated = np.empty(logits.shape, np.float32)
        for i, image in enumerate(logits):
            calibrated[i] = self._calibrate(image)
        return calibrated

    def _calibrate(self, logits: np.ndarray) -> np.ndarray:
        return logit(self._curve(self._curve.look(logits))).astype(np.float32)

    def _choose_threshold(self, own: float, pixels: np.ndarray) -> float:
        if self.threshold != "keep":
            return float(self.threshold)
        if own in (0.0, 1.0):
            # All membrane, or all but none: there is no logit of these, and no need of one.
            return own
        at = logit(np.float64(own))
        if self.method != "local":
            return float(self._curve(np.array([at]))[0])
        share = float((pixels[:, 0] < at).mean())
        return float(np.quantile(self._curve(pixels), share))

"""A segmenter whose masks miss at most a chosen share of membrane, at a chosen level."""

import math
from typing import Any, ClassVar

import numpy as np

from membseg.calibration._wrapper import HeldOutWrapper
from membseg.exceptions import InvalidInputError
from membseg.metrics._pairs import Pairs
from membseg.model_selection._held_out import predict_held_out
from membseg.utils import import_optional
from membseg.utils._sklearn_compat import HasMethods, Integral, Interval, Real

#: Thresholds that compete, the surest first.
_THRESHOLDS = np.arange(1, 100) / 100


class RiskControlledSegmenter(HeldOutWrapper):
    """Choose the threshold so that masks miss at most a chosen share of membrane, with proof.

    With probability `confidence` or more, over the images given to fit, the share of an image's
    membrane that the mask misses is on average at most `max_missed` in new images of the same
    source. Of the thresholds that keep the promise the highest is taken, since it calls the
    fewest cell pixels membrane. How many are called so is not controlled: look at the precision.

    Parameters
    ----------
    estimator : segmenter
        A segmenter, or a pipeline or search around one. One that is fitted, in scikit-learn's
        ``FrozenEstimator``, is not fitted again; fit then takes images that it has not seen.
    max_missed : float, default=0.1
        Largest share of an image's membrane pixels that may be missed on average, in (0, 1).
    confidence : float, default=0.9
        Probability that the promise is kept, in (0, 1).
    cv : int, splitter, iterable of (train, test), or None, default=None
        Folds in which each image is tested once; not used with a frozen segmenter. None:
        :class:`membseg.SliceBlockKFold` with five blocks and ``gap=1``, or fewer blocks where
        there are few images; an int: that many blocks.
    n_jobs : int or None, default=None
        Folds at the same time, as joblib takes it.

    Attributes
    ----------
    estimator_ : segmenter
        The segmenter, fitted on all images; the frozen one itself where it is frozen.
    threshold_ : float
        The highest membrane probability, of 0.01 to 0.99 in steps of 0.01, that keeps the promise.
    missed_ : float
        Mean share of membrane missed at ``threshold_`` in the images held out; smaller than
        `max_missed` by what the proof needs.
    classes_ : ndarray of shape (2,)
        ``[cell value, membrane value]`` of `y`.
    n_channels_in_ : int
        Channels of the images.

    See Also
    --------
    membseg.TunedThresholdSegmenter : The threshold that is best for a score, without a promise.

    Notes
    -----
    The promise needs a frozen segmenter, and exchangeable images: those of fit and the new ones
    are drawn independently from one source. Neighbouring slices of a stack are not, since they
    show the same cells, and neither are images from another microscope, stain or tissue: there
    nothing is promised. Without a frozen segmenter the maps are predicted out of fold, by
    segmenters that saw fewer images than the one that is kept, and the promise holds only
    approximately.

    The image is the unit, as its pixels are not independent, and every image counts once. Images
    without labelled membrane are left out of proof and promise. Pixels without a label do not
    count; weights of pixels count within their image, and images of zero weight are left out.

    Even if nothing is missed, ``log(1 - confidence) / log(1 - max_missed)`` images are needed, 22
    for the defaults; what is missed has to be made up for by more of them.

    This is the upper confidence bound calibration of Bates et al., with their Hoeffding-Bentkus
    bound as MAPIE computes it. It needs the package mapie: ``pip install 'membseg[conformal]'``.

    References
    ----------
    Bates, Angelopoulos, Lei, Malik and Jordan (2021), "Distribution-free, risk-controlling
    prediction sets", Journal of the ACM 68(6), doi 10.1145/3478535.

    Examples
    --------
    >>> from sklearn.frozen import FrozenEstimator
    >>> from membseg import ThresholdSegmenter, make_membranes
    >>> from membseg.calibration import RiskControlledSegmenter
    >>> X, y = make_membranes(28, 48, 48, continuity=0.0, random_state=0)
    >>> segmenter = FrozenEstimator(ThresholdSegmenter().fit(X[:4], y[:4]))
    >>> controlled = RiskControlledSegmenter(segmenter, max_missed=0.2).fit(X[4:], y[4:])
    >>> 0 < controlled.threshold_ < 1, 0 <= controlled.missed_ < 0.2
    (True, True)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "max_missed": [Interval(Real, 0, 1, closed="neither")],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "cv": ["cv_object", None],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        max_missed: float = 0.1,
        confidence: float = 0.9,
        cv: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.max_missed = max_missed
        self.confidence = confidence
        self.cv = cv
        self.n_jobs = n_jobs

    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None
    ) -> "RiskControlledSegmenter":
        """Fit the segmenter, unless it is frozen, and choose the threshold.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images: in z order unless the segmenter is frozen.
        y : array-like of shape (n_images, height, width) or list of (height, width) arrays, \
default=None
            Masks of two values; required. Pixels without a label do not count.
        sample_weight : array-like or None, default=None
            Weight of each image or pixel, for the segmenter and for what is missed.
        groups : array-like of shape (n_images,) or None, default=None
            The stack of each image, for the folds and for the segmenter.

        Returns
        -------
        self
            The segmenter with its threshold.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If a parameter, images, masks or weights cannot be used, a class is missing, there are
            too few images to prove anything, or no threshold that leaves some pixels to the cells
            keeps the promise.
        NotFittedError
            If the frozen segmenter is not fitted.
        MissingDependencyError
            If MAPIE is not installed.

        Warns
        -----
        DataWarning
            If the frozen segmenter learnt from some of the images.
        """
        self._validate_params()
        # Before any training, as is the number of images.
        mapie = import_optional(
            "mapie.risk_control", extra="conformal", purpose="Control of the share missed"
        )
        if isinstance(y, list | tuple) or getattr(y, "ndim", 0) > 2:
            self._check_n_images(len(y))
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
        missed = _missed_shares(held_out.pairs)
        self._check_n_images(len(missed))
        self.threshold_, self.missed_ = self._choose_threshold(mapie, missed)
        _check_cells_are_left(held_out.pairs, self.threshold_)
        self._adopt(held_out)
        return self

    def _check_n_images(self, n_images: int) -> None:
        """Refuse numbers of images that cannot prove the promise even if nothing is missed."""
        # Rounded up where rounding errors decide.
        least = math.log1p(-self.confidence) / math.log1p(-self.max_missed)
        needed = math.ceil(least * (1 + 1e-12))
        if n_images < needed:
            raise InvalidInputError(
                f"y must hold about {needed} masks with labelled membrane or more, to prove "
                f"max_missed={self.max_missed:g} with confidence={self.confidence:g} even if "
                f"nothing is missed; got {n_images}. Give more images, a larger max_missed or a "
                "smaller confidence."
            )

    def _choose_threshold(self, mapie: Any, missed: np.ndarray) -> tuple[float, float]:
        """Give the highest threshold that keeps the promise, and the mean share missed there."""
        mean_missed = missed.mean(axis=0)
        # Of MAPIE its p-values and its walk up the thresholds, which stops at the first that is
        # not proved. Its SemanticSegmentationController is gone around: it takes no weights and
        # no pixels without a label, copies every map once a threshold, and has no good bound. Its
        # "wsr" multiplies the maxima of two halves of the images, and breaks the promise about
        # twice as often as it says; "hoeffding" and "bernstein" are right, and need 116 and 71
        # images where Hoeffding-Bentkus needs 22.
        p_values = mapie.methods.compute_hoeffding_bentkus_p_value(
            mean_missed, len(missed), float(self.max_missed)
        )[:, 0]
        proved = mapie.control_fwer(p_values, 1 - self.confidence, fwer_method="fixed_sequence")
        if not len(proved):
            raise InvalidInputError(
                f"estimator must miss less membrane: even at the threshold {_THRESHOLDS[0]:g} it "
                f"misses {mean_missed[0]:.3g} of it on average over {len(missed)} images, which "
                f"does not prove max_missed={self.max_missed:g} with "
                f"confidence={self.confidence:g}. Give a better segmenter, more images, a larger "
                "max_missed or a smaller confidence."
            )
        return float(_THRESHOLDS[proved[-1]]), float(mean_missed[proved[-1]])


def _missed_shares(pairs: Pairs) -> np.ndarray:
    """Share of membrane that each threshold misses: a row an image that has labelled membrane."""
    rows = (_missed_share(pairs.one(i)) for i in range(len(pairs.truth)))
    found = [row for row in rows if row is not None]
    return np.array(found, dtype=np.float64).reshape(-1, len(_THRESHOLDS))


def _missed_share(pair: Pairs) -> np.ndarray | None:
    """Share of one image's membrane that each threshold misses; None if it has none."""
    membrane, prob, weights = pair.flat()
    weights = np.ones(len(membrane)) if weights is None else weights
    largest = weights[membrane].max(initial=0.0)
    if not largest:
        return None
    # In the maps' own precision, as segmenters cut them. How many thresholds does a pixel reach?
    reached = np.searchsorted(_THRESHOLDS.astype(prob.dtype), prob[membrane], side="right")
    # Only ratios matter; scaling keeps tiny weights from vanishing in them.
    counts = np.bincount(reached, weights[membrane] / largest, len(_THRESHOLDS) + 1)
    return np.minimum(np.cumsum(counts)[:-1] / counts.sum(), 1.0)


def _check_cells_are_left(pairs: Pairs, threshold: float) -> None:
    """Refuse a threshold at which every pixel that counts is called membrane."""
    for i in range(len(pairs.truth)):
        _, prob, weights = pairs.one(i).flat()
        below = prob < threshold
        if (below if weights is None else below & (weights > 0)).any():
            return
    raise InvalidInputError(
        f"estimator must tell cell from membrane: at {threshold:g}, the highest threshold that "
        "keeps the promise, every pixel is called membrane. Give a better segmenter, more images, "
        "a larger max_missed or a smaller confidence."
    )

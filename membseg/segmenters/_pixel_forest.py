"""The strongest baseline: a classifier of pixels on features that were designed, not learnt."""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from joblib import effective_n_jobs
from sklearn.utils.parallel import Parallel, delayed

from membseg.exceptions import InvalidInputError
from membseg.segmenters._baseline import BaselineSegmenter
from membseg.segmenters._fit_inputs import FitInputs
from membseg.segmenters._labelled_pixels import LabelledPixels, choose_threshold
from membseg.segmenters._pixel_classifier import (
    cross_fit,
    fit_clone,
    membrane_logits,
    prepare_classifier,
)
from membseg.segmenters._pixel_features import PixelFeatures, draw_pixels
from membseg.utils import fit_intensity, make_rng
from membseg.utils._sklearn_compat import HasMethods, Integral, Interval, Real, StrOptions

#: A classifier is asked about so many pixels at once.
_CHUNK = 2**16


class PixelForestSegmenter(BaselineSegmenter):
    """Classify each pixel by the intensities, edges and texture around it.

    A random forest, or any other classifier of scikit-learn, on scikit-image's multiscale
    features: what interactive tools such as ilastik do. It learns from few labelled pixels, on
    any processor, in seconds.

    Parameters
    ----------
    estimator : classifier or None, default=None
        A classifier with ``predict_proba``; a pipeline will do. It is cloned, and random states
        in it that are None are set from `random_state`. None takes a random forest of 100 trees
        with at least 10 training pixels a leaf.
    sigma_min : float, default=1.0
        Standard deviation in pixels of the finest blur before features are computed.
    sigma_max : float, default=16.0
        That of the coarsest blur; those between double each time.
    max_pixels : int or None, default=30_000
        Most labelled pixels to learn from, over all images; more are a little better, take
        longer, and give larger forests. None takes all.
    sampling : {"random", "balanced"}, default="random"
        How they are drawn where there are more: in the proportion of the classes, or as many
        membrane pixels as cell pixels (as far as there are so many). Probabilities are for the
        proportion of the labels either way.
    threshold : float or "auto", default="auto"
        Membrane probability, in [0, 1], from which `predict` says membrane. "auto" takes the
        lowest one whose IoU on the training pixels is within half a per cent of the best. Their
        probabilities come from classifiers that have not seen them: one for either half of the
        pixels, which takes as long as the fit itself. 0.5 where a half does not show both
        classes.
    membrane_label : scalar or None, default=None
        The value of membrane in `y`. None takes the larger one.
    ignore_label : scalar or None, default=None
        The value of unlabelled pixels in `y`. None takes -1 as such in signed integers that hold
        two other values.
    n_jobs : int or None, default=None
        Threads for features, for the default forest, and for prediction; -1 for all processors.
        Results do not depend on it.
    random_state : int, Generator, RandomState or None, default=None
        An integer draws the same pixels and gives the same predictions again.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        ``[cell value, membrane value]`` of `y`.
    estimator_ : classifier
        The fitted classifier, of features of pixels into 0, cell, and 1, membrane.
    n_pixels_ : int
        Number of pixels that it learnt from.
    threshold_ : float
        The threshold that `predict` uses.
    n_channels_in_ : int
        Channels of the images; each has features of its own.
    n_images_seen_ : int
        Number of images in fit.

    Notes
    -----
    Each channel of an image is brought to zero mean and unit variance first. Features and
    predictions are made in bands of rows with their surroundings: the result is that of the whole
    image, and memory does not grow with its height. Probabilities are kept within 1e-6 of 0 and 1.

    References
    ----------
    Breiman (2001), "Random Forests", doi 10.1023/A:1010933404324. Berg et al. (2019), "ilastik:
    interactive machine learning for (bio)image analysis", doi 10.1038/s41592-019-0582-9.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from membseg import PixelForestSegmenter
    >>> from membseg.datasets import make_membranes
    >>> X, y = make_membranes(3, 64, 64, random_state=0)
    >>> segmenter = PixelForestSegmenter(
    ...     LogisticRegression(), sigma_max=4, max_pixels=1000, random_state=0
    ... )
    >>> segmenter.fit(X[:2], y[:2]).predict(X[2:]).shape
    (1, 64, 64)
    >>> segmenter.n_pixels_
    1000
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict_proba"]), None],
        "sigma_min": [Interval(Real, 0, None, closed="neither")],
        "sigma_max": [Interval(Real, 0, None, closed="neither")],
        "max_pixels": [Interval(Integral, 2, None, closed="left"), None],
        "sampling": [StrOptions({"random", "balanced"})],
        "threshold": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both")],
        **BaselineSegmenter._parameter_constraints,
        "n_jobs": [Integral, None],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        sigma_min: float = 1.0,
        sigma_max: float = 16.0,
        max_pixels: int | None = 30_000,
        sampling: str = "random",
        threshold: float | str = "auto",
        membrane_label: Any = None,
        ignore_label: Any = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.sigma_min = sigma_min
        self.sigma_max = sigma_max
        self.max_pixels = max_pixels
        self.sampling = sampling
        self.threshold = threshold
        self.membrane_label = membrane_label
        self.ignore_label = ignore_label
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.sigma_min > self.sigma_max:
            raise InvalidInputError(
                f"sigma_min must not exceed sigma_max; got sigma_min={self.sigma_min} and "
                f"sigma_max={self.sigma_max}. Swap them."
            )

    def _learn(self, inputs: FitInputs) -> dict[str, Any]:
        rng = make_rng(self.random_state)
        classifier = prepare_classifier(
            self.estimator,
            weighted=inputs.weights is not None,
            seed=int(rng.integers(2**31)),
            n_jobs=self.n_jobs,
        )
        plan = PixelFeatures(float(self.sigma_min), float(self.sigma_max))
        positions, rates = draw_pixels(inputs.masks.masks, self.max_pixels, self.sampling, rng)
        features = self._features_at(inputs.images.images, positions, plan)
        membrane, weights = _labels_at(inputs, positions)
        # What a balanced draw adds to the odds of membrane is taken off again.
        offset = float(np.log(rates[0]) - np.log(rates[1]))
        threshold: float | str = self.threshold
        if threshold == "auto":
            threshold = 0.5
            logits = cross_fit(classifier, features, membrane, weights)
            if logits is not None:
                counted = (1.0 if weights is None else weights) / rates[membrane.astype(np.int64)]
                pixels = LabelledPixels(logits + offset, membrane, counted)
                threshold = choose_threshold("auto", pixels)
        fitted = fit_clone(classifier, features, membrane, weights)
        if self.estimator is None:
            # In predict, threads work on chunks of pixels. Those of the forest would add up its
            # trees in any order, and round differently each time.
            fitted.set_params(n_jobs=1)
        return {
            "estimator_": fitted,
            "n_pixels_": len(membrane),
            "threshold_": float(threshold),
            "_features": plan,
            "_offset": offset,
        }

    def _features_at(
        self, images: list[Any], positions: list[np.ndarray], plan: PixelFeatures
    ) -> np.ndarray:
        """Give the features of drawn pixels, (n_pixels, n_features)."""
        used = [i for i, places in enumerate(positions) if places.size]
        intensities = fit_intensity([images[i] for i in used], "image")
        parts = []
        for i, intensity in zip(used, intensities, strict=True):
            width = images[i].shape[1]
            for rows, features in plan.bands(images[i], intensity, self._n_workers()):
                ends = np.searchsorted(positions[i], (rows.start * width, rows.stop * width))
                parts.append(features[positions[i][slice(*ends)] - rows.start * width])
        return np.concatenate(parts)

    def _n_workers(self) -> int:
        return int(effective_n_jobs(self.n_jobs))

    def _image_bands(self, image: Any) -> Iterator[tuple[slice, np.ndarray]]:
        intensity = fit_intensity([image], "image")[0]
        workers = Parallel(n_jobs=self.n_jobs, require="sharedmem")
        for rows, features in self._features.bands(image, intensity, self._n_workers()):
            chunks = workers(
                delayed(membrane_logits)(self.estimator_, features[start : start + _CHUNK])
                for start in range(0, len(features), _CHUNK)
            )
            logits = np.concatenate(chunks) + self._offset
            yield rows, logits.astype(np.float32).reshape(-1, image.shape[1])


def _labels_at(
    inputs: FitInputs, positions: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Give the labels (True for membrane) and the weights of drawn pixels; None for equal ones."""
    masks = inputs.masks.masks
    membrane = [mask.ravel()[places] == 1 for mask, places in zip(masks, positions, strict=True)]
    if inputs.weights is None:
        return np.concatenate(membrane), None
    weights = [
        np.broadcast_to(weight, mask.shape).ravel()[places]
        for weight, mask, places in zip(inputs.weights, masks, positions, strict=True)
    ]
    joined = np.concatenate(weights).astype(np.float64)
    return np.concatenate(membrane), joined if np.ptp(joined) else None

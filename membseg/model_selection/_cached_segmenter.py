"""A segmenter around another one, whose fits it keeps and reads."""

from typing import Any, ClassVar

from sklearn.base import BaseEstimator, clone
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import check_is_fitted

from membseg.base import SegmenterMixin
from membseg.exceptions import InvalidInputError
from membseg.model_selection._fit_key import fit_key, says_only_how
from membseg.model_selection._fit_store import FitStore

#: Parameters of the wrapper, named so that no segmenter has them, and what its fit sets.
_PARAMETERS = ("cached_estimator", "cache_folder")
_OWN = (*_PARAMETERS, "estimator_", "from_cache_")


class CachedSegmenter(SegmenterMixin, BaseEstimator):
    """A segmenter that reads a fit from a folder where it was made before; see :func:`cached`.

    Parameters and attributes are those of the segmenter inside, to be read and set here by their
    own names.

    Parameters
    ----------
    cached_estimator : segmenter
        The segmenter.
    cache_folder : str or path-like
        Where fits are kept, one file each. It must be trusted: they are pickles.

    Attributes
    ----------
    estimator_ : segmenter
        The fitted segmenter, which knows nothing of the folder: keep this one.
    from_cache_ : bool
        Whether the last fit was read from the folder.

    Examples
    --------
    >>> import tempfile
    >>> from membseg import ThresholdSegmenter, make_membranes
    >>> from membseg.model_selection import CachedSegmenter
    >>> X, y = make_membranes(3, 48, 48, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     segmenter = CachedSegmenter(ThresholdSegmenter(), folder).set_params(sigma=2.0)
    ...     segmenter.fit(X, y).estimator_
    ThresholdSegmenter(sigma=2.0)
    """

    # What metadata is asked for is said by the segmenter inside.
    __metadata_request__fit: ClassVar[dict[str, str]] = {
        "sample_weight": UNUSED,
        "groups": UNUSED,
        "validation_data": UNUSED,
    }
    __metadata_request__predict: ClassVar[dict[str, str]] = {"out": UNUSED}
    __metadata_request__score: ClassVar[dict[str, str]] = {"sample_weight": UNUSED}

    def __init__(self, cached_estimator: Any, cache_folder: Any) -> None:
        self.cached_estimator = cached_estimator
        self.cache_folder = cache_folder

    # ----------------------------------------------------------------- the segmenter inside

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Give the parameters of the segmenter inside, and the wrapper's own two.

        Parameters
        ----------
        deep : bool, default=True
            Whether those of the segmenter inside, under their own names, are among them.

        Returns
        -------
        dict of str to object
            Values by name.
        """
        own = {name: getattr(self, name) for name in _PARAMETERS}
        return {**self.cached_estimator.get_params(deep=True), **own} if deep else own

    def set_params(self, **params: Any) -> "CachedSegmenter":
        """Set parameters of the segmenter inside, or the wrapper's own two.

        Parameters
        ----------
        **params : object
            Values by name.

        Returns
        -------
        self
            The segmenter.
        """
        for name in _PARAMETERS:
            if name in params:
                setattr(self, name, params.pop(name))
        if params:
            self.cached_estimator.set_params(**params)
        return self

    def __getattr__(self, name: str) -> Any:
        """Give attributes of the segmenter inside: that which was fitted, if there is one."""
        # Requests set on it would be lost here, since its methods return itself.
        if name in _OWN or name.startswith(("_", "set_")):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self._inside(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set attributes there where they are read: a threshold that is set is used."""
        if name in _OWN or name.startswith("_"):
            super().__setattr__(name, value)
        else:
            setattr(self._inside(), name, value)

    def _inside(self) -> Any:
        return vars(self).get("estimator_", self.cached_estimator)

    def __sklearn_tags__(self) -> Any:
        """Say what the segmenter inside says."""
        return get_tags(self.cached_estimator)

    def get_metadata_routing(self) -> Any:
        """Give scikit-learn the requests of the segmenter inside.

        Returns
        -------
        MetadataRequest or MetadataRouter
            The requests.
        """
        return self.cached_estimator.get_metadata_routing()

    def set_fit_request(self, **requests: bool | str | None) -> "CachedSegmenter":
        """Set which metadata the segmenter inside asks for in fit.

        Parameters
        ----------
        **requests : bool, str or None
            By name of the metadata, such as ``sample_weight=True``.

        Returns
        -------
        self
            The segmenter.
        """
        self.cached_estimator.set_fit_request(**requests)
        return self

    def set_score_request(self, **requests: bool | str | None) -> "CachedSegmenter":
        """Set which metadata the segmenter inside asks for in score.

        Parameters
        ----------
        **requests : bool, str or None
            By name of the metadata, such as ``sample_weight=True``.

        Returns
        -------
        self
            The segmenter.
        """
        self.cached_estimator.set_score_request(**requests)
        return self

    # ------------------------------------------------------------------------------ fit

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
        validation_data: Any = None,
    ) -> "CachedSegmenter":
        """Read the fit on these data from the folder, or fit and keep it there.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images.
        y : array-like of shape (n_images, height, width) or list of (height, width) arrays, \
default=None
            Masks; required.
        sample_weight : array-like or None, default=None
            Weight of each image or pixel.
        groups : array-like of shape (n_images,) or None, default=None
            Specimen of each image, as the segmenter takes it.
        validation_data : tuple (X, y) or None, default=None
            Images and masks to validate on.

        Returns
        -------
        self
            The fitted segmenter.

        Raises
        ------
        InvalidInputError
            If the folder cannot be made, or the segmenter has ``warm_start=True``, whose fits
            depend on the fit before.
        """
        arguments = {
            "sample_weight": sample_weight,
            "groups": groups,
            "validation_data": validation_data,
        }
        given = {name: value for name, value in arguments.items() if value is not None}
        params = self.cached_estimator.get_params(deep=True)
        if params.get("warm_start", False):
            raise InvalidInputError(
                "warm_start must be False for a cached segmenter, since a fit that goes on from "
                "the last one is not known by its data; got True. Set warm_start=False, or fit "
                "the segmenter itself."
            )
        store = FitStore(self.cache_folder)
        key = fit_key(self.cached_estimator, {"X": X, "y": y, **given})
        fitted = store.load(key)
        found = fitted is not None
        if found:
            fitted.set_params(**{n: value for n, value in params.items() if says_only_how(n)})
        else:
            fitted = clone(self.cached_estimator).fit(X, y, **given)
            store.save(key, fitted)
        self.estimator_, self.from_cache_ = fitted, found
        return self

    # -------------------------------------------------------------------------- predict

    def decision_function(self, X: Any) -> Any:
        """Predict the logit of membrane for every pixel, as the fitted segmenter does.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images of any real dtype, with the channels seen in fit.

        Returns
        -------
        ndarray of shape (n_images, height, width), float32, or list of (height, width)
            Logits.
        """
        return self._fitted().decision_function(X)

    def predict_proba(self, X: Any) -> Any:
        """Predict the probability of both classes for every pixel.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images of any real dtype, with the channels seen in fit.

        Returns
        -------
        ndarray of shape (n_images, 2, height, width), float32, or list of (2, height, width)
            Axis 1 follows ``classes_`` and sums to one.
        """
        return self._fitted().predict_proba(X)

    def predict_membrane(self, X: Any, out: Any = None) -> Any:
        """Predict the probability of membrane for every pixel.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images of any real dtype, with the channels seen in fit.
        out : array of shape (n_images, height, width) or None, default=None
            Where to write, as the segmenter takes it.

        Returns
        -------
        ndarray of shape (n_images, height, width), float32, or list of (height, width)
            Probabilities in [0, 1]; `out` itself if it was given.
        """
        return self._fitted().predict_membrane(X, **_given(out))

    def predict(self, X: Any, out: Any = None) -> Any:
        """Predict masks: membrane where its probability is at least ``threshold_``.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images of any real dtype, with the channels seen in fit.
        out : array of shape (n_images, height, width) or None, default=None
            Where to write, as the segmenter takes it.

        Returns
        -------
        ndarray of shape (n_images, height, width) or list of (height, width)
            Masks with the values and the dtype of the y seen in fit; `out` itself if given.
        """
        return self._fitted().predict(X, **_given(out))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Score as the segmenter does: by membrane IoU, counted over all pixels of the set.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images.
        y : array-like of shape (n_images, height, width) or list of (height, width) arrays
            True masks with the values seen in fit.
        sample_weight : array-like or None, default=None
            Weight of each image, or of each pixel.

        Returns
        -------
        float
            Higher is better.
        """
        return self._fitted().score(X, y, sample_weight=sample_weight)

    def _fitted(self) -> Any:
        check_is_fitted(self, "estimator_")
        return self.estimator_


def _given(out: Any) -> dict[str, Any]:
    """Leave `out` away where it was not given: not every segmenter takes it."""
    return {} if out is None else {"out": out}

"""Several segmenters that answer together."""

import copy
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from membseg.base import SegmenterMixin
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.model_selection import SliceBlockKFold, cross_val_predict_proba
from membseg.segmenters._ensemble_maps import deviation_map, learn_weights, mean_map
from membseg.segmenters._fit_inputs import check_fit_inputs
from membseg.utils import innermost, make_rng
from membseg.utils._image_keys import image_keys
from membseg.utils._maps import each, logit, take_membrane
from membseg.utils._sklearn_compat import (
    BaseComposition,
    HasMethods,
    Integral,
    Interval,
    Real,
    StrOptions,
)


class EnsembleSegmenter(SegmenterMixin, BaseComposition):
    """Average the probability maps of several segmenters.

    Parameters
    ----------
    estimators : segmenter or list of (str, segmenter)
        One segmenter, of which several copies learn; or the members themselves by name.
    n_members : int, default=3
        Copies of the one segmenter.
    members : {"seeds", "snapshots", "folds"}, default="seeds"
        What tells copies of one segmenter apart. "seeds": each has a random state of its own and
        learns from all images. "snapshots": one training goes on and on, each member where the
        learning rate has fallen again (needs ``warm_start``); cheaper, since all but the first
        need fewer steps. "folds": each leaves one fold of `cv` out.
    cv : int, splitter or None, default=None
        Folds for ``members="folds"`` and for ``weights="learn"``. None takes
        ``SliceBlockKFold(n_members, gap=1)``, and an int so many folds of it.
    weights : None, "learn" or array-like of shape (n_members,), default=None
        Weight of each member's map; None for equal ones. "learn": those of least log loss on maps
        that were predicted out of fold; needs a list of members.
    average : {"probability", "logit"}, default="probability"
        Arithmetic mean of probabilities, or of logits (their normalised geometric mean).
    threshold : "auto" or float, default="auto"
        Membrane probability from which `predict` says membrane. "auto": the weighted mean of the
        members' thresholds.
    n_jobs : int or None, default=None
        Processes that fit members side by side; each needs the memory of a fit of its own.
    random_state : int, Generator, RandomState or None, default=None
        Where the members' random states come from.

    Attributes
    ----------
    estimators_ : list of segmenter
        The fitted members.
    weights_ : ndarray of shape (n_members,)
        Their weights; they sum to one.
    classes_ : ndarray of shape (2,)
        ``[cell value, membrane value]`` of `y`.
    threshold_ : float
        The threshold that `predict` uses.
    n_channels_in_ : int
        Channels of the images.

    References
    ----------
    Lakshminarayanan, Pritzel and Blundell (2017), "Simple and Scalable Predictive Uncertainty
    Estimation using Deep Ensembles", arXiv 1612.01474. Huang et al. (2017), "Snapshot Ensembles:
    Train 1, get M for free", arXiv 1704.00109.

    Examples
    --------
    >>> from membseg import EnsembleSegmenter, ThresholdSegmenter, make_membranes
    >>> X, y = make_membranes(3, 64, 64, random_state=0)
    >>> members = [(f"blur {sigma}", ThresholdSegmenter(sigma=sigma)) for sigma in (1.0, 2.0)]
    >>> ensemble = EnsembleSegmenter(members).fit(X[:2], y[:2])
    >>> ensemble.predict(X[2:]).shape, ensemble.predict_disagreement(X[2:]).shape
    ((1, 64, 64), (1, 64, 64))
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimators": [HasMethods(["fit", "predict_proba"]), list],
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "members": [StrOptions({"seeds", "snapshots", "folds"})],
        "cv": ["cv_object", None],
        "weights": [None, StrOptions({"learn"}), "array-like"],
        "average": [StrOptions({"probability", "logit"})],
        "threshold": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both")],
        "n_jobs": [None, Integral],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        estimators: Any,
        *,
        n_members: int = 3,
        members: str = "seeds",
        cv: Any = None,
        weights: Any = None,
        average: str = "probability",
        threshold: float | str = "auto",
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimators = estimators
        self.n_members = n_members
        self.members = members
        self.cv = cv
        self.weights = weights
        self.average = average
        self.threshold = threshold
        self.n_jobs = n_jobs
        self.random_state = random_state

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get parameters; those of members as ``name__parameter``.

        Parameters
        ----------
        deep : bool, default=True
            Whether to list the members' too.

        Returns
        -------
        dict
            Name -> value.
        """
        return self._get_params("estimators", deep=deep)

    def set_params(self, **params: Any) -> "EnsembleSegmenter":
        """Set parameters; a member's as ``name__parameter``, a whole member by its name.

        Parameters
        ----------
        **params : dict
            Name -> value.

        Returns
        -------
        self
            The ensemble.
        """
        self._set_params("estimators", **params)
        return self

    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None
    ) -> "EnsembleSegmenter":
        """Fit every member.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images.
        y : array-like of shape (n_images, height, width) or list of (height, width) arrays, \
default=None
            Masks of two values; required.
        sample_weight : array-like or None, default=None
            Weight of each image or pixel, for members that take it.
        groups : array-like of shape (n_images,) or None, default=None
            Specimen of each image, for the folds and for members that take it.

        Returns
        -------
        self
            The fitted ensemble.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If a parameter cannot be used, or the images of a fold cannot.
        """
        self._validate_params()
        named = self._named_members()
        self._check_weights(named)
        first = innermost(named[0][1])
        labels = {name: getattr(first, name, None) for name in ("membrane_label", "ignore_label")}
        # Whatever cannot be used is found before the first of many trainings.
        inputs = check_fit_inputs(X, y, sample_weight=sample_weight, groups=groups, **labels)
        extra = {"sample_weight": sample_weight, "groups": groups}
        extra = {name: value for name, value in extra.items() if value is not None}
        weights = self._resolve_weights(named, X, y, extra, labels)
        fitted = self._fit_members(named, X, y, extra)
        inside = [innermost(member) for member in fitted]
        if len({tuple(member.classes_.tolist()) for member in inside}) > 1:
            raise InvalidInputError(
                "estimators must agree on classes_ ([cell, membrane]); got "
                f"{[member.classes_.tolist() for member in inside]}. Give each the same "
                "membrane_label."
            )
        self.estimators_ = fitted
        self.weights_ = weights
        self.classes_ = inside[0].classes_
        self.n_channels_in_ = inputs.images.n_channels
        self._images_seen = image_keys(inputs.images)
        thresholds = [float(member.threshold_) for member in inside]
        own = self.threshold == "auto"
        self.threshold_ = float(weights @ thresholds) if own else float(self.threshold)
        return self

    def decision_function(self, X: Any) -> Any:
        """Predict the logit of the members' average.

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
        if self.average == "logit":
            logits = [member.decision_function(X) for member in self.estimators_]
            return each(mean_map, *logits, weights=self.weights_)
        average = each(mean_map, *self._maps(X), weights=self.weights_)
        return each(logit, average)

    def predict_disagreement(self, X: Any) -> Any:
        """Tell how much the members differ at each pixel.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images, with the channels seen in fit.

        Returns
        -------
        ndarray of shape (n_images, height, width), float32, or list of (height, width)
            Weighted standard deviation of the members' membrane probabilities, in [0, 0.5].
        """
        check_is_fitted(self)
        return each(deviation_map, *self._maps(X), weights=self.weights_)

    def _maps(self, X: Any) -> list[Any]:
        """Predict the members' membrane maps; pipelines have no method for these alone."""
        return [
            member.predict_membrane(X)
            if hasattr(member, "predict_membrane")
            else take_membrane(member.predict_proba(X))
            for member in self.estimators_
        ]

    def _named_members(self) -> list[tuple[str, Any]]:
        """Give members by name, not yet fitted."""
        if hasattr(self.estimators, "fit"):
            rng = make_rng(self.random_state)
            copies = [clone(self.estimators) for _ in range(self._n_copies())]
            for copied in copies:
                _set_seeds(copied, rng)
            return [(f"member {i}", copied) for i, copied in enumerate(copies)]
        pairs = self.estimators
        if (
            not isinstance(pairs, list | tuple)
            or not pairs
            or not all(isinstance(p, tuple) and len(p) == 2 and hasattr(p[1], "fit") for p in pairs)
        ):
            raise InvalidTypeError(
                "estimators must be a segmenter, or a list of pairs (name, segmenter) that is not "
                f"empty; got {pairs!r}."
            )
        if self.members != "seeds":
            raise InvalidInputError(
                f"members={self.members!r} makes copies of one segmenter; estimators holds "
                f"{len(pairs)} by name. Give one segmenter, or leave members='seeds'."
            )
        self._validate_names([name for name, _ in pairs])
        return [(name, clone(member)) for name, member in pairs]

    def _n_copies(self) -> int:
        if self.members == "folds" and self.cv is not None:
            return int(self._splitter().get_n_splits())
        return int(self.n_members)

    def _splitter(self) -> Any:
        """Give `cv` as a splitter."""
        if hasattr(self.cv, "split"):
            return self.cv
        return SliceBlockKFold(int(self.n_members) if self.cv is None else int(self.cv), gap=1)

    def _check_weights(self, named: list[tuple[str, Any]]) -> None:
        if self.weights is None:
            return
        if isinstance(self.weights, str):
            if hasattr(self.estimators, "fit"):
                raise InvalidInputError(
                    "weights='learn' needs members that differ by more than chance: give "
                    "estimators as a list of (name, segmenter)."
                )
            return
        weights = np.asarray(self.weights, dtype=np.float64)
        if weights.shape != (len(named),) or not np.isfinite(weights).all() or weights.min() < 0:
            raise InvalidInputError(
                f"weights must hold one number that is not negative for each of {len(named)} "
                f"members; got {self.weights!r}."
            )
        if weights.sum() == 0:
            raise InvalidInputError("weights must hold a positive number; got zeros alone.")

    def _resolve_weights(
        self,
        named: list[tuple[str, Any]],
        X: Any,
        y: Any,
        extra: dict[str, Any],
        labels: dict[str, Any],
    ) -> np.ndarray:
        if isinstance(self.weights, str):
            maps = [
                cross_val_predict_proba(
                    member,
                    X,
                    y,
                    cv=self._splitter(),
                    groups=extra.get("groups"),
                    method="decision_function" if self.average == "logit" else "predict_membrane",
                    n_jobs=self.n_jobs,
                )
                for _, member in named
            ]
            return learn_weights(maps, y, is_logit=self.average == "logit", **labels)
        weights = np.ones(len(named)) if self.weights is None else np.asarray(self.weights, float)
        return weights / weights.sum()

    def _fit_members(
        self, named: list[tuple[str, Any]], X: Any, y: Any, extra: dict[str, Any]
    ) -> list[Any]:
        if self.members == "snapshots":
            return list(_snapshots(named[0][1], len(named), X, y, extra))
        everything = np.arange(len(X))
        parts: list[np.ndarray] = [everything] * len(named)
        if self.members == "folds":
            folds = self._splitter().split(X, y, extra.get("groups"))
            parts = [train for train, _ in folds]
        parallel = Parallel(n_jobs=self.n_jobs)
        return list(
            parallel(
                delayed(_fit_member)(member, part, X, y, extra)
                for (_, member), part in zip(named, parts, strict=True)
            )
        )


def _fit_member(member: Any, part: np.ndarray, X: Any, y: Any, extra: dict[str, Any]) -> Any:
    taken = {name: _take(value, part) for name, value in extra.items()}
    return member.fit(_take(X, part), _take(y, part), **taken)


def _take(images: Any, part: np.ndarray) -> Any:
    if len(part) == len(images):
        return images
    return [images[i] for i in part] if isinstance(images, list | tuple) else images[part]


def _snapshots(member: Any, n_members: int, X: Any, y: Any, extra: dict[str, Any]) -> Iterator[Any]:
    """Go on with one training and keep a copy each time that it has come to rest."""
    if "warm_start" not in member.get_params():
        raise InvalidInputError(
            "members='snapshots' needs a segmenter with the parameter warm_start; got "
            f"{type(member).__name__}. Use members='seeds'."
        )
    asked = member.get_params()["warm_start"]
    for _ in range(n_members):
        member.fit(X, y, **extra)
        yield copy.deepcopy(member).set_params(warm_start=asked)
        member.set_params(warm_start=True)


def _set_seeds(member: Any, rng: np.random.Generator) -> None:
    """Give each random state of a segmenter, those of nested estimators too, a seed of its own."""
    names = sorted(
        name
        for name in member.get_params()
        if name == "random_state" or name.endswith("__random_state")
    )
    member.set_params(**{name: int(rng.integers(2**31)) for name in names})

"""How good masks are that nobody has labelled, learnt from slices that somebody has."""

from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.model_selection import cross_val_predict_proba
from membseg.model_selection._folds import make_folds
from membseg.quality._examples import SCORES, Example, Slice, make_examples
from membseg.quality._inputs import as_membranes, membranes_are_dark, standard_grey
from membseg.quality._measures import AGREEMENT, OWN, ImageView, Opinion, measure_mask
from membseg.quality._quality_skill import skill_of
from membseg.quality._reference import learn_usual
from membseg.quality._thickness import thickness_of
from membseg.quality._trace import trace_membranes
from membseg.utils import (
    IGNORED,
    ImageStack,
    MaskStack,
    check_images,
    check_same_sizes,
    encode_masks,
    innermost,
    make_rng,
)
from membseg.utils._image_keys import image_keys
from membseg.utils._lazy import as_readable
from membseg.utils._sklearn_compat import HasMethods, Integral, Interval, Real

#: The ridge filter's scale is this share of the membranes' thickness, within these bounds (px).
_SCALE_SHARE, _SCALES = 1 / 3, (0.7, 8.0)

#: What stands in a row for what cannot be measured. No measure of a mask with both classes is it.
_MISSING = -9.0


class QualityModel(BaseEstimator):
    """Predict how good masks are without knowing the true ones.

    From a few labelled slices, masks from good to bad are made: their own, with planted defects
    (thinner, thicker, moved, noisy, with gaps, specks, false and missing walls), those of other
    slices, whatever is dark or on a ridge, and the segmenter's out-of-fold predictions. A regressor
    learns what V_Rand and IoU belong to what can be measured without the truth: shapes of the mask,
    how it lies on the image, and how far it agrees with the segmenter's own opinion.

    Parameters
    ----------
    segmenter : segmenter or None
        A segmenter, or a pipeline or search around one; clones of it are fitted. Its masks are the
        second opinion on all others. None: masks are judged by themselves and the image alone.
    regressor : regressor or None, default=None
        A regressor of scikit-learn for several targets; it is cloned. None takes 300 extremely
        randomised trees.
    n_planted : int, default=16
        Masks with planted defects per labelled slice; half as many of own predictions.
    cv : int, splitter, iterable of (train, test), or None, default=None
        Folds in which each slice is tested once, for the segmenter and for the skill. None:
        :class:`membseg.SliceBlockKFold` with five blocks and ``gap=1``, or fewer blocks where
        there are few slices; an int: that many blocks.
    n_jobs : int or None, default=None
        Folds, and slices that are measured, at the same time, as joblib takes it.
    membrane_label : scalar or None, default=None
        Without a segmenter: the value of membrane in `y`; None takes the larger. A segmenter has
        its own.
    ignore_label : scalar or None, default=None
        Without a segmenter: the value of pixels of `y` without a label. A segmenter has its own.
    random_state : int, RandomState or None, default=None
        Which defects are planted, and the default regressor's.

    Attributes
    ----------
    segmenter_ : segmenter or None
        The segmenter, fitted on all labelled slices.
    regressor_ : regressor
        The fitted regressor.
    skill_ : dict of str to QualitySkill
        For "v_rand" and "iou": how well they are predicted, out of fold; each prints as text.
    examples_ : list of dict
        All that was learnt from: "image", "kind", the true scores "v_rand" and "iou", and
        "v_rand_predicted" and "iou_predicted" out of fold.
    usual_ : dict
        What each measure usually is in labelled masks.
    scale_ : float
        Scale of the ridge filter, in pixels: a third of the membranes' thickness.
    dark_ : bool
        Whether membranes are dark.
    classes_ : ndarray of shape (2,)
        ``[cell value, membrane value]`` of `y`.
    n_channels_in_ : int
        Channels of the images.

    See Also
    --------
    quality_report : The table of all measures, with what is unusual.

    Notes
    -----
    The truth of the slices that are judged is never looked at. Scores can be trusted for images
    like those of fit, and for defects like those that were planted or that the segmenter makes;
    `skill_` tells how far. Where there is no mask of own, :meth:`predict` judges the segmenter by
    its masks alone, since it agrees with itself.

    References
    ----------
    Kohlberger, Singh, Alvino, Bahlmann and Grady (2012), "Evaluating segmentation error without
    ground truth", MICCAI, doi 10.1007/978-3-642-33415-3_65. Geurts, Ernst and Wehenkel (2006),
    "Extremely randomized trees", Machine Learning 63, doi 10.1007/s10994-006-6226-1.

    Examples
    --------
    >>> from membseg import QualityModel, RidgeSegmenter, make_membranes
    >>> X, y = make_membranes(6, 64, 64, random_state=0)
    >>> model = QualityModel(RidgeSegmenter(), n_planted=8, cv=2, random_state=0)
    >>> model = model.fit(X[:5], y[:5])
    >>> good, empty = model.score_masks(X[[5, 5]], [y[5], 0 * y[5]])
    >>> bool(good > empty)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "segmenter": [HasMethods(["fit", "predict_proba"]), None],
        "regressor": [HasMethods(["fit", "predict"]), None],
        "n_planted": [Interval(Integral, 2, None, closed="left")],
        "cv": ["cv_object", None],
        "n_jobs": [None, Integral],
        "membrane_label": [None, Real, "boolean"],
        "ignore_label": [None, Real],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        segmenter: Any,
        *,
        regressor: Any = None,
        n_planted: int = 16,
        cv: Any = None,
        n_jobs: int | None = None,
        membrane_label: Any = None,
        ignore_label: Any = None,
        random_state: Any = None,
    ) -> None:
        self.segmenter = segmenter
        self.regressor = regressor
        self.n_planted = n_planted
        self.cv = cv
        self.n_jobs = n_jobs
        self.membrane_label = membrane_label
        self.ignore_label = ignore_label
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> "QualityModel":
        """Learn from labelled slices.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images in z order.
        y : array-like of shape (n_images, height, width) or list of (height, width) arrays, \
default=None
            Masks of two values; required. Slices without a labelled pixel are left out; where
            part of a slice has no label, the segmenter's opinion stands in, or cell.
        groups : array-like of shape (n_images,) or None, default=None
            The stack of each image, for the folds.

        Returns
        -------
        self
            The fitted model.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If a parameter, images or masks cannot be used, or labelled slices are too few.
        """
        self._validate_params()
        images, masks = self._check_labelled(X, y)
        chosen = [i for i, code in enumerate(masks.masks) if (code != IGNORED).any()]
        if len(chosen) < 2:
            raise InvalidInputError(
                f"QualityModel needs at least 2 labelled slices to learn from; y has {len(chosen)} "
                f"of {len(masks)}. Label more slices; four or more let it say how well it does."
            )
        X, y = _take(X, images.as_list, chosen), _take(y, masks.as_list, chosen)
        groups = None if groups is None else np.asarray(groups)[chosen]
        codes = [masks.masks[i] for i in chosen]
        rng = make_rng(self.random_state)
        folds = make_folds(self.cv, X, y, groups)

        segmenter, threshold, maps = self._predict_held_out(X, y, folds, groups)
        slices = _gather(check_images(X), codes, maps, threshold)
        scale, dark = _learn_lines(slices)
        settings = {"scale": scale, "dark": dark, "threshold": threshold}
        seeds = rng.integers(2**31 - 1, size=len(slices) + 1).tolist()
        parts = Parallel(n_jobs=self.n_jobs)(
            delayed(make_examples)(one, **settings, n_planted=self.n_planted, seed=seed)
            for one, seed in zip(slices, seeds, strict=False)
        )
        examples = [example for part in parts for example in part]
        self._learn(examples, folds, seeds[-1], chosen)
        self.segmenter_, self.scale_, self.dark_ = segmenter, scale, dark
        self.classes_, self.n_channels_in_ = np.asarray(masks.classes), images.n_channels
        return self

    def score_masks(
        self, X: Any, masks: Any, *, scoring: str = "v_rand", membrane_label: Any = None
    ) -> np.ndarray:
        """Predict how good any masks are.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images, with the channels seen in fit. One image may stand there several times, with
            several masks; it is looked at once.
        masks : array-like of shape (n_images, height, width) or list of (height, width) arrays
            Masks of two values, one an image.
        scoring : {"v_rand", "iou"}, default="v_rand"
            The score that is predicted.
        membrane_label : scalar or None, default=None
            The value of membrane in `masks`. None takes that of fit where the masks hold the
            values of fit, else the larger.

        Returns
        -------
        ndarray of shape (n_images,), float64
            Predicted scores in [0, 1]; higher is better.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If images and masks do not fit each other, or `scoring` is unknown.
        NotFittedError
            If the model is not fitted.
        """
        check_is_fitted(self)
        place = _place_of(scoring)
        return self._score(self.measure(X, masks, membrane_label=membrane_label))[:, place]

    def predict(self, X: Any, *, scoring: str = "v_rand") -> np.ndarray:
        """Predict how good the segmenter's own masks are.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images, with the channels seen in fit.
        scoring : {"v_rand", "iou"}, default="v_rand"
            The score that is predicted.

        Returns
        -------
        ndarray of shape (n_images,), float64
            Predicted scores in [0, 1]; higher is better.

        Raises
        ------
        InvalidInputError
            If `X` is no stack of such images, or `scoring` is unknown.
        InvalidTypeError
            If the model has no segmenter.
        NotFittedError
            If the model is not fitted.
        """
        check_is_fitted(self)
        place = _place_of(scoring)
        if self.segmenter_ is None:
            raise InvalidTypeError(
                "segmenter must be a segmenter for predict; got None. Give QualityModel one, or "
                "ask score_masks(X, masks)."
            )
        own = self.segmenter_.predict(X)
        return self._score(self._measure(X, own, membrane_label=self.classes_[1]))[:, place]

    def measure(self, X: Any, masks: Any, *, membrane_label: Any = None) -> list[dict[str, float]]:
        """Measure all that scores are predicted from.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images, with the channels seen in fit.
        masks : array-like of shape (n_images, height, width) or list of (height, width) arrays
            Masks of two values, one an image.
        membrane_label : scalar or None, default=None
            The value of membrane in `masks`, as in :meth:`score_masks`.

        Returns
        -------
        list of dict of str to float
            One row an image; NaN where there is nothing to measure.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If images and masks do not fit each other.
        NotFittedError
            If the model is not fitted.
        """
        check_is_fitted(self)
        return self._measure(X, masks, membrane_label=membrane_label)

    def _check_labelled(self, X: Any, y: Any) -> tuple[ImageStack, MaskStack]:
        if y is None:
            raise InvalidInputError(
                "requires y to be passed, but the target y is None: QualityModel learns from "
                "labelled slices what good and bad masks look like. Give their masks as y."
            )
        images = check_images(X)
        labels = {name: getattr(self, name) for name in ("membrane_label", "ignore_label")}
        if self.segmenter is not None:
            given = [name for name, value in labels.items() if value is not None]
            if given:
                raise InvalidInputError(
                    f"{given[0]} must be None where there is a segmenter, which has its own; got "
                    f"{labels[given[0]]!r}. Set it there."
                )
            inside = innermost(self.segmenter)
            labels = {name: getattr(inside, name, None) for name in labels}
        masks = encode_masks(y, two_classes=True, **labels)
        check_same_sizes(images.sizes, [code.shape for code in masks.masks])
        return images, masks

    def _predict_held_out(
        self, X: Any, y: Any, folds: list[Any], groups: Any
    ) -> tuple[Any, float, list[Any]]:
        """Give the fitted segmenter, its threshold, and out-of-fold maps."""
        if self.segmenter is None:
            return None, 0.5, [None] * len(y)
        maps = cross_val_predict_proba(
            self.segmenter, X, y, cv=folds, method="predict_membrane", n_jobs=self.n_jobs,
            groups=groups,
        )  # fmt: skip
        fitted = clone(self.segmenter).fit(X, y)
        return fitted, float(innermost(fitted).threshold_), list(maps)

    def _learn(
        self, examples: list[Example], folds: list[Any], seed: int, chosen: list[int]
    ) -> None:
        """Fit the regressor, after it was tried on slices held out."""
        regressor = self.regressor if self.regressor is not None else _default_regressor(seed)
        self._columns = OWN if self.segmenter is None else OWN + AGREEMENT
        table = self._as_table([example.row for example in examples])
        scores = np.array([example.scores for example in examples])
        numbers = np.array([example.number for example in examples])
        guess = np.full_like(scores, np.nan)
        for train, test in folds:
            here, there = np.isin(numbers, train), np.isin(numbers, test)
            guess[there] = clone(regressor).fit(table[here], scores[here]).predict(table[there])
        own = np.array([example.kind.startswith("own") for example in examples])
        # Folds of the caller's need not test every slice.
        tested = np.isfinite(guess).all(axis=1)
        n_slices = len(np.unique(numbers[tested]))
        self.skill_ = {
            name: skill_of(scores[tested, k], guess[tested, k], own[tested], n_slices)
            for k, name in enumerate(SCORES)
        }
        self.examples_ = [
            {
                "image": chosen[example.number], "kind": example.kind,
                **dict(zip(SCORES, example.scores, strict=True)),
                **{f"{name}_predicted": float(guess[i, k]) for k, name in enumerate(SCORES)},
            }
            for i, example in enumerate(examples)
        ]  # fmt: skip
        self.usual_ = learn_usual([e.row for e in examples if e.kind == "labelled"])
        self.regressor_ = clone(regressor).fit(table, scores)

    def _as_table(self, rows: list[dict[str, float]]) -> np.ndarray:
        table = np.array([[row[name] for name in self._columns] for row in rows])
        return np.where(np.isfinite(table), table, _MISSING)

    def _score(self, rows: list[dict[str, float]]) -> np.ndarray:
        found = np.asarray(self.regressor_.predict(self._as_table(rows)), dtype=np.float64)
        return np.clip(found, 0.0, 1.0)

    def _measure(self, X: Any, masks: Any, *, membrane_label: Any) -> list[dict[str, float]]:
        images = check_images(X, n_channels=self.n_channels_in_)
        membranes = as_membranes(masks, membrane_label=membrane_label, classes=self.classes_)
        check_same_sizes(images.sizes, [m.shape for m in membranes], names=("X", "masks"))
        keys = image_keys(images)
        first = {key: i for i, key in reversed(list(enumerate(keys)))}
        opinions = self._opinions(X, images, list(first.values()))
        by_key = dict(zip(first, opinions, strict=True))
        with_masks: dict[str, list[int]] = {key: [] for key in first}
        for i, key in enumerate(keys):
            with_masks[key].append(i)
        # Image by image, so that what is seen of one is not kept for all.
        parts = Parallel(n_jobs=self.n_jobs)(
            delayed(_measure_image)(
                np.asarray(images.images[first[key]]), [membranes[i] for i in places],
                by_key[key], self.scale_, self.dark_,
            )
            for key, places in with_masks.items()
        )  # fmt: skip
        rows: list[Any] = [None] * len(keys)
        for places, part in zip(with_masks.values(), parts, strict=True):
            for i, row in zip(places, part, strict=True):
                rows[i] = row
        return rows

    def _opinions(self, X: Any, images: ImageStack, places: list[int]) -> list[np.ndarray | None]:
        if self.segmenter_ is None:
            return [None] * len(places)
        found = self.segmenter_.predict(_take(X, images.as_list, places))
        opinions = as_membranes(found, classes=self.classes_, name="predict(X)")
        sizes = [images.sizes[i] for i in places]
        check_same_sizes(sizes, [mask.shape for mask in opinions], names=("X", "predict(X)"))
        return list(opinions)


def _measure_image(
    image: np.ndarray,
    membranes: list[np.ndarray],
    opinion: np.ndarray | None,
    scale: float,
    dark: bool,
) -> list[dict[str, float]]:
    view = ImageView.of(image, scale=scale, dark=dark)
    other = None if opinion is None else Opinion.of(opinion)
    return [measure_mask(view, membrane, other) for membrane in membranes]


def _take(X: Any, as_list: bool, places: list[int]) -> Any:
    """Some of the images or masks, of the kind that the caller gave."""
    return [X[i] for i in places] if as_list else as_readable(X, "X")[places]


def _gather(
    images: ImageStack, codes: list[np.ndarray], maps: list[Any], threshold: float
) -> list[Slice]:
    """Put together what is known of each slice."""
    full = [
        np.where(code == IGNORED, False if one is None else one >= threshold, code == 1)
        for code, one in zip(codes, maps, strict=True)
    ]
    slices = []
    for i, membrane in enumerate(full):
        # Half the stack away, since near slices show the same cells.
        far = sorted(range(len(full)), key=lambda j: abs(abs(i - j) - len(full) / 2))
        others = [full[j] for j in far if j != i and full[j].shape == membrane.shape]
        image = np.asarray(images.images[i])
        slices.append(Slice(i, image, codes[i], membrane, others[0] if others else None, maps[i]))
    return slices


def _learn_lines(slices: list[Slice]) -> tuple[float, bool]:
    """Scale of the ridge filter, and whether membranes are dark."""
    medians = [thickness_of(trace_membranes(one.membrane)).median for one in slices]
    known = [m for m in medians if np.isfinite(m)]
    scale = float(np.clip(_SCALE_SHARE * np.median(known), *_SCALES)) if known else 2.0
    dark = membranes_are_dark([standard_grey(s.image) for s in slices], [s.code for s in slices])
    return scale, dark


def _default_regressor(seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesRegressor

    return ExtraTreesRegressor(300, min_samples_leaf=2, max_features=0.5, random_state=seed)


def _place_of(scoring: str) -> int:
    if scoring not in SCORES:
        raise InvalidInputError(f"scoring must be 'v_rand' or 'iou'; got {scoring!r}.")
    return SCORES.index(scoring)

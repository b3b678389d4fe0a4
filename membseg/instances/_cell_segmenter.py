"""A segmenter that gives cells as well."""

from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from membseg.base import SegmenterMixin
from membseg.instances._cell_scores import scores_of
from membseg.instances._rules import METHODS, CellRules
from membseg.instances._tune import CELL_SCORES, tune_rules
from membseg.model_selection._held_out import predict_held_out
from membseg.utils import innermost, restore_layout
from membseg.utils._sklearn_compat import HasMethods, Integral, Interval, Real, StrOptions


class CellSegmenter(SegmenterMixin, MetaEstimatorMixin, BaseEstimator):
    """Find cells with a segmenter of membranes.

    `predict` and `predict_proba` stay those of membranes; `predict_instances` gives label images,
    made of the membrane map as :func:`membseg.label_cells` does it. How cells are made can be
    searched together with the segmenter (``segmenter__...``), or chosen in fit.

    Parameters
    ----------
    segmenter : segmenter
        A segmenter, or a pipeline or search around one. One that is fitted, in scikit-learn's
        ``FrozenEstimator``, is not fitted again.
    method : {"threshold", "watershed", "agglomerate"}, default="watershed"
        How cells are made of a map; see :func:`membseg.label_cells`, here and below.
    threshold : float or None, default=None
        Membrane probability from which a pixel is membrane, in (0, 1), for masks as well. None:
        that of the segmenter.
    wall_threshold : float, default=0.5
        Membrane probability up to which cells grow into the membrane, in (0, 1).
    closing : int, default=0
        Gaps in walls that are narrower than twice this (px) are closed for cells.
    seed_distance : float, default=3.0
        Seeds are what lies deeper in a cell than this (px).
    merge_threshold : float, default=0.5
        "agglomerate" puts regions together while the mean membrane probability between them is
        below this, in (0, 1).
    min_size : int, default=20
        Cells of fewer pixels are removed.
    fill_holes : bool, default=False
        Whether holes in a cell become a part of it.
    clear_border : bool, default=False
        Whether cells that touch the image's edge are removed.
    tune : str or None, default=None
        Name of a score of cells, such as "panoptic_quality": `threshold` (where it is None),
        `merge_threshold`, `seed_distance` and `wall_threshold` are then chosen for it, one after
        the other, on maps of slices that the segmenter did not learn from.
    cv : int, splitter, iterable of (train, test), or None, default=None
        Folds for `tune` in which each slice is tested once; not used with a frozen segmenter.
        None: :class:`membseg.SliceBlockKFold` with five blocks and ``gap=1``, or fewer blocks
        where there are few slices; an int: that many blocks.
    n_jobs : int or None, default=None
        Folds at the same time, as joblib takes it.

    Attributes
    ----------
    segmenter_ : segmenter
        The segmenter, fitted on all images; the frozen one itself where it is frozen.
    threshold_ : float
        Membrane probability from which `predict` says membrane, and cells end.
    merge_threshold_, seed_distance_, wall_threshold_ : float
        The parameters, or what was chosen for them.
    trials_ : list of dict
        With `tune`, the values that were tried, each with its "score", higher is better.
    classes_ : ndarray of shape (2,)
        ``[cell value, membrane value]`` of `y`.
    n_channels_in_ : int
        Channels of the images.

    See Also
    --------
    membseg.label_cells : The same for any maps.
    membseg.TunedThresholdSegmenter : Masks without gaps and specks.

    Examples
    --------
    >>> from membseg import CellSegmenter, ThresholdSegmenter, get_scorer, make_membranes
    >>> X, y = make_membranes(6, 64, 64, random_state=0)
    >>> cells = CellSegmenter(ThresholdSegmenter(), method="watershed").fit(X[:4], y[:4])
    >>> labels, scores = cells.predict_instances(X[4:], return_scores=True)
    >>> labels.shape, len(scores), scores[0].dtype
    ((2, 64, 64), 2, dtype('float64'))
    >>> 0 < get_scorer("panoptic_quality")(cells, X[4:], y[4:]) < 1
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "segmenter": [HasMethods(["fit", "decision_function"])],
        "method": [StrOptions(set(METHODS))],
        "threshold": [Interval(Real, 0, 1, closed="neither"), None],
        "wall_threshold": [Interval(Real, 0, 1, closed="neither")],
        "closing": [Interval(Integral, 0, None, closed="left")],
        "seed_distance": [Interval(Real, 0, None, closed="left")],
        "merge_threshold": [Interval(Real, 0, 1, closed="neither")],
        "min_size": [Interval(Integral, 0, None, closed="left")],
        "fill_holes": ["boolean"],
        "clear_border": ["boolean"],
        "tune": [StrOptions(set(CELL_SCORES)), None],
        "cv": ["cv_object", None],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        segmenter: Any,
        *,
        method: str = "watershed",
        threshold: float | None = None,
        wall_threshold: float = 0.5,
        closing: int = 0,
        seed_distance: float = 3.0,
        merge_threshold: float = 0.5,
        min_size: int = 20,
        fill_holes: bool = False,
        clear_border: bool = False,
        tune: str | None = None,
        cv: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.segmenter = segmenter
        self.method = method
        self.threshold = threshold
        self.wall_threshold = wall_threshold
        self.closing = closing
        self.seed_distance = seed_distance
        self.merge_threshold = merge_threshold
        self.min_size = min_size
        self.fill_holes = fill_holes
        self.clear_border = clear_border
        self.tune = tune
        self.cv = cv
        self.n_jobs = n_jobs

    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None
    ) -> "CellSegmenter":
        """Fit the segmenter, unless it is frozen, and choose what `tune` asks for.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images in z order.
        y : array-like of shape (n_images, height, width) or list of (height, width) arrays, \
default=None
            Masks of two values, membrane and cell; required.
        sample_weight : array-like or None, default=None
            Weight of each image or pixel, for the segmenter and for the score.
        groups : array-like of shape (n_images,) or None, default=None
            The stack of each image, for the folds and for the segmenter.

        Returns
        -------
        self
            The fitted segmenter.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If a parameter, images, masks or weights cannot be used, or a class is missing.
        NotFittedError
            If the frozen segmenter is not fitted.

        Warns
        -----
        DataWarning
            With `tune`, if the frozen segmenter learnt from some of the images.
        """
        self._validate_params()
        # Of an earlier fit.
        self.__dict__.pop("trials_", None)
        held_out = predict_held_out(
            self.segmenter, X, y, method=None if self.tune is None else "predict_membrane",
            cv=self.cv, n_jobs=self.n_jobs, sample_weight=sample_weight, groups=groups,
        )  # fmt: skip
        self.segmenter_, self.n_channels_in_ = held_out.segmenter, held_out.n_channels
        self._images_seen = held_out.images_seen
        own = innermost(held_out.segmenter)
        self.classes_ = own.classes_
        threshold = own.threshold_ if self.threshold is None else self.threshold
        rules = self._rules(
            threshold, self.seed_distance, self.merge_threshold, self.wall_threshold
        )
        if self.tune is not None:
            fixed = () if self.threshold is None else ("threshold",)
            rules, self.trials_ = tune_rules(rules, held_out.pairs, self.tune, fixed)
        self.threshold_ = rules.threshold
        self.seed_distance_, self.merge_threshold_ = rules.seed_distance, rules.merge_threshold
        self.wall_threshold_ = rules.wall_threshold
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
        return self.segmenter_.decision_function(X)

    def predict_instances(self, X: Any, *, return_scores: bool = False) -> Any:
        """Predict label images.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images, with the channels seen in fit.
        return_scores : bool, default=False
            Whether a score for each cell is given as well, as :func:`score_cells` defines it.

        Returns
        -------
        labels : ndarray of shape (n_images, height, width), int32, or list of such 2-D arrays
            Numbers of the cells, from 1 in each image and without gaps; 0 is membrane.
        scores : list of ndarray of shape (n_cells,), float64
            If asked for: the scores of each image's cells, in [0, 1], cell 1 first.
        """
        maps = self.predict_membrane(X)
        as_list = isinstance(maps, list)
        rules = self._rules(
            self.threshold_, self.seed_distance_, self.merge_threshold_, self.wall_threshold_
        )
        images = [np.asarray(image) for image in maps]
        labels = [rules.label(image) for image in images]
        stack = restore_layout(labels, as_list=as_list)
        if not return_scores:
            return stack
        return stack, [scores_of(*pair) for pair in zip(labels, images, strict=True)]

    def _rules(
        self, threshold: float, seed_distance: float, merge_threshold: float, wall_threshold: float
    ) -> CellRules:
        return CellRules(
            method=self.method,
            threshold=float(threshold),
            wall_threshold=float(wall_threshold),
            closing=int(self.closing),
            seed_distance=float(seed_distance),
            merge_threshold=float(merge_threshold),
            min_size=int(self.min_size),
            fill_holes=bool(self.fill_holes),
            clear_border=bool(self.clear_border),
        )

    def __sklearn_tags__(self) -> Any:
        """Say whether tiles equal the whole image, as the segmenter inside says it."""
        tags = super().__sklearn_tags__()
        tags.tile_exact = getattr(get_tags(self.segmenter), "tile_exact", True)
        return tags

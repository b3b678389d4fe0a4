"""Many slices with their masks, the worst first."""

from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.metrics import SCORERS, get_scorer
from membseg.metrics._evaluation import METRICS, Evaluation
from membseg.metrics._pairs import make_pairs
from membseg.metrics._responses import evaluate_segmenter
from membseg.plotting._colours import AGREEMENT, paint_agreement, paint_overlay
from membseg.plotting._look import add_colour_legend, make_panels, show_picture
from membseg.plotting._slices import codes_of, encode_prediction, grey_of, size_in_nm
from membseg.utils import IGNORED, check_images, encode_masks

#: Slices side by side, and how many are drawn unless asked for more.
_COLUMNS, _MOST = 3, 12


class GridDisplay:
    """Slices side by side with the membranes on them, those of the worst score first.

    With true masks, membrane that is right, invented and missed has a colour each.

    Parameters
    ----------
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images.
    y_pred : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Predicted masks of two values.
    y_true : array-like of shape (n_images, height, width), list of arrays, or None, default=None
        True masks of the same values.
    scores : array-like of shape (n_images,) or None, default=None
        A score of each image; None leaves the images in their order. NaN comes last.
    scoring : str or None, default=None
        What the scores are; one of :data:`membseg.metrics.SCORERS` that is lower where better is
        sorted the other way.
    membrane_label : scalar or None, default=None
        The value of membrane in the masks; None takes the larger.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label.
    pixel_size : float or None, default=None
        Side of a pixel in `unit`, for scale bars.
    unit : str, default="nm"
        Unit of `pixel_size`: "nm", "um", "mm", "angstrom", ...

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the first slice was drawn.
    axs_ : list of matplotlib Axes
        Where each slice was drawn.
    figure_ : matplotlib Figure
        Their figure.
    order_ : list of int
        Numbers of the images that were drawn, in this order.

    Examples
    --------
    >>> from membseg import RidgeSegmenter, make_membranes
    >>> from membseg.plotting import GridDisplay
    >>> X, y = make_membranes(4, 48, 48, random_state=0)
    >>> segmenter = RidgeSegmenter().fit(X[:1], y[:1])
    >>> display = GridDisplay.from_estimator(segmenter, X[1:], y[1:], scoring="iou")
    >>> display.scores[display.order_[0]] == display.scores.min()
    np.True_
    """

    def __init__(
        self,
        X: Any,
        y_pred: Any,
        *,
        y_true: Any = None,
        scores: Any = None,
        scoring: str | None = None,
        membrane_label: Any = None,
        ignore_label: Any = None,
        pixel_size: float | None = None,
        unit: str = "nm",
    ) -> None:
        self.X = X
        self.y_pred = y_pred
        self.y_true = y_true
        self.scores = scores
        self.scoring = scoring
        self.membrane_label = membrane_label
        self.ignore_label = ignore_label
        self.pixel_size = pixel_size
        self.unit = unit

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        scoring: str = "iou",
        max_images: int = _MOST,
        pixel_size: float | None = None,
        unit: str = "nm",
        ax: Any = None,
    ) -> "GridDisplay":
        """Predict, score each image by itself, and draw.

        Parameters
        ----------
        estimator : segmenter
            Fitted; a pipeline or search around one will do.
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images.
        y : array-like of shape (n_images, height, width), list of arrays, or None, default=None
            True masks; without them there are no scores, and images stay in their order.
        scoring : str, default="iou"
            A key of :data:`membseg.metrics.SCORERS`.
        max_images : int, default=12
            At most so many images are drawn.
        pixel_size : float or None, default=None
            Side of a pixel in `unit`, for scale bars.
        unit : str, default="nm"
            Unit of `pixel_size`.
        ax : matplotlib Axes, sequence of them, or None, default=None
            Where to draw, as in :meth:`plot`.

        Returns
        -------
        GridDisplay
            The display, drawn; its masks are 0 at cell, 1 at membrane and 255 without a label.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If images, masks, `scoring` or sizes cannot be used.
        """
        scorer = get_scorer(scoring)
        truth, scores = None, None
        if y is None:
            guess = encode_prediction(estimator, X)
        else:
            wanted = {scorer.response, "predict"}
            evaluation = evaluate_segmenter(estimator, X, y, None, wanted)
            truth, guess = evaluation.masks.truth, evaluation.masks.guess
            scores = _score_each(evaluation, scoring)
        display = cls(
            X,
            guess,
            y_true=truth,
            scores=scores,
            scoring=scoring,
            membrane_label=1,
            ignore_label=IGNORED,
            pixel_size=pixel_size,
            unit=unit,
        )
        return display.plot(max_images=max_images, ax=ax)

    @classmethod
    def from_predictions(
        cls,
        X: Any,
        y_pred: Any,
        y_true: Any,
        *,
        scoring: str = "iou",
        max_images: int = _MOST,
        membrane_label: Any = None,
        ignore_label: Any = None,
        pixel_size: float | None = None,
        unit: str = "nm",
        ax: Any = None,
    ) -> "GridDisplay":
        """Score the masks of each image by themselves, and draw.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images.
        y_pred : array-like of shape (n_images, height, width) or list of (height, width) arrays
            Predicted masks of two values.
        y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
            True masks of the same values.
        scoring : str, default="iou"
            A key of :data:`membseg.metrics.SCORERS` that judges masks.
        max_images : int, default=12
            At most so many images are drawn.
        membrane_label : scalar or None, default=None
            The value of membrane; None takes the larger.
        ignore_label : scalar or None, default=None
            The value of pixels of `y_true` without a label.
        pixel_size : float or None, default=None
            Side of a pixel in `unit`, for scale bars.
        unit : str, default="nm"
            Unit of `pixel_size`.
        ax : matplotlib Axes, sequence of them, or None, default=None
            Where to draw, as in :meth:`plot`.

        Returns
        -------
        GridDisplay
            The display, drawn.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If images or masks cannot be used, or `scoring` does not judge masks.
        """
        if get_scorer(scoring).response == "predict_proba":
            raise InvalidInputError(
                f"scoring must judge masks; got {scoring!r}, which judges probabilities. Give "
                "another one, or the segmenter to from_estimator."
            )
        labels = {"membrane_label": membrane_label}
        guess = encode_masks(y_pred, name="y_pred", **labels).masks
        labels["ignore_label"] = ignore_label
        truth = encode_masks(y_true, name="y_true", **labels).masks
        pairs = make_pairs(truth, guess, None, name="y_pred")
        display = cls(
            X,
            guess,
            y_true=truth,
            scores=_score_each(Evaluation({"predict": pairs}), scoring),
            scoring=scoring,
            membrane_label=1,
            ignore_label=IGNORED,
            pixel_size=pixel_size,
            unit=unit,
        )
        return display.plot(max_images=max_images, ax=ax)

    def plot(self, *, max_images: int = _MOST, ax: Any = None) -> "GridDisplay":
        """Draw the slices.

        Parameters
        ----------
        max_images : int, default=12
            At most so many images are drawn.
        ax : matplotlib Axes, sequence of them, or None, default=None
            Where to draw: one, which is divided among the slices, or one a slice; None makes a
            figure.

        Returns
        -------
        self
            The display.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If images, masks, scores, `max_images`, `pixel_size` or `ax` cannot be used.
        MissingDependencyError
            If matplotlib is not installed.
        """
        if max_images < 1:
            raise InvalidInputError(f"max_images must be at least 1; got {max_images!r}.")
        images = check_images(self.X, finite=False).images
        self._check_numbers(len(images))
        order = self._order(len(images))[:max_images]
        pictures = [self._paint(images[i], i) for i in order]
        size = size_in_nm(self.pixel_size, self.unit)
        height, width = np.max([picture.shape[:2] for picture in pictures], axis=0)
        has_truth = self.y_true is not None
        axs = make_panels(
            ax, len(order), n_columns=_COLUMNS, ratio=height / width, legend=has_truth,
            pictures=True,
        )  # fmt: skip
        for panel, picture, i in zip(axs, pictures, order, strict=True):
            show_picture(panel, picture, self._title(i), size)
        if has_truth:
            add_colour_legend(ax, axs, AGREEMENT.items())
        self.axs_, self.ax_, self.figure_ = axs, axs[0], axs[0].figure
        self.order_ = order
        return self

    def _check_numbers(self, n_images: int) -> None:
        given = {"y_pred": self.y_pred, "y_true": self.y_true, "scores": self.scores}
        for name, values in given.items():
            if values is not None and len(values) != n_images:
                raise InvalidInputError(
                    f"{name} must hold one for each image of X, {n_images}; got {len(values)}."
                )

    def _order(self, n_images: int) -> list[int]:
        if self.scores is None:
            return list(range(n_images))
        scores = np.asarray(self.scores, dtype=np.float64)
        falls = self.scoring in SCORERS and SCORERS[self.scoring].sign < 0
        return [int(i) for i in np.argsort(-scores if falls else scores, kind="stable")]

    def _paint(self, image: Any, i: int) -> np.ndarray:
        grey = grey_of(image, f"X[{i}]")
        labels = {"membrane_label": self.membrane_label}
        mask = codes_of(self.y_pred[i], grey.shape, f"y_pred[{i}]", **labels)
        if self.y_true is None:
            return paint_overlay(grey, mask)
        labels["ignore_label"] = self.ignore_label
        truth = codes_of(self.y_true[i], grey.shape, f"y_true[{i}]", **labels)
        return paint_agreement(grey, truth, mask)

    def _title(self, i: int) -> str:
        if self.scores is None:
            return f"slice {i}"
        name = f"{self.scoring} " if self.scoring else ""
        return f"{i}: {name}{self.scores[i]:.3f}"


def _score_each(evaluation: Evaluation, scoring: str) -> np.ndarray:
    """Score each image by itself, in the score's own sign."""
    n_images = len(evaluation.masks.truth)
    alone = [
        Evaluation({name: pairs.one(i) for name, pairs in evaluation.pairs.items()})
        for i in range(n_images)
    ]
    return np.array([METRICS[scoring].value(one) for one in alone], dtype=np.float64)

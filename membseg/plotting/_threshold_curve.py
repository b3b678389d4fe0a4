"""A score against the threshold."""

from typing import Any

import numpy as np

from membseg.metrics import ThresholdCurve, threshold_curve
from membseg.plotting._estimators import predict_maps
from membseg.utils import import_optional


class ThresholdCurveDisplay:
    """Scores of masks against the threshold that made them, each with its best one marked.

    Parameters
    ----------
    curves : list of ThresholdCurve
        As from :func:`membseg.metrics.threshold_curve`, or ``curve_`` of a
        :class:`membseg.TunedThresholdSegmenter`.
    threshold : float or None, default=None
        A threshold that is in use, drawn as a line.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        Its figure.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, make_membranes
    >>> from membseg.plotting import ThresholdCurveDisplay
    >>> X, y = make_membranes(4, 48, 48, random_state=0)
    >>> segmenter = ThresholdSegmenter().fit(X[:2], y[:2])
    >>> display = ThresholdCurveDisplay.from_estimator(segmenter, X[2:], y[2:])
    >>> display.ax_.get_xlabel()
    'threshold'
    """

    def __init__(self, curves: list[ThresholdCurve], *, threshold: float | None = None) -> None:
        self.curves = curves
        self.threshold = threshold

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_prob: Any,
        *,
        scoring: Any = ("iou", "v_rand"),
        threshold: float | None = None,
        ax: Any = None,
        **options: Any,
    ) -> "ThresholdCurveDisplay":
        """Score and draw.

        Parameters
        ----------
        y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
            True masks of two values.
        y_prob : float array-like of shape (n_images, height, width) or list of arrays
            Maps of membrane probability in [0, 1].
        scoring : str or sequence of str, default=("iou", "v_rand")
            Names of scores of masks.
        threshold : float or None, default=None
            A threshold that is in use, drawn as a line.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        **options : object
            Further arguments of :func:`membseg.metrics.threshold_curve`.

        Returns
        -------
        ThresholdCurveDisplay
            The display, drawn.
        """
        names = [scoring] if isinstance(scoring, str) else list(scoring)
        curves = [threshold_curve(y_true, y_prob, name, **options) for name in names]
        return cls(curves, threshold=threshold).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        scoring: Any = ("iou", "v_rand"),
        ax: Any = None,
        **options: Any,
    ) -> "ThresholdCurveDisplay":
        """Predict, score and draw.

        Parameters
        ----------
        estimator : segmenter
            Fitted; its own threshold is drawn as a line.
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images.
        y : array-like of shape (n_images, height, width) or list of (height, width) arrays
            True masks.
        scoring : str or sequence of str, default=("iou", "v_rand")
            Names of scores of masks.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        **options : object
            Further arguments of :func:`membseg.metrics.threshold_curve`.

        Returns
        -------
        ThresholdCurveDisplay
            The display, drawn.
        """
        maps, labels = predict_maps(estimator, X)
        threshold = getattr(estimator, "threshold_", None)
        options = labels | options
        return cls.from_predictions(y, maps, scoring=scoring, threshold=threshold, ax=ax, **options)

    def plot(self, *, ax: Any = None) -> "ThresholdCurveDisplay":
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self
            The display.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        """
        if ax is None:
            pyplot = import_optional("matplotlib.pyplot", extra="plot", purpose="Drawing")
            _, ax = pyplot.subplots(layout="constrained")
        for curve in self.curves:
            best = curve.best_threshold
            label = f"{curve.scoring}, best at {best:.2f}"
            (line,) = ax.plot(curve.thresholds, curve.scores, label=label)
            score = curve.scores[np.searchsorted(curve.thresholds, best)]
            ax.plot([best], [score], "o", color=line.get_color())
        if self.threshold is not None:
            ax.axvline(self.threshold, color="0.6", linestyle="--", linewidth=1, label="in use")
        ax.set(xlabel="threshold", ylabel="score", xlim=(0, 1))
        ax.legend(frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
        self.ax_, self.figure_ = ax, ax.figure
        return self

"""Where a segmenter is in doubt, on the slice itself."""

from typing import Any

import numpy as np

from membseg.calibration import predict_uncertainty
from membseg.exceptions import InvalidInputError
from membseg.plotting._slices import take_slice
from membseg.utils import import_optional, innermost

#: Full doubt still lets the slice shine through.
_MOST_OPAQUE = 0.85


class ConfidenceMapDisplay:
    """A slice in grey, the doubt laid over it in colour, and the outline of the predicted mask.

    Parameters
    ----------
    image : ndarray of shape (height, width) or (height, width, channels)
        The slice, of any real dtype; channels are averaged.
    probability : ndarray of shape (height, width)
        Membrane probability, in [0, 1].
    doubt : ndarray of shape (height, width)
        Doubt in bits, from 0 (sure) to 1, such as `total` or `model` of
        :func:`membseg.calibration.predict_uncertainty`.
    threshold : float, default=0.5
        Membrane probability from which a pixel is called membrane.
    name : str or None, default=None
        Whose doubt it is; the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        Its figure.

    Examples
    --------
    >>> from membseg import RidgeSegmenter, make_membranes
    >>> from membseg.plotting import ConfidenceMapDisplay
    >>> X, y = make_membranes(2, 48, 48, random_state=0)
    >>> segmenter = RidgeSegmenter().fit(X[:1], y[:1])
    >>> display = ConfidenceMapDisplay.from_estimator(segmenter, X, index=1)
    >>> display.doubt.shape, display.ax_.get_title()
    ((48, 48), 'RidgeSegmenter')
    """

    def __init__(
        self,
        image: np.ndarray,
        probability: np.ndarray,
        doubt: np.ndarray,
        *,
        threshold: float = 0.5,
        name: str | None = None,
    ) -> None:
        self.image = image
        self.probability = probability
        self.doubt = doubt
        self.threshold = threshold
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        index: int = 0,
        method: str = "single",
        name: str | None = None,
        ax: Any = None,
    ) -> "ConfidenceMapDisplay":
        """Predict one slice, and draw.

        Parameters
        ----------
        estimator : segmenter
            Fitted; the outline is that of its own threshold.
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images.
        index : int, default=0
            Number of the slice in `X`; negative numbers count from the end. No other slice is
            predicted.
        method : {"single", "views", "members", "dropout"}, default="single"
            Whose answers the doubt is taken from, as in
            :func:`membseg.calibration.predict_uncertainty`.
        name : str or None, default=None
            The title; None takes the name of the estimator's class.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        ConfidenceMapDisplay
            The display, drawn; its `doubt` is the total.

        Raises
        ------
        InvalidInputError
            If `X` has no slice of that number, or `method` is unknown.
        InvalidTypeError
            If the estimator does not give such answers.
        """
        part = take_slice(X, index)
        found = predict_uncertainty(estimator, part, method=method)
        image = np.asarray(part[0])
        threshold = getattr(innermost(estimator), "threshold_", 0.5)
        name = type(estimator).__name__ if name is None else name
        display = cls(image, found.probability[0], found.total[0], threshold=threshold, name=name)
        return display.plot(ax=ax)

    def plot(self, *, ax: Any = None) -> "ConfidenceMapDisplay":
        """Draw slice, doubt and outline.

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
        InvalidInputError
            If slice, probability and doubt differ in height or width.
        MissingDependencyError
            If matplotlib is not installed.
        """
        pyplot = import_optional("matplotlib.pyplot", extra="plot", purpose="Drawing")
        grey, probability, doubt = self._maps()
        if ax is None:
            _, ax = pyplot.subplots(layout="constrained")
        ax.imshow(grey, cmap="gray")
        shown = ax.imshow(doubt, cmap=_fading(pyplot), vmin=0, vmax=1, interpolation="nearest")
        mask = probability >= self.threshold
        # The threshold lies where doubt is large, which is drawn bright. Without both classes
        # there is nothing to outline.
        if mask.any() and not mask.all():
            ax.contour(mask, levels=[0.5], colors="black", linewidths=0.6)
        ax.figure.colorbar(shown, ax=ax, label="doubt (bits)")
        ax.set(xticks=[], yticks=[], title=self.name)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _maps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Grey slice, probability and doubt, of one shape."""
        grey, probability, doubt = map(np.asarray, (self.image, self.probability, self.doubt))
        grey = grey.mean(axis=2) if grey.ndim == 3 else grey
        if not grey.shape == probability.shape == doubt.shape or grey.ndim != 2:
            raise InvalidInputError(
                "image, probability and doubt must be of one slice, (height, width) each; got "
                f"shapes {grey.shape}, {probability.shape} and {doubt.shape}. Take one of a "
                "stack, as in doubt[0]."
            )
        return grey, probability, doubt


def _fading(pyplot: Any) -> Any:
    """A perceptually uniform colour map that is clear where there is no doubt."""
    doubt = np.linspace(0, 1, 256)
    colours = pyplot.get_cmap("inferno")(doubt)
    # The root lets middling doubt show on dark membranes too.
    colours[:, 3] = _MOST_OPAQUE * np.sqrt(doubt)
    listed = import_optional("matplotlib.colors", extra="plot", purpose="Drawing").ListedColormap
    return listed(colours, name="doubt")

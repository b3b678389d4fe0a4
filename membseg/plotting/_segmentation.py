"""A slice, its mask, and where the mask is right."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.plotting._colours import (
    AGREEMENT,
    paint_agreement,
    paint_grey,
    paint_mask,
    paint_overlay,
)
from membseg.plotting._look import add_colour_legend, make_panels, show_picture
from membseg.plotting._slices import (
    check_index,
    codes_of,
    encode_prediction,
    encode_truth,
    grey_of,
    size_in_nm,
    take_slice,
)
from membseg.utils import IGNORED, check_images

#: View -> title.
_VIEWS = {
    "image": "image",
    "mask": "predicted mask",
    "truth": "true mask",
    "overlay": "mask on the image",
    "agreement": "agreement with the truth",
}


class SegmentationDisplay:
    """A slice, the mask, the mask on the slice, and membrane that is right, invented and missed.

    Parameters
    ----------
    image : ndarray of shape (height, width) or (height, width, channels)
        The slice, of any real dtype; channels are averaged.
    mask : ndarray of shape (height, width)
        The mask, of two values.
    truth : ndarray of shape (height, width) or None, default=None
        The true mask, of the same values.
    membrane_label : scalar or None, default=None
        The value of membrane in both; None takes the larger.
    ignore_label : scalar or None, default=None
        The value of pixels of `truth` without a label; they get no colour.
    pixel_size : float or None, default=None
        Side of a pixel in `unit`, for a scale bar.
    unit : str, default="nm"
        Unit of `pixel_size`: "nm", "um", "mm", "angstrom", ...

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the first view was drawn.
    axs_ : list of matplotlib Axes
        Where each view was drawn.
    figure_ : matplotlib Figure
        Their figure.

    Examples
    --------
    >>> from membseg import RidgeSegmenter, make_membranes
    >>> from membseg.plotting import SegmentationDisplay
    >>> X, y = make_membranes(2, 48, 48, random_state=0)
    >>> segmenter = RidgeSegmenter().fit(X[:1], y[:1])
    >>> display = SegmentationDisplay.from_estimator(segmenter, X, y, index=1, pixel_size=4.0)
    >>> [ax.get_title() for ax in display.axs_][-1]
    'agreement with the truth'
    """

    def __init__(
        self,
        image: Any,
        mask: Any,
        *,
        truth: Any = None,
        membrane_label: Any = None,
        ignore_label: Any = None,
        pixel_size: float | None = None,
        unit: str = "nm",
    ) -> None:
        self.image = image
        self.mask = mask
        self.truth = truth
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
        index: int = 0,
        views: str | Sequence[str] | None = None,
        pixel_size: float | None = None,
        unit: str = "nm",
        ax: Any = None,
    ) -> "SegmentationDisplay":
        """Predict one slice, and draw.

        Parameters
        ----------
        estimator : segmenter
            Fitted; a pipeline or search around one will do.
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images.
        y : array-like of shape (n_images, height, width), list of arrays, or None, default=None
            True masks.
        index : int, default=0
            Number of the slice in `X`; negative numbers count from the end. No other slice is
            predicted.
        views : str, sequence of str, or None, default=None
            What to draw, as in :meth:`plot`.
        pixel_size : float or None, default=None
            Side of a pixel in `unit`, for a scale bar.
        unit : str, default="nm"
            Unit of `pixel_size`.
        ax : matplotlib Axes, sequence of them, or None, default=None
            Where to draw, as in :meth:`plot`.

        Returns
        -------
        SegmentationDisplay
            The display, drawn; its masks are 0 at cell, 1 at membrane and 255 without a label.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If `X` has no slice of that number, or masks, views or sizes cannot be used.
        """
        part = take_slice(X, index)
        (mask,) = encode_prediction(estimator, part)
        truth = None if y is None else encode_truth(estimator, take_slice(y, index))[0]
        display = cls(
            np.asarray(part[0]),
            mask,
            truth=truth,
            membrane_label=1,
            ignore_label=IGNORED,
            pixel_size=pixel_size,
            unit=unit,
        )
        return display.plot(views=views, ax=ax)

    @classmethod
    def from_predictions(
        cls,
        X: Any,
        y_pred: Any,
        y_true: Any = None,
        *,
        index: int = 0,
        views: str | Sequence[str] | None = None,
        membrane_label: Any = None,
        ignore_label: Any = None,
        pixel_size: float | None = None,
        unit: str = "nm",
        ax: Any = None,
    ) -> "SegmentationDisplay":
        """Take one slice of stacks, and draw.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images.
        y_pred : array-like of shape (n_images, height, width) or list of (height, width) arrays
            Predicted masks of two values.
        y_true : array-like of shape (n_images, height, width), list of arrays, or None, \
default=None
            True masks of the same values.
        index : int, default=0
            Number of the slice; negative numbers count from the end.
        views : str, sequence of str, or None, default=None
            What to draw, as in :meth:`plot`.
        membrane_label : scalar or None, default=None
            The value of membrane; None takes the larger.
        ignore_label : scalar or None, default=None
            The value of pixels of `y_true` without a label.
        pixel_size : float or None, default=None
            Side of a pixel in `unit`, for a scale bar.
        unit : str, default="nm"
            Unit of `pixel_size`.
        ax : matplotlib Axes, sequence of them, or None, default=None
            Where to draw, as in :meth:`plot`.

        Returns
        -------
        SegmentationDisplay
            The display, drawn.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If there is no slice of that number, or masks, views or sizes cannot be used.
        """
        i = check_index(index, len(check_images(X, finite=False)))
        display = cls(
            np.asarray(X[i]),
            y_pred[i],
            truth=None if y_true is None else y_true[i],
            membrane_label=membrane_label,
            ignore_label=ignore_label,
            pixel_size=pixel_size,
            unit=unit,
        )
        return display.plot(views=views, ax=ax)

    def plot(
        self, *, views: str | Sequence[str] | None = None, ax: Any = None
    ) -> "SegmentationDisplay":
        """Draw one view or several.

        Parameters
        ----------
        views : str, sequence of str, or None, default=None
            Of "image", "mask", "truth", "overlay" and "agreement". None takes "image", "mask" and
            "overlay", and "agreement" where the truth is known.
        ax : matplotlib Axes, sequence of them, or None, default=None
            Where to draw: one, which is divided among the views, or one a view; None makes a
            figure.

        Returns
        -------
        self
            The display.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If image, masks, `pixel_size`, `views` or `ax` cannot be used.
        MissingDependencyError
            If matplotlib is not installed.
        """
        wanted = self._views(views)
        pictures = self._paint(wanted)
        size = size_in_nm(self.pixel_size, self.unit)
        height, width = pictures[0].shape[:2]
        # Four slices are read more easily in two rows of two.
        n_columns = 3 if len(wanted) == 3 else min(len(wanted), 2)
        legend = "agreement" in wanted
        axs = make_panels(
            ax, len(wanted), n_columns=n_columns, ratio=height / width, legend=legend,
            pictures=True,
        )  # fmt: skip
        for panel, view, picture in zip(axs, wanted, pictures, strict=True):
            show_picture(panel, picture, _VIEWS[view], size)
        if legend:
            add_colour_legend(ax, axs, AGREEMENT.items())
        self.axs_, self.ax_, self.figure_ = axs, axs[0], axs[0].figure
        return self

    def _views(self, views: Any) -> list[str]:
        known = [v for v in _VIEWS if self.truth is not None or v not in ("truth", "agreement")]
        if views is None:
            return [view for view in known if view != "truth"]
        wanted = [views] if isinstance(views, str) else list(views)
        for view in wanted:
            if view not in known:
                hint = "" if view not in _VIEWS else " Give the true mask for that."
                raise InvalidInputError(f"views must be of {', '.join(known)}; got {view!r}.{hint}")
        if not wanted:
            raise InvalidInputError(f"views must name one of {', '.join(known)}; got none.")
        return wanted

    def _paint(self, wanted: list[str]) -> list[np.ndarray]:
        grey = grey_of(self.image)
        labels = {"membrane_label": self.membrane_label}
        mask = codes_of(self.mask, grey.shape, "mask", **labels)
        if self.truth is None:
            truth = np.zeros_like(mask)
        else:
            labels["ignore_label"] = self.ignore_label
            truth = codes_of(self.truth, grey.shape, "truth", **labels)
        painted = {
            "image": lambda: paint_grey(grey),
            "mask": lambda: paint_mask(mask),
            "truth": lambda: paint_mask(truth),
            "overlay": lambda: paint_overlay(grey, mask),
            "agreement": lambda: paint_agreement(grey, truth, mask),
        }
        return [painted[view]() for view in wanted]

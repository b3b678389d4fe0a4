"""Where cells were merged and split."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from membseg.analysis import find_merges_and_splits
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.plotting._colours import AGREEMENT, EVENTS, paint_agreement
from membseg.plotting._events import cells_of, check_event, cut_around, say_area, walls_of
from membseg.plotting._look import (
    FONT,
    add_colour_legend,
    make_axes,
    make_panels,
    show_picture,
)
from membseg.plotting._slices import (
    check_index,
    encode_prediction,
    encode_truth,
    grey_of,
    size_in_nm,
)
from membseg.utils import IGNORED, check_images, check_same_sizes, encode_masks, import_optional

#: Events side by side, and how many are drawn unless asked for more.
_COLUMNS, _MOST = 3, 6


class MergeSplitDisplay:
    """Merged and split cells, the largest first: each zoomed, or all of one slice in boxes.

    The cells concerned stay bright, and membrane that is missed or invented, which is why cells
    are merged or split, has a colour each. Titles tell how many cells are concerned, and the area
    that is lost.

    Parameters
    ----------
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images.
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values, or true label images (integers, more than two values, 0 where
        there is no cell).
    y_pred : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Predicted masks of the same values as true ones, or label images.
    events : iterable of objects
        With attributes `kind` ("merge" or "split"), `image` (its number in `X`), `bbox` (first
        row, first column, and the row and column after the last), `area` (px that are lost),
        `true_labels` and `predicted_labels` (numbers of the cells, those of
        :func:`membseg.metrics.label_components` where masks are given). Such as from
        :func:`membseg.analysis.find_merges_and_splits`.
    membrane_label : scalar or None, default=None
        The value of membrane in masks; None takes the larger.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label.
    pixel_size : float or None, default=None
        Side of a pixel in `unit`, for scale bars and areas.
    unit : str, default="nm"
        Unit of `pixel_size`: "nm", "um", "mm", "angstrom", ...

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the first event, or the slice, was drawn.
    axs_ : list of matplotlib Axes
        Where each event was drawn, or the one of the slice.
    figure_ : matplotlib Figure
        Their figure.

    Examples
    --------
    >>> from membseg import make_membranes
    >>> from membseg.plotting import MergeSplitDisplay
    >>> X, y = make_membranes(1, 64, 64, random_state=0)
    >>> masks = y.copy()
    >>> masks[0, 20:40, 20:40] = 0
    >>> display = MergeSplitDisplay.from_predictions(X, masks, y, pixel_size=4.0)
    >>> display.ax_.get_title().splitlines()[0]
    '1: merge of 2'
    """

    def __init__(
        self,
        X: Any,
        y_true: Any,
        y_pred: Any,
        events: Iterable[Any],
        *,
        membrane_label: Any = None,
        ignore_label: Any = None,
        pixel_size: float | None = None,
        unit: str = "nm",
    ) -> None:
        self.X = X
        self.y_true = y_true
        self.y_pred = y_pred
        self.events = list(events)
        self.membrane_label = membrane_label
        self.ignore_label = ignore_label
        self.pixel_size = pixel_size
        self.unit = unit

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        view: str = "zoom",
        max_events: int = _MOST,
        pixel_size: float | None = None,
        unit: str = "nm",
        ax: Any = None,
    ) -> "MergeSplitDisplay":
        """Predict, find the events, and draw.

        Parameters
        ----------
        estimator : segmenter
            Fitted; a pipeline or search around one will do.
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images.
        y : array-like of shape (n_images, height, width) or list of (height, width) arrays
            True masks.
        view : {"zoom", "slice"}, default="zoom"
            What to draw, as in :meth:`plot`.
        max_events : int, default=6
            At most so many events are drawn by themselves, the largest.
        pixel_size : float or None, default=None
            Side of a pixel in `unit`, for scale bars and areas.
        unit : str, default="nm"
            Unit of `pixel_size`.
        ax : matplotlib Axes, sequence of them, or None, default=None
            Where to draw, as in :meth:`plot`.

        Returns
        -------
        MergeSplitDisplay
            The display, drawn; its masks are 0 at cell, 1 at membrane and 255 without a label.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If images, masks or another argument cannot be used.
        """
        return cls.from_predictions(
            X,
            encode_prediction(estimator, X),
            encode_truth(estimator, y),
            view=view,
            max_events=max_events,
            membrane_label=1,
            ignore_label=IGNORED,
            pixel_size=pixel_size,
            unit=unit,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        X: Any,
        y_pred: Any,
        y_true: Any,
        *,
        view: str = "zoom",
        max_events: int = _MOST,
        membrane_label: Any = None,
        ignore_label: Any = None,
        pixel_size: float | None = None,
        unit: str = "nm",
        ax: Any = None,
    ) -> "MergeSplitDisplay":
        """Find the events with :func:`membseg.analysis.find_merges_and_splits`, and draw.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images.
        y_pred : array-like of shape (n_images, height, width) or list of (height, width) arrays
            Predicted masks of two values.
        y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
            True masks of the same values.
        view : {"zoom", "slice"}, default="zoom"
            What to draw, as in :meth:`plot`.
        max_events : int, default=6
            At most so many events are drawn by themselves, the largest.
        membrane_label : scalar or None, default=None
            The value of membrane; None takes the larger.
        ignore_label : scalar or None, default=None
            The value of pixels of `y_true` without a label.
        pixel_size : float or None, default=None
            Side of a pixel in `unit`, for scale bars and areas.
        unit : str, default="nm"
            Unit of `pixel_size`.
        ax : matplotlib Axes, sequence of them, or None, default=None
            Where to draw, as in :meth:`plot`.

        Returns
        -------
        MergeSplitDisplay
            The display, drawn.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If images, masks or another argument cannot be used.
        """
        labels = {"membrane_label": membrane_label, "ignore_label": ignore_label}
        events = find_merges_and_splits(y_true, y_pred, **labels)
        display = cls(X, y_true, y_pred, events, pixel_size=pixel_size, unit=unit, **labels)
        return display.plot(view=view, max_events=max_events, ax=ax)

    def plot(
        self,
        *,
        view: str = "zoom",
        index: int | None = None,
        max_events: int = _MOST,
        ax: Any = None,
    ) -> "MergeSplitDisplay":
        """Draw each event by itself, or all of one slice.

        Parameters
        ----------
        view : {"zoom", "slice"}, default="zoom"
            "zoom": each event by itself. "slice": a whole slice, with a box around each event, and
            the numbers that they have in "zoom".
        index : int or None, default=None
            Only events of this slice. None takes all, and for "slice" the slice with most events.
        max_events : int, default=6
            At most so many events are drawn by themselves, the largest.
        ax : matplotlib Axes, sequence of them, or None, default=None
            Where to draw: one, which is divided among the events, or one an event; None makes a
            figure.

        Returns
        -------
        self
            The display.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If images, masks, events or another argument cannot be used.
        MissingDependencyError
            If matplotlib is not installed.
        """
        if view not in ("zoom", "slice"):
            raise InvalidInputError(f"view must be 'zoom' or 'slice'; got {view!r}.")
        if max_events < 1:
            raise InvalidInputError(f"max_events must be at least 1; got {max_events!r}.")
        images = check_images(self.X, finite=False)
        truth = self._membranes(self.y_true, "y_true", self.ignore_label, images.sizes)
        guess = self._membranes(self.y_pred, "y_pred", None, images.sizes)
        events = self._sorted_events(images.sizes)
        if view == "slice" or not events:
            index = _slice_of(events) if index is None else check_index(index, len(images))
            self._draw_slice(index, images.images, truth, guess, events, ax)
            return self
        if index is not None:
            index = check_index(index, len(images))
            events = [(n, event) for n, event in events if event.image == index]
            if not events:
                raise InvalidInputError(f"index must be a slice with an event; {index} has none.")
        self._draw_zooms(images.images, truth, guess, events[:max_events], ax)
        return self

    def _membranes(self, given: Any, name: str, ignore_label: Any, sizes: Any) -> list[Any]:
        """Give codes of membrane, and the label images where such are given, else None."""
        arrays = [np.asarray(array) for array in given]
        check_same_sizes(sizes, [array.shape for array in arrays], names=("X", name))
        values = set().union(*(np.unique(array).tolist() for array in arrays))
        if len(values - {ignore_label, -1}) <= 2:
            codes = encode_masks(
                list(arrays),
                membrane_label=self.membrane_label,
                ignore_label=ignore_label,
                name=name,
            ).masks
            return [(code, None) for code in codes]
        if any(array.dtype.kind not in "iu" for array in arrays):
            raise InvalidTypeError(
                f"{name} must hold masks of two values, or label images of integers; got "
                f"{len(values)} values of dtype {arrays[0].dtype}."
            )
        return [(walls_of(array), array) for array in arrays]

    def _sorted_events(self, sizes: list[tuple[int, int]]) -> list[tuple[int, Any]]:
        for event in self.events:
            check_event(event, sizes)
        return list(enumerate(sorted(self.events, key=lambda event: -event.area), start=1))

    def _draw_zooms(
        self, images: Any, truth: Any, guess: Any, events: list[tuple[int, Any]], ax: Any
    ) -> None:
        axs = make_panels(ax, len(events), n_columns=_COLUMNS, lines=2, legend=True, pictures=True)
        size = size_in_nm(self.pixel_size, self.unit)
        for panel, (number, event) in zip(axs, events, strict=True):
            i = event.image
            codes, guessed = truth[i][0], guess[i][0]
            bright = cells_of(event, truth[i], guess[i])
            cut = cut_around(event.bbox, codes.shape)
            grey = grey_of(images[i], f"X[{i}]")
            picture = paint_agreement(grey[cut], codes[cut], guessed[cut], bright[cut])
            show_picture(panel, picture, self._title(number, event, size), size)
            panel.spines[:].set(color=EVENTS[event.kind], linewidth=1.5)
        self._finish(ax, axs)

    def _draw_slice(
        self, index: int, images: Any, truth: Any, guess: Any, events: Any, ax: Any
    ) -> None:
        patches = import_optional("matplotlib.patches", extra="plot", purpose="Drawing")
        grey = grey_of(images[index], f"X[{index}]")
        picture = paint_agreement(grey, truth[index][0], guess[index][0])
        height, width = grey.shape
        panel = make_axes(ax, 3.3 * height / width + 0.4)
        shown = [(number, event) for number, event in events if event.image == index]
        counts = Counter(event.kind for _, event in shown)
        title = f"slice {index}: {_count(counts, 'merge')}, {_count(counts, 'split')}"
        show_picture(panel, picture, title, size_in_nm(self.pixel_size, self.unit))
        for number, event in shown:
            top, left, bottom, right = event.bbox
            # Lines tell the kinds apart without colours, too.
            line = "-" if event.kind == "merge" else "--"
            panel.add_patch(
                patches.Rectangle(
                    (left - 0.5, top - 0.5), right - left, bottom - top,
                    fill=False, edgecolor=EVENTS[event.kind], linewidth=1.2, linestyle=line,
                )
            )  # fmt: skip
            panel.annotate(
                str(number),
                # Numbers stay inside the picture.
                (right - 1, top) if left > 0.9 * width else (left, top),
                xytext=(0, -1),
                textcoords="offset points",
                ha="right" if left > 0.9 * width else "left",
                va="top",
                fontsize=FONT,
                color="black",
                bbox={"boxstyle": "square,pad=0.1", "facecolor": EVENTS[event.kind], "lw": 0},
            )
        self._finish(ax, [panel])

    def _title(self, number: int, event: Any, size: float | None) -> str:
        if event.kind == "merge":
            what = f"merge of {len(event.true_labels)}"
        else:
            what = f"split into {len(event.predicted_labels)}"
        return f"{number}: {what}\nslice {event.image}, {say_area(event.area, size)}"

    def _finish(self, ax: Any, axs: list[Any]) -> None:
        wrong = [(name, colour) for name, colour in AGREEMENT.items() if "false" in name]
        names = {"false positive": "invented membrane", "false negative": "missed membrane"}
        entries = [(names[name], colour) for name, colour in wrong]
        entries.insert(0, ("right", AGREEMENT["true positive"]))
        add_colour_legend(ax, axs, entries)
        self.axs_, self.ax_, self.figure_ = axs, axs[0], axs[0].figure


def _slice_of(events: list[tuple[int, Any]]) -> int:
    """The slice with most events; the first one where there are none."""
    counts = Counter(event.image for _, event in events)
    return int(counts.most_common(1)[0][0]) if counts else 0


def _count(counts: Counter[str], kind: str) -> str:
    n = counts[kind]
    return f"{n} {kind}" if n == 1 else f"{n} {kind}s"

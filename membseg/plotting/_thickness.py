"""How thick membranes are, as a distribution."""

from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.plotting._colours import BLUE, ORANGE
from membseg.plotting._look import FONT, make_axes, open_frame
from membseg.plotting._slices import encode_prediction, encode_truth
from membseg.quality import MembraneThickness, membrane_thickness

#: Widths of bars, in pixels: local thickness is good to about half a pixel.
_STEP = 0.5
#: Widths beyond this quantile are gathered in the last bar: junctions may be very wide.
_LAST = 0.99


class ThicknessDisplay:
    """Share of the membranes' length against local thickness, with the median.

    Parameters
    ----------
    thickness : list of MembraneThickness
        As from :func:`membseg.quality.membrane_thickness`; the images are taken together.
    reference : list of MembraneThickness or None, default=None
        Those of other masks to compare with, such as the true ones.
    names : tuple of two str, default=("predicted", "true")
        What `thickness` and `reference` are.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        Its figure.

    Examples
    --------
    >>> from membseg import make_membranes
    >>> from membseg.plotting import ThicknessDisplay
    >>> X, y = make_membranes(2, 48, 48, random_state=0)
    >>> display = ThicknessDisplay.from_predictions(y, pixel_size=4.0)
    >>> display.ax_.get_xlabel()
    'membrane thickness (nm)'
    """

    def __init__(
        self,
        thickness: list[MembraneThickness],
        *,
        reference: list[MembraneThickness] | None = None,
        names: tuple[str, str] = ("predicted", "true"),
    ) -> None:
        self.thickness = thickness
        self.reference = reference
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        pixel_size: float | None = None,
        unit: str = "nm",
        expected: tuple[float, float] | None = None,
        ax: Any = None,
    ) -> "ThicknessDisplay":
        """Predict, measure and draw.

        Parameters
        ----------
        estimator : segmenter
            Fitted; a pipeline or search around one will do.
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images.
        y : array-like of shape (n_images, height, width), list of arrays, or None, default=None
            True masks to compare with.
        pixel_size : float or None, default=None
            Side of a pixel in `unit`; with it, thickness is in nanometres.
        unit : str, default="nm"
            Unit of `pixel_size`.
        expected : tuple (low, high) or None, default=None
            The thickness that is expected, in nanometres, or in pixels without `pixel_size`.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        ThicknessDisplay
            The display, drawn.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If images, masks, sizes or `expected` cannot be used.
        """
        return cls.from_predictions(
            encode_prediction(estimator, X),
            None if y is None else [(code == 1) * 1 for code in encode_truth(estimator, y)],
            pixel_size=pixel_size,
            unit=unit,
            membrane_label=1,
            expected=expected,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_pred: Any,
        y_true: Any = None,
        *,
        pixel_size: float | None = None,
        unit: str = "nm",
        membrane_label: Any = None,
        expected: tuple[float, float] | None = None,
        ax: Any = None,
    ) -> "ThicknessDisplay":
        """Measure and draw.

        Parameters
        ----------
        y_pred : array-like of shape (n_images, height, width) or list of (height, width) arrays
            Masks of two values.
        y_true : array-like of shape (n_images, height, width), list of arrays, or None, \
default=None
            Masks to compare with.
        pixel_size : float or None, default=None
            Side of a pixel in `unit`; with it, thickness is in nanometres.
        unit : str, default="nm"
            Unit of `pixel_size`.
        membrane_label : scalar or None, default=None
            The value of membrane; None takes the larger.
        expected : tuple (low, high) or None, default=None
            The thickness that is expected, in nanometres, or in pixels without `pixel_size`.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        ThicknessDisplay
            The display, drawn.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If masks, sizes or `expected` cannot be used.
        """
        measured = [
            None
            if masks is None
            else membrane_thickness(
                masks, pixel_size=pixel_size, unit=unit, membrane_label=membrane_label
            )
            for masks in (y_pred, y_true)
        ]
        display = cls(measured[0] or [], reference=measured[1])
        return display.plot(expected=expected, ax=ax)

    def plot(
        self,
        *,
        unit: str | None = None,
        expected: tuple[float, float] | None = None,
        ax: Any = None,
    ) -> "ThicknessDisplay":
        """Draw the distribution.

        Parameters
        ----------
        unit : {"nm", "px"} or None, default=None
            Unit of the axis; None takes nanometres where the size of a pixel is known.
        expected : tuple (low, high) or None, default=None
            The thickness that is expected, in that unit; drawn as a band.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self
            The display.

        Raises
        ------
        InvalidInputError
            If there is no membrane to draw, `unit` is another one or needs a pixel size, or
            `expected` is no range.
        MissingDependencyError
            If matplotlib is not installed.
        """
        unit = self._unit(unit)
        given = [self.thickness] + ([] if self.reference is None else [self.reference])
        parts = [_widths(one, unit) for one in given]
        if not any(part.size for part in parts):
            raise InvalidInputError("thickness must hold membranes; got none in any of its masks.")
        step = _STEP * (1.0 if unit == "px" else float(self.thickness[0].pixel_size or 1.0))
        # Half a step off, so that bars lie around 1, 1.5, 2, ... pixels.
        last = max(np.quantile(part, _LAST) for part in parts if part.size)
        edges = np.arange(step / 2, last + 2 * step, step)
        ax = make_axes(ax, 2.1)
        for widths, name, colour in zip(parts, self.names, (BLUE, ORANGE), strict=False):
            self._draw(ax, widths, edges, name, colour, unit)
        if expected is not None:
            low, high = _check_expected(expected)
            label = f"expected, {low:g} to {high:g} {unit}"
            ax.axvspan(low, high, color="0.9", zorder=0, label=label)
        ax.set(xlabel=f"membrane thickness ({unit})", ylabel="share of the length (%)")
        ax.set_xlim(left=0)
        ax.legend(frameon=False, fontsize=FONT)
        open_frame(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _unit(self, unit: str | None) -> str:
        known = self.thickness and all(one.pixel_size is not None for one in self.thickness)
        if unit is None:
            return "nm" if known else "px"
        if unit not in ("nm", "px"):
            raise InvalidInputError(f"unit must be 'nm', 'px' or None; got {unit!r}.")
        return unit

    def _draw(
        self, ax: Any, widths: np.ndarray, edges: np.ndarray, name: str, colour: str, unit: str
    ) -> None:
        if not widths.size:
            ax.plot([], [], color=colour, label=f"{name}, no membrane")
            return
        counts, _ = np.histogram(np.minimum(widths, edges[-1]), bins=edges)
        median = float(np.median(widths))
        label = f"{name}, median {median:.3g} {unit}"
        # What is compared with is dashed, so that grey prints tell them apart.
        line = "-" if colour == BLUE else "--"
        shares = 100 * counts / widths.size
        ax.stairs(shares, edges, color=colour, linewidth=1.2, linestyle=line, label=label)
        if colour == BLUE:
            ax.stairs(shares, edges, color=colour, alpha=0.2, fill=True)
        ax.axvline(median, color=colour, linewidth=1, linestyle=line)


def _widths(measured: list[MembraneThickness], unit: str) -> np.ndarray:
    parts = [one.widths if unit == "px" else one.widths_nm for one in measured]
    return np.concatenate(parts) if parts else np.zeros(0)


def _check_expected(expected: Any) -> tuple[float, float]:
    try:
        low, high = (float(value) for value in expected)
    except (TypeError, ValueError):
        low = high = float("nan")
    if not 0 <= low < high:
        raise InvalidInputError(
            "expected must be a range (low, high) of two numbers, 0 <= low < high; got "
            f"{expected!r}."
        )
    return low, high

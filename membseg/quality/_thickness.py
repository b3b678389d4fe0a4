"""How thick membranes are, everywhere along them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.quality._inputs import as_membranes, check_pixel_size, need_pixel_size
from membseg.quality._trace import Trace, trace_membranes


@dataclass(frozen=True, eq=False)
class MembraneThickness:
    """Local thickness along the membranes of one mask; from :func:`membrane_thickness`.

    Attributes
    ----------
    widths : ndarray of shape (n_places,), float64
        Thickness in pixels at each pixel of the membranes' middle lines.
    places : ndarray of shape (n_places, 2), int64
        Row and column of these pixels.
    pixel_size : float or None
        Side of a pixel in nanometres, None where it was not given.
    """

    widths: np.ndarray
    places: np.ndarray
    pixel_size: float | None = None

    @property
    def widths_nm(self) -> np.ndarray:
        """The widths in nanometres, ndarray of shape (n_places,)."""
        return self.widths * need_pixel_size(self.pixel_size, "a thickness in nanometres")

    @property
    def median(self) -> float:
        """Median width in pixels; NaN where there is no membrane."""
        return self.quantile(0.5)

    @property
    def median_nm(self) -> float:
        """Median width in nanometres; NaN where there is no membrane."""
        return self.median * need_pixel_size(self.pixel_size, "a thickness in nanometres")

    def quantile(self, q: float) -> float:
        """Give a quantile of the widths.

        Parameters
        ----------
        q : float
            In [0, 1].

        Returns
        -------
        float
            Width in pixels; NaN where there is no membrane.
        """
        return float(np.quantile(self.widths, q)) if self.widths.size else float("nan")


def membrane_thickness(
    masks: Any,
    *,
    pixel_size: float | None = None,
    unit: str = "nm",
    membrane_label: Any = None,
) -> list[MembraneThickness]:
    """Measure how thick the membranes of masks are, at every place along them.

    Parameters
    ----------
    masks : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks of two values, predicted or drawn.
    pixel_size : float or None, default=None
        Side of a pixel in `unit`; needed for nanometres only.
    unit : str, default="nm"
        Unit of `pixel_size`: "nm", "um", "mm", "angstrom", ...
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger.

    Returns
    -------
    list of MembraneThickness
        The distribution of each mask; without places where all pixels are membrane, or none.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `masks` are no masks of two values, or `pixel_size` or `unit` cannot be used.

    Notes
    -----
    The width at a pixel of the skeleton is the distance from the nearest cell pixel on one side to
    the nearest straight across, less one (0.8 where that is no axis); the mean over the skeleton's
    pixels in 5 x 5 pixels is taken. It is exact for lines along the axes, and true to about half a
    pixel for slanted and bent ones. At junctions it is the width of the junction. Membranes that
    the image's edge cuts lengthwise have no width there, and their pixels are left out.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.quality import membrane_thickness
    >>> mask = np.zeros((1, 32, 32), int)
    >>> mask[0, :, 12:17] = 1
    >>> (thickness,) = membrane_thickness(mask, pixel_size=4.0)
    >>> thickness.median, thickness.median_nm
    (5.0, 20.0)
    """
    size = check_pixel_size(pixel_size, unit)
    membranes = as_membranes(masks, membrane_label=membrane_label)
    return [thickness_of(trace_membranes(membrane), size) for membrane in membranes]


def thickness_of(trace: Trace, pixel_size: float | None = None) -> MembraneThickness:
    """Thickness along middle lines that are found already."""
    whole = trace.skeleton & (trace.width / 2 <= trace.edge_distance)
    return MembraneThickness(trace.width[whole], np.argwhere(whole), pixel_size)

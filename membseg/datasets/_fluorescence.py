"""Painting of packed cells as fluorescence images of a membrane marker."""

import numpy as np
from scipy.ndimage import gaussian_filter

from membseg.datasets._fields import SmoothField
from membseg.datasets._packing import CellPacking

#: Standard deviation of a membrane's line, as a share of the labelled width.
_CORE = 0.35


class FluorescencePainter:
    """Slices of packed cells as a fluorescent membrane marker shows them: bright on dark.

    Parameters
    ----------
    packing : CellPacking
        The cells.
    shape : tuple of (height, width)
        Size of the slices, in pixels.
    membrane_width : float
        Width of the membrane's label, in pixels.
    difficulty : float in [0, 1]
        Unevenness of the staining, out-of-focus light and shot noise.
    thickness : float
        The optical section's thickness, in pixels.
    rng : numpy.random.Generator
        Source of randomness.
    """

    def __init__(
        self,
        packing: CellPacking,
        shape: tuple[int, int],
        *,
        membrane_width: float,
        difficulty: float,
        thickness: float,
        rng: np.random.Generator,
    ) -> None:
        self._packing = packing
        self._shape = shape
        self._width = membrane_width
        self._difficulty = difficulty
        self._thickness = thickness
        self._rng = rng
        self._cytoplasm = rng.gamma(4.0, 0.25, len(packing.radii) + 1)
        scales = {"staining": 4.5, "light": 45.0, "focus": 30.0}
        self._fields = {
            name: SmoothField(scale * membrane_width, rng) for name, scale in scales.items()
        }

    def paint(self, z: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Paint one optical section.

        Parameters
        ----------
        z : float
            Position of the section's middle, in pixels.

        Returns
        -------
        image : ndarray of shape (height, width), uint8
            Grey levels; membranes are bright.
        mask : ndarray of shape (height, width), bool
            True on membrane.
        cells : ndarray of shape (height, width), int64
            Cell ids, from 1.
        """
        difficulty, rng = self._difficulty, self._rng
        cut = self._packing.cut(z, self._thickness)
        # Each border has its own amount of marker, which also varies along it.
        log_amount = 1.6 * (cut.pair - 0.5) + 0.5 * self._plane("staining", z)
        amount = np.exp(difficulty * log_amount)
        core = _CORE * self._width + 0.15 * difficulty * cut.smear
        signal = amount * np.exp(-0.5 * (cut.distance / core) ** 2)
        out_of_focus = gaussian_filter(signal, 2.2 * self._width)
        signal += difficulty * (1.2 + 0.4 * self._plane("focus", z)) * out_of_focus
        signal += 0.08 + 0.12 * difficulty * self._cytoplasm[cut.cells]
        signal += self._puncta()
        signal *= np.exp(0.4 * difficulty * self._plane("light", z))
        signal = gaussian_filter(signal, 0.2 * self._width)
        photons = 400.0 * 0.02**difficulty
        recorded = rng.poisson(np.maximum(signal, 0.0) * photons) / photons
        recorded = gaussian_filter(recorded, 0.5)
        gain = 230.0 * (1.0 + 0.25 * difficulty * rng.uniform(-1.0, 1.0))
        image = np.clip(np.rint(8.0 + gain * recorded), 0, 255).astype(np.uint8)
        return image, cut.distance < 0.5 * self._width, cut.cells

    def _plane(self, name: str, z: float) -> np.ndarray:
        return self._fields[name].plane(*self._shape, z)

    def _puncta(self) -> np.ndarray:
        """Bright spots of marker that belong to no border."""
        rarity = 60.0 * self._width**2
        hits = self._rng.random(self._shape) < self._difficulty / rarity
        spots = gaussian_filter(hits * self._rng.gamma(2.0, 0.5, self._shape), 0.27 * self._width)
        return spots * (0.75 * self._width) ** 2

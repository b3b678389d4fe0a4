"""Painting of packed cells as serial-section electron micrographs."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.signal import oaconvolve
from scipy.spatial import cKDTree
from scipy.special import erf

from membseg.datasets._fields import SmoothField, smooth_noise
from membseg.datasets._packing import CellPacking, PackedSlice

#: Grey levels, chosen so that finished slices match the ISBI 2012 training slices (4 nm pixels):
#: cytoplasm far from any membrane has the median 150 there, membrane cores 60 to 90.
_CYTOPLASM = 160.0
_MEMBRANE_DEPTH = 106.0
#: Standard deviation of the membrane's profile, as a share of the labelled width.
_CORE = 0.36
#: Where a membrane smears over more than the first of these label widths, the expert's line
#: widens by the second of what is above, up to the third in label widths.
_LABEL_SMEAR, _LABEL_WIDENING, _LABEL_WIDENING_MAX = 1.0, 0.35, 1.0


@dataclass(frozen=True)
class _Mitochondria:
    """Ellipsoids in the packing's own coordinates, one row each."""

    centres: np.ndarray
    axes: np.ndarray
    angles: np.ndarray
    levels: np.ndarray


class ElectronPainter:
    """Slices of packed cells as transmission electron microscopy shows them.

    Parameters
    ----------
    packing : CellPacking
        The cells.
    shape : tuple of (height, width)
        Size of the slices, in pixels.
    membrane_width : float
        Width of the membrane's label, in pixels.
    difficulty : float in [0, 1]
        0.5 for the contrast, noise and clutter of ISBI 2012.
    thickness : float
        The section's thickness, in pixels.
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
        n_cells = len(packing.radii) + 1
        dark = rng.random(n_cells) < 0.1
        self._level = _CYTOPLASM + rng.normal(0.0, 10.0, n_cells) - 28.0 * dark
        self._grain = rng.gamma(20.0, 1.0 / 20.0, n_cells) + 0.3 * dark
        self._vesicles = rng.gamma(0.8, 1.25, n_cells)
        self._mitochondria = _place_mitochondria(packing, difficulty, rng)
        #: Length unit of the fields: organelles and stains scale with the membrane, not the cell.
        unit = membrane_width / 6.0
        scales = {"contrast": 20, "stain": 28, "light": 170, "haze": 45, "tubes": 7, "gate": 40}
        self._fields = {
            name: SmoothField(scale * unit, rng, n_waves=96 if name == "tubes" else 48)
            for name, scale in scales.items()
        }
        self._unit = unit

    def paint(self, z: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Paint one section.

        Parameters
        ----------
        z : float
            Position of the section's middle, in pixels.

        Returns
        -------
        image : ndarray of shape (height, width), uint8
            Grey levels; membranes are dark.
        mask : ndarray of shape (height, width), bool
            True on membrane.
        cells : ndarray of shape (height, width), int64
            Cell ids, from 1.
        """
        cut = self._packing.cut(z, self._thickness)
        smear = cut.smear * (0.4 + 0.8 * self._difficulty)
        image = self._interior(cut, z)
        image = self._membranes(image, cut, smear, z)
        image = self._camera(image, z)
        widening = _LABEL_WIDENING * (smear - _LABEL_SMEAR * self._width)
        widening = np.clip(widening, 0.0, _LABEL_WIDENING_MAX * self._width)
        mask = cut.distance < 0.5 * (self._width + widening)
        return image, mask, cut.cells

    def _plane(self, name: str, z: float) -> np.ndarray:
        return self._fields[name].plane(*self._shape, z)

    def _interior(self, cut: PackedSlice, z: float) -> np.ndarray:
        clutter = 0.5 + self._difficulty
        unit = self._unit
        image = self._level[cut.cells] + 11.0 * self._plane("haze", z)
        grain = 27.0 * self._grain[cut.cells] * clutter
        image += grain * smooth_noise(self._shape, 0.9 * unit, self._rng)
        image += 0.4 * grain * smooth_noise(self._shape, 3.0 * unit, self._rng)
        inside = cut.distance > self._width
        image += clutter * self._small_organelles(cut, inside, z)
        # Tubules and endoplasmic reticulum: thin lines where a band-limited field crosses zero.
        lines = np.exp(-((self._plane("tubes", z) / 0.16) ** 2))
        open_gate = np.clip(self._plane("gate", z) - 0.6, 0.0, 1.0)
        image -= 65.0 * clutter * lines * open_gate * inside
        return self._paint_mitochondria(image, cut, z)

    def _small_organelles(self, cut: PackedSlice, inside: np.ndarray, z: float) -> np.ndarray:
        """Vesicles (rings) and granules (dots), in clusters, by convolution with templates."""
        crowd = np.exp(0.6 * self._plane("stain", z)) * self._vesicles[cut.cells] * inside
        crowd = np.minimum(crowd, 1.8)
        total = np.zeros(self._shape)
        # Radius (px at 4 nm), ring width, amplitude, and one in so many pixels.
        kinds = ((2.8, 1.0, 55, 700), (4.2, 1.2, 60, 700), (7.0, 1.5, 60, 5000), (0, 1.6, 65, 800))
        for radius, width, depth, rarity in kinds:
            radius, width = radius * self._unit, width * self._unit
            hits = self._rng.random(self._shape) < crowd / (rarity * self._unit**2)
            amplitude = hits * depth * self._rng.uniform(0.3, 1.5, self._shape)
            total -= oaconvolve(amplitude, _ring(radius, width), mode="same")
        # Where they overlap they are no darker than one of them.
        return 75.0 * np.tanh(total / 75.0) * inside

    def _paint_mitochondria(self, image: np.ndarray, cut: PackedSlice, z: float) -> np.ndarray:
        mito = self._mitochondria
        if not len(mito.centres):
            return image
        rows, columns = cut.coordinates
        points = np.column_stack([rows.ravel(), columns.ravel()])
        nearest = cKDTree(mito.centres[:, 1:]).query(points)[1].reshape(self._shape)
        dy, dx = rows - mito.centres[nearest, 1], columns - mito.centres[nearest, 2]
        cos, sin = np.cos(mito.angles[nearest]), np.sin(mito.angles[nearest])
        along, across = dx * cos + dy * sin, dy * cos - dx * sin
        a, b, c = (mito.axes[nearest, i] for i in range(3))
        dz = (z * self._packing.z_scale - mito.centres[nearest, 0]) / c
        q = np.sqrt((along / a) ** 2 + (across / b) ** 2 + dz**2)
        depth = (1.0 - q) * b  # about the distance from the rim, in pixels
        room = cut.distance - 0.9 * self._width
        depth = np.minimum(depth, room)
        unit = self._unit
        inside = 1.0 / (1.0 + np.exp(-np.clip(depth / (0.8 * unit), -30.0, 30.0)))
        waves = along * 1.15 / unit + 2.0 * self._plane("contrast", z)
        cristae = np.sin(waves) * 14.0 + 20.0 * smooth_noise(self._shape, 0.9 * unit, self._rng)
        rim = np.exp(-((depth / (1.3 * unit)) ** 2))
        body = mito.levels[nearest] + cristae
        clutter = min(1.0, 0.5 + self._difficulty)
        image = image + clutter * inside * (body - image)
        return image - 30.0 * clutter * rim * (depth > -3.0 * unit)

    def _membranes(
        self, image: np.ndarray, cut: PackedSlice, smear: np.ndarray, z: float
    ) -> np.ndarray:
        difficulty, unit = self._difficulty, self._unit
        core = _CORE * self._width * (0.85 + 0.3 * cut.pair)
        profile = _smeared_profile(cut.distance, core, smear)
        fading = np.exp(0.4 * difficulty * self._plane("contrast", z) - 0.1 * difficulty)
        depth = _MEMBRANE_DEPTH * (1.15 - 0.3 * difficulty) * np.clip(fading, 0.3, 1.25)
        image = image - depth * profile * image / _CYTOPLASM
        # Synapses: dark deposits on one side of some borders, at some places along them.
        one_side = np.where(cut.cells % 2, 1.0, 0.25) * (cut.pair < 0.2)
        synaptic = one_side * np.clip(self._plane("stain", z) - 0.2, 0.0, 1.5)
        deposit = np.exp(-cut.distance / (5.0 * unit)) * synaptic
        stain = 80.0 * gaussian_filter(deposit, 2.0 * unit) * (0.5 + difficulty)
        blotch = np.clip(self._plane("gate", z) - 2.0, 0.0, 1.0) * 110.0 * difficulty
        return image - stain - blotch

    def _camera(self, image: np.ndarray, z: float) -> np.ndarray:
        rng, difficulty = self._rng, self._difficulty
        image = image + 14.0 * difficulty * self._plane("light", z)
        # Part of the real slices were low-pass filtered after recording, part were not.
        filtered = rng.random() < 0.5
        optics, readout = rng.uniform(0.45, 0.7), rng.uniform(0.65, 0.8)
        image = gaussian_filter(image, optics * self._unit)
        image = image + 28.0 * (0.4 + 1.2 * difficulty) * rng.normal(size=self._shape)
        image = gaussian_filter(image, readout if filtered else 0.5)
        gain = 1.0 + 0.3 * difficulty * rng.uniform(-1.0, 1.0)
        offset = 30.0 * difficulty * rng.uniform(-1.0, 1.0)
        image = (image - 135.0) * gain + 135.0 + offset
        return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _smeared_profile(distance: np.ndarray, core: np.ndarray, smear: np.ndarray) -> np.ndarray:
    """A Gaussian line of standard deviation `core`, averaged over a shift of `smear` pixels.

    A section shows the projection through its thickness, so that a tilted membrane of height 1
    becomes a band: wide and pale.
    """
    half = np.maximum(0.5 * smear, 0.05)
    root = np.sqrt(2.0) * core
    area = core * np.sqrt(np.pi / 2.0)
    band = erf((distance + half) / root) - erf((distance - half) / root)
    return area * band / (2.0 * half)


def _ring(radius: float, width: float) -> np.ndarray:
    """A ring of height 1 with a Gaussian cross-section; a dot where the radius is 0."""
    reach = int(np.ceil(radius + 2.5 * width))
    away = np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1])
    return np.exp(-0.5 * ((away - radius) / (0.8 * width)) ** 2)


def _place_mitochondria(
    packing: CellPacking, difficulty: float, rng: np.random.Generator
) -> _Mitochondria:
    roomy = packing.radii > 0.6 * np.median(packing.radii) + 8.0
    chosen = np.flatnonzero(roomy & (rng.random(len(roomy)) < 0.25 + 0.5 * difficulty))
    radii, n = packing.radii[chosen], len(chosen)
    shift = rng.normal(size=(n, 3)) * 0.25 * radii[:, None]
    short = np.minimum(radii * rng.uniform(0.3, 0.6, n), 26.0)
    axes = np.column_stack([short * rng.uniform(1.0, 2.0, n), short, short * 1.6])
    return _Mitochondria(
        centres=packing.centres[chosen] + shift,
        axes=axes,
        angles=rng.uniform(0.0, np.pi, n),
        levels=rng.normal(94.0, 12.0, n),
    )

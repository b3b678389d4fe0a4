"""Cells that fill a volume: a warped power diagram of packed balls, cut slice by slice."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.spatial import cKDTree

from membseg.datasets._fields import SmoothField

#: Smallest and largest ball, as multiples of the mean cell diameter.
_DIAMETERS = (0.3, 4.0)
_N_SIZES = 9
#: Mean diameter of the packed balls in a slice, over that of the cells they make in the end.
_BALL_TO_CELL = 1.2
#: Share of the volume that balls of the drawn sizes are meant to fill; the rest stays gaps.
_FILLING = 0.55
#: Longest smear of an oblique membrane, in section thicknesses.
_MAX_SMEAR = 3.0


@dataclass(frozen=True)
class PackedSlice:
    """One cut through the packing; arrays have the shape (height, width).

    Attributes
    ----------
    cells : ndarray, int64
        Cell ids, from 1.
    distance : ndarray, float64
        Distance to the nearest border between two cells, in pixels.
    smear : ndarray, float64
        How far the nearest border moves sideways within the section's thickness, in pixels:
        0 where it stands upright, large where it is cut obliquely.
    pair : ndarray, float64 in [0, 1)
        A number of its own for each pair of neighbouring cells, at the nearest border.
    coordinates : tuple of two ndarrays
        Row and column in the packing's own, unwarped space, in pixels.
    """

    cells: np.ndarray
    distance: np.ndarray
    smear: np.ndarray
    pair: np.ndarray
    coordinates: tuple[np.ndarray, np.ndarray]


class CellPacking:
    """Cells of many sizes that fill a volume without gaps.

    Balls are packed by random sequential addition, largest first; each pixel belongs to the ball
    of the smallest power distance, in coordinates warped by smooth displacements. Some balls
    are merged with a neighbour, which makes cells that are not convex.

    Parameters
    ----------
    shape : tuple of (height, width)
        Size of the slices, in pixels.
    depth : float
        Extent in z, in pixels.
    cell_size : float
        Mean diameter of the cells in a slice (of the circle of the same area, up to the middle of
        the membranes), in pixels.
    largest : float
        Upper limit of the balls' diameters, in pixels.
    spread : float
        Standard deviation of the logarithm of the diameters; 0 for equal cells.
    wiggle : float
        Strength of the warp; 0 for straight borders, 1 for those of neurites.
    merge : float in [0, 1]
        Share of the balls that are joined to a neighbour.
    z_scale : float
        Pixels in z are multiplied by this: below 1, cells run along z.
    rng : numpy.random.Generator
        Source of randomness.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        depth: float,
        cell_size: float,
        *,
        largest: float,
        spread: float,
        wiggle: float,
        merge: float,
        z_scale: float,
        rng: np.random.Generator,
    ) -> None:
        self._shape = shape
        self.z_scale = z_scale
        self._cell_size = cell_size
        margin = 1.5 * cell_size
        box = np.array([depth * z_scale, *shape]) + 2 * margin
        sizes = _size_classes(_BALL_TO_CELL * cell_size, spread, largest)
        centres, self.radii = _pack_balls(box, sizes, rng)
        self.centres = centres - margin
        self.ids = _merge_neighbours(self.centres, self.radii, merge, rng)
        # Each octave is (scale, amplitude) in cell diameters; amplitude / scale stays below 0.3
        # or the warp would fold.
        octaves = ((2.9, 0.48), (0.85, 0.17), (0.3, 0.06))
        self._warps = [
            (
                wiggle * amplitude * cell_size,
                [SmoothField(scale * cell_size, rng) for _ in range(2)],
            )
            for scale, amplitude in octaves
        ]

    def cut(self, z: float, thickness: float) -> PackedSlice:
        """Cut one section.

        Parameters
        ----------
        z : float
            Position of the section's middle, in pixels.
        thickness : float
            The section's thickness, in pixels: sets how wide an oblique membrane smears.

        Returns
        -------
        PackedSlice
            Cells and distances.
        """
        rows, columns = self._warped(z)
        owners = self._owners(rows, columns, z * self.z_scale)
        cells = self.ids[owners]
        border, across = _borders(cells, owners)
        smear, pair = self._border_values(owners[border], across[border])
        distance, smear_map, pair_map = _spread_from(border, smear * thickness, pair)
        smear_map = np.minimum(smear_map, _MAX_SMEAR * thickness)
        return PackedSlice(
            cells=cells + 1,
            distance=distance,
            # Neighbouring facets differ in tilt; a real membrane bends over smoothly.
            smear=gaussian_filter(smear_map, 2.0, mode="nearest"),
            pair=pair_map,
            coordinates=(rows, columns),
        )

    def _warped(self, z: float) -> tuple[np.ndarray, np.ndarray]:
        height, width = self._shape
        rows, columns = np.mgrid[:height, :width].astype(np.float64)
        for amplitude, (in_rows, in_columns) in self._warps:
            if amplitude:
                rows += amplitude * in_rows.plane(height, width, z)
                columns += amplitude * in_columns.plane(height, width, z)
        return rows, columns

    def _owners(self, rows: np.ndarray, columns: np.ndarray, z: float) -> np.ndarray:
        """Index of the ball that owns each pixel."""
        in_z = self.centres[:, 0] - z
        # Power distance d**2 - r**2 as an ordinary distance with one more axis.
        height_sq = in_z**2 - self.radii**2
        lift = np.sqrt(height_sq - height_sq.min())
        # Balls lifted higher than this own no pixel of the slice: a smaller tree to search.
        near = np.flatnonzero(lift**2 < (4.0 * self._cell_size) ** 2 - height_sq.min())
        sites = np.column_stack([self.centres[near, 1:], lift[near]])
        points = np.column_stack([rows.ravel(), columns.ravel(), np.zeros(rows.size)])
        _, nearest = cKDTree(sites).query(points)
        return near[nearest].reshape(rows.shape)

    def _border_values(self, one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sideways shift per unit of z, and a number in [0, 1), of each border pixel's facet."""
        step = self.centres[one] - self.centres[other]
        # The power difference of two balls is linear with this gradient, so the facet is flat.
        slope = np.abs(step[:, 0]) * self.z_scale / np.maximum(np.hypot(*step.T[1:]), 1e-6)
        low, high = np.minimum(self.ids[one], self.ids[other]), self.ids[one] + self.ids[other]
        pair = np.modf(np.sin(low * 12.9898 + high * 78.233) * 43758.5453)[0]
        return slope, np.abs(pair)


def _pack_balls(
    box: np.ndarray, sizes: tuple[np.ndarray, np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Centres (n, 3) and radii of balls that hardly overlap, largest first."""
    diameters, shares = sizes
    volume = float(np.prod(box))
    centres, radii = np.empty((0, 3)), np.empty(0)
    for diameter, share in zip(diameters, shares, strict=True):
        wanted = rng.poisson(_FILLING * share * volume / (np.pi / 6.0 * diameter**3))
        candidates = rng.uniform(size=(4 * wanted, 3)) * box
        candidates = _drop_overlaps(candidates, diameter / 2.0, centres, radii)[:wanted]
        centres = np.concatenate([centres, candidates])
        radii = np.concatenate([radii, np.full(len(candidates), diameter / 2.0)])
    if len(centres) < 2:
        # A volume smaller than one cell still needs a border.
        extra = rng.uniform(size=(2, 3)) * box
        centres = np.concatenate([centres, extra])
        radii = np.concatenate([radii, np.full(2, diameters[-1] / 2.0)])
    return centres, radii


def _size_classes(mean: float, spread: float, largest: float) -> tuple[np.ndarray, np.ndarray]:
    """Ball diameters, descending, and their shares of the volume.

    Weighting by area moves the median of lognormal diameters from ``mean * exp(-spread**2 / 2)``
    to ``mean * exp(1.5 * spread**2)``.
    """
    mean = min(mean, largest)
    if spread == 0:
        return np.array([mean]), np.ones(1)
    low, high = _DIAMETERS
    diameters = np.geomspace(min(high * mean, largest), low * mean, _N_SIZES)
    middle = np.log(mean) + 1.5 * spread**2
    shares = np.exp(-0.5 * ((np.log(diameters) - middle) / spread) ** 2)
    return diameters, shares / shares.sum()


def _drop_overlaps(
    candidates: np.ndarray, radius: float, centres: np.ndarray, radii: np.ndarray
) -> np.ndarray:
    """Candidates that keep clear of the placed balls and of each other."""
    tolerance = 0.9
    for size in np.unique(radii):
        if len(candidates) == 0:
            break
        tree = cKDTree(centres[radii == size])
        gap, _ = tree.query(candidates)
        candidates = candidates[gap > tolerance * (radius + size)]
    if len(candidates) < 2:
        return candidates
    pairs = cKDTree(candidates).query_pairs(2.0 * tolerance * radius, output_type="ndarray")
    keep = np.ones(len(candidates), dtype=bool)
    for first, second in pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]:
        if keep[first]:
            keep[second] = False
    return candidates[keep]


def _merge_neighbours(
    centres: np.ndarray, radii: np.ndarray, share: float, rng: np.random.Generator
) -> np.ndarray:
    """Cell id of each ball: its own, or for some that of a neighbour."""
    ids = np.arange(len(centres))
    if share == 0:
        return ids
    joined = np.flatnonzero(rng.random(len(centres)) < share)
    k = min(6, len(centres))
    distances, neighbours = cKDTree(centres).query(centres[joined], k=k)
    gaps = distances[:, 1:] - radii[neighbours[:, 1:]]
    nearest = neighbours[np.arange(len(joined)), 1 + gaps.argmin(axis=1)]
    ids[joined] = ids[nearest]
    return ids


def _borders(cells: np.ndarray, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels on either side of a border between cells, and the ball across it."""
    border = np.zeros(cells.shape, dtype=bool)
    across = owners.copy()
    for axis in (0, 1):
        before = [slice(None), slice(None)]
        after = [slice(None), slice(None)]
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        one, other = tuple(before), tuple(after)
        differs = cells[one] != cells[other]
        border[one] |= differs
        border[other] |= differs
        across[one][differs] = owners[other][differs]
        across[other][differs] = owners[one][differs]
    return border, across


def _spread_from(border: np.ndarray, *values: np.ndarray) -> tuple[np.ndarray, ...]:
    """Distance to the border, and the values of the nearest border pixel, everywhere."""
    if not border.any():
        far = np.full(border.shape, float(sum(border.shape)))
        return far, *(np.zeros(border.shape) for _ in values)
    distance, nearest = distance_transform_edt(~border, return_indices=True)
    maps = []
    for value in values:
        full = np.zeros(border.shape)
        full[border] = value
        maps.append(full[tuple(nearest)])
    # The border runs half a pixel outside the pixels beside it.
    return distance + 0.5, *maps

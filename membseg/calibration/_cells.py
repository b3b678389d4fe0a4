"""A confidence for every cell of a predicted mask."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from membseg.metrics._checks import check_number
from membseg.metrics._maps import check_maps

#: Neighbours of a pixel: the four beside it, as metrics count cells.
_CROSS = ndimage.generate_binary_structure(2, 1)


@dataclass(frozen=True, eq=False)
class CellConfidence:
    """How sure the cells of one image are; from :func:`cell_confidence`.

    Attributes
    ----------
    labels : ndarray of shape (height, width), int32
        Number of the cell that each pixel belongs to, from 1; 0 is membrane.
    areas : ndarray of shape (n_cells,), int64
        Pixels of each cell; place 0 belongs to cell 1, here and below.
    interior : ndarray of shape (n_cells,), float64
        Mean probability of cell over its pixels, in [0, 1].
    wall : ndarray of shape (n_cells,), float64
        Membrane probability at the weakest point of the wall between the cell and all others, in
        [0, 1]; 1 where there is no other cell.
    """

    labels: np.ndarray
    areas: np.ndarray
    interior: np.ndarray
    wall: np.ndarray

    @property
    def confidence(self) -> np.ndarray:
        """`interior` times `wall`, ndarray of shape (n_cells,): both must be sure."""
        return self.interior * self.wall

    @property
    def order(self) -> np.ndarray:
        """Numbers of the cells, from 1, the least sure first: ndarray of shape (n_cells,)."""
        return np.argsort(self.confidence, kind="stable") + 1


def cell_confidence(y_prob: Any, *, threshold: float = 0.5) -> list[CellConfidence]:
    """Tell how sure each cell of a predicted mask is.

    A cell is doubtful where its pixels might be membrane, and where its wall has a weak point:
    there it is about to run together with its neighbour, or the wall is no membrane at all.

    Parameters
    ----------
    y_prob : float array-like of shape (n_images, height, width) or list of (height, width) arrays
        Maps of membrane probability in [0, 1].
    threshold : float, default=0.5
        Membrane probability from which a pixel is called membrane, in [0, 1]; a fitted segmenter
        has its own, ``threshold_``.

    Returns
    -------
    list of CellConfidence
        One an image, with no cells where all pixels are membrane.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If maps or `threshold` cannot be used.

    Notes
    -----
    Cells are the connected components of pixels below the threshold; pixels are connected to the
    four beside them, as in :func:`membseg.metrics.v_rand_score`. The weakest point of a wall is
    the lowest level at which a path leads from the cell to another one without a pixel of higher
    membrane probability: a threshold just above it lets the two run together [1]_. It is exact,
    and never below the threshold. A cell next to a speck has no better wall than the speck. Cells
    that have run together already share no wall, and only `interior` can tell of them.

    References
    ----------
    .. [1] Najman and Schmitt (1996), "Geodesic Saliency of Watershed Contours and Hierarchical
       Segmentation", IEEE Transactions on Pattern Analysis and Machine Intelligence 18(12),
       doi 10.1109/34.546254.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.calibration import cell_confidence
    >>> y_prob = np.array([[[0.1, 0.6, 0.1, 1.0, 0.3], [0.1, 0.9, 0.1, 1.0, 0.3]]])
    >>> (cells,) = cell_confidence(y_prob)
    >>> cells.labels[0].tolist(), cells.wall.tolist()
    ([1, 0, 2, 0, 3], [0.6, 0.6, 1.0])
    >>> cells.confidence.round(2).tolist(), cells.order.tolist()
    ([0.54, 0.54, 0.7], [1, 2, 3])
    """
    check_number(threshold, "threshold", low=0, high=1)
    return [
        _cells_of(np.asarray(prob), float(threshold)) for prob in check_maps(y_prob, name="y_prob")
    ]


def _cells_of(prob: np.ndarray, threshold: float) -> CellConfidence:
    # Cut in the map's own dtype, as segmenters do.
    labels, n_cells = ndimage.label(prob < threshold, _CROSS)
    prob = prob.astype(np.float64)
    areas = np.bincount(labels.ravel(), minlength=n_cells + 1)[1:]
    sums = np.bincount(labels.ravel(), weights=(1 - prob).ravel(), minlength=n_cells + 1)[1:]
    wall = _weakest_points(prob, labels, n_cells) if n_cells > 1 else np.ones(n_cells)
    return CellConfidence(labels, areas, sums / areas, wall)


def _weakest_points(prob: np.ndarray, labels: np.ndarray, n_cells: int) -> np.ndarray:
    """Lowest level at which each cell meets another."""
    from skimage.morphology import reconstruction
    from skimage.segmentation import watershed

    # Each pixel is raised to the level at which the flood from the cells comes there: hollows in
    # a wall would otherwise look like ways through it.
    dry = np.where(labels > 0, prob, 1.0)
    level = reconstruction(dry, prob, method="erosion", footprint=_CROSS)
    basins = watershed(level, markers=labels, connectivity=_CROSS)
    wall = np.ones(n_cells + 1)
    for axis in (0, 1):
        near, far = _neighbours(basins, axis)
        meet = near != far
        height = np.maximum(*_neighbours(level, axis))[meet]
        np.minimum.at(wall, near[meet], height)
        np.minimum.at(wall, far[meet], height)
    return wall[1:]


def _neighbours(image: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels, and those that follow them along an axis."""
    image = np.moveaxis(image, axis, 0)
    return image[:-1], image[1:]

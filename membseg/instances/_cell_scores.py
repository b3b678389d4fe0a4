"""How sure each cell of a label image is."""

from typing import Any

import numpy as np
from scipy import ndimage

from membseg.instances._maps import check_proba
from membseg.instances._pixels import neighbours
from membseg.metrics._label_images import list_label_images
from membseg.metrics._overlaps import compress
from membseg.utils import check_same_sizes


def score_cells(labels: Any, proba: Any) -> list[np.ndarray]:
    """Score cells by how sure their inside and their wall are.

    Parameters
    ----------
    labels : int array-like of shape (n_images, height, width), or list of 2-D arrays
        Label images, 0 where there is no cell.
    proba : float array-like of shape (n_images, height, width) or list of (height, width) arrays
        Maps of membrane probability in [0, 1].

    Returns
    -------
    list of ndarray of shape (n_cells,), float64
        For each image the scores of its cells, in [0, 1], in the ascending order of their numbers.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If label images or maps cannot be used, or differ in size.

    See Also
    --------
    membseg.metrics.mean_average_precision_score : What such scores are for.

    Notes
    -----
    The score is the mean probability of cell over the cell's pixels, times the mean strength of
    its wall. The strength is read where a pixel of the cell has a neighbour, over an edge, that
    belongs to another cell or to none: the largest membrane probability of the 3 x 3 pixels around
    the neighbour. A cell that fills the image has a wall of strength 1.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.instances import score_cells
    >>> proba = np.array([[[0.1, 0.1, 0.8, 0.3, 0.3, 0.3]]])
    >>> score_cells(np.array([[[1, 1, 0, 2, 2, 2]]]), proba)[0].round(2).tolist()
    [0.72, 0.56]
    """
    images = list_label_images(labels, name="labels")
    maps = check_proba(proba)
    check_same_sizes(
        [image.shape for image in images], [p.shape for p in maps], names=("labels", "proba")
    )
    return [scores_of(image, prob) for image, prob in zip(images, maps, strict=True)]


def scores_of(labels: np.ndarray, prob: np.ndarray) -> np.ndarray:
    """Scores of the cells of one image."""
    ids, codes, areas = compress(labels)
    n = len(ids) + 1
    inside = np.bincount(codes.ravel(), weights=1.0 - prob.ravel(), minlength=n)[1:] / areas
    strength = ndimage.maximum_filter(prob, size=3)
    total, count = np.zeros(n), np.zeros(n)
    for near, far, one, other in neighbours(codes, strength):
        meet = near != far
        for code, value in ((near[meet], other[meet]), (far[meet], one[meet])):
            total += np.bincount(code, weights=value, minlength=n)
            count += np.bincount(code, minlength=n)
    wall = np.divide(total, count, out=np.ones(n), where=count > 0)[1:]
    return inside * wall

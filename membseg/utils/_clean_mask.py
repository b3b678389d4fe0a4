"""Masks without gaps and specks."""

import numpy as np
from scipy import ndimage

#: Membranes are connected over corners, since cells are over edges only.
_EIGHT = np.ones((3, 3), dtype=bool)


def clean_mask(mask: np.ndarray, *, closing: int = 0, min_size: int = 0) -> np.ndarray:
    """Close gaps in a mask, then remove small parts of it.

    Gaps are closed by a line, the skeleton of the dilated mask: the usual closing by a disk would
    leave them open in walls thinner than the disk, and thicken all others.

    Parameters
    ----------
    mask : ndarray of shape (height, width), bool
        True at membrane.
    closing : int, default=0
        Radius (px) of the disk of the dilation: gaps narrower than twice that are closed. 0 closes
        none.
    min_size : int, default=0
        Parts of fewer pixels, connected over edges and corners, are removed.

    Returns
    -------
    ndarray of shape (height, width), bool
        The cleaned mask.
    """
    if closing:
        from skimage.morphology import dilation, disk, skeletonize

        mask = mask | skeletonize(dilation(mask, disk(closing)))
    if min_size > 1:
        parts, _ = ndimage.label(mask, _EIGHT)
        big = np.bincount(parts.ravel()) >= min_size
        big[0] = False
        mask = big[parts]
    return mask

"""Whether the two classes of masks look swapped, judged by their shapes alone."""

import numpy as np
from scipy.ndimage import distance_transform_edt, label

#: The network must be this many times thinner than the blobs, and its largest part hold this
#: share of it.
_THINNER, _CONNECTED = 1.1, 0.6


def looks_inverted(masks: list[np.ndarray]) -> bool:
    """Whether cells form a thin connected network and membranes form the blobs between.

    Membranes are thin and hang together, cells are thick and lie apart; masks that have it the
    other way round in most slices have likely swapped values.

    Parameters
    ----------
    masks : list of ndarray of shape (height, width), uint8
        Encoded masks: 0 cell, 1 membrane, 255 ignored.

    Returns
    -------
    bool
        True where most slices that hold both classes look swapped.
    """
    both = [mask for mask in masks if (mask == 0).any() and (mask == 1).any()]
    votes = [_is_network(mask == 0, mask == 1) for mask in both]
    return 2 * sum(votes) > len(votes)


def _is_network(thin: np.ndarray, thick: np.ndarray) -> bool:
    if _THINNER * _thickness(thin) > _thickness(thick):
        return False
    parts, n_parts = label(thin)
    _, n_blobs = label(thick)
    largest = np.bincount(parts.ravel())[1:].max()
    return bool(n_blobs > n_parts and largest >= _CONNECTED * thin.sum())


def _thickness(area: np.ndarray) -> float:
    return float(distance_transform_edt(area)[area].mean())

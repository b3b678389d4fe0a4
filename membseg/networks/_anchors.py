"""Anchors: the boxes that a region proposal network starts from."""

import numpy as np

#: Downsampling of the levels that are used: P2 to P5 of a feature pyramid.
STRIDES = (4, 8, 16, 32)

#: Height over width of the anchors of each place.
RATIOS = (0.5, 1.0, 2.0)


def make_anchors(height: int, width: int, anchor_size: float = 16.0) -> np.ndarray:
    """Make the anchors of all levels: one area a level, three shapes, at each place.

    Parameters
    ----------
    height, width : int
        Size of the image in pixels, multiples of 32.
    anchor_size : float, default=16.0
        Square root of the anchors' area on the finest level, in pixels; twice as much on each
        next one.

    Returns
    -------
    ndarray of shape (n_anchors, 4), float32
        Top, left, bottom and right edge in pixels, from the finest level to the coarsest; in the
        order of rows, columns and shapes there. They reach beyond the image.

    References
    ----------
    Ren et al. (2015), "Faster R-CNN", arXiv 1506.01497, section 3.1.1; one area a level: Lin et al.
    (2017), "Feature Pyramid Networks for Object Detection", arXiv 1612.03144, section 4.1.

    Examples
    --------
    >>> from membseg.networks import make_anchors
    >>> anchors = make_anchors(32, 64)
    >>> anchors.shape
    (510, 4)
    >>> anchors[1].tolist()
    [-6.0, -6.0, 10.0, 10.0]
    """
    heights = np.sqrt(RATIOS)
    shapes = np.stack([heights, 1.0 / heights], axis=-1)
    levels = []
    for k, stride in enumerate(STRIDES):
        rows = (np.arange(height // stride) + 0.5) * stride
        columns = (np.arange(width // stride) + 0.5) * stride
        centers = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)[:, :, np.newaxis]
        half = 0.5 * anchor_size * 2**k * shapes
        boxes = np.concatenate([centers - half, centers + half], axis=-1)
        levels.append(boxes.reshape(-1, 4))
    return np.concatenate(levels).astype(np.float32)

"""Arithmetic of boxes, with numpy or with ``keras.ops``: codes, overlaps, edges.

A box is its top, left, bottom and right edge in pixels; edges lie between pixels, so that a box
around one pixel has area 1.
"""

from typing import Any

import numpy as np

#: Beyond this, the logarithm of a factor of size is cut off (as usual: 1000 px from 16 px).
_LARGEST_LOG = float(np.log(1000.0 / 16.0))

#: What the codes of the box head are multiplied with, so that their spread is about one (Fast
#: R-CNN normalises its targets): shifts, then logarithms of sizes.
HEAD_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
#: The region proposal network's codes are taken as they are.
PLAIN_WEIGHTS = (1.0, 1.0, 1.0, 1.0)


def encode_boxes(
    boxes: Any, references: Any, weights: tuple[float, ...] = PLAIN_WEIGHTS, xp: Any = np
) -> Any:
    """Code boxes relative to reference boxes (anchors, proposals).

    Parameters
    ----------
    boxes, references : array or tensor of shape (..., 4)
        Boxes of positive height and width.
    weights : tuple of float, default=(1.0, 1.0, 1.0, 1.0)
        Factor of each of the four numbers.
    xp : module, default=numpy
        ``numpy`` or ``keras.ops``.

    Returns
    -------
    array or tensor of shape (..., 4)
        Shift of the center down and to the right, in heights and widths of the reference;
        logarithms of height over height and width over width.

    References
    ----------
    Girshick et al. (2014), "Rich feature hierarchies", arXiv 1311.2524, appendix C.
    """
    y, x, height, width = _to_center(boxes)
    y0, x0, height0, width0 = _to_center(references)
    codes = [
        (y - y0) / height0,
        (x - x0) / width0,
        xp.log(height / height0),
        xp.log(width / width0),
    ]
    return xp.stack([w * code for w, code in zip(weights, codes, strict=True)], axis=-1)


def decode_boxes(
    codes: Any, references: Any, weights: tuple[float, ...] = PLAIN_WEIGHTS, xp: Any = np
) -> Any:
    """Give the boxes of codes; the inverse of :func:`encode_boxes`.

    Parameters
    ----------
    codes, references : array or tensor of shape (..., 4)
        Codes, and what they are relative to. Sizes grow at most 62.5 times.
    weights, xp
        As in :func:`encode_boxes`.

    Returns
    -------
    array or tensor of shape (..., 4)
        Boxes.
    """
    y0, x0, height0, width0 = _to_center(references)
    down, right, taller, wider = (codes[..., k] / weights[k] for k in range(4))
    y, x = y0 + down * height0, x0 + right * width0
    half_height = 0.5 * height0 * xp.exp(xp.minimum(taller, _LARGEST_LOG))
    half_width = 0.5 * width0 * xp.exp(xp.minimum(wider, _LARGEST_LOG))
    edges = [y - half_height, x - half_width, y + half_height, x + half_width]
    return xp.stack(edges, axis=-1)


def clip_boxes(boxes: Any, height: int, width: int, xp: Any = np) -> Any:
    """Cut boxes at the edges of the image, (..., 4)."""
    limits = (height, width, height, width)
    return xp.stack([xp.clip(boxes[..., k], 0.0, float(limits[k])) for k in range(4)], axis=-1)


def box_area(boxes: Any, xp: Any = np) -> Any:
    """Area of each box, zero where it is turned inside out."""
    height = xp.maximum(boxes[..., 2] - boxes[..., 0], 0.0)
    width = xp.maximum(boxes[..., 3] - boxes[..., 1], 0.0)
    return height * width


def box_iou(one: Any, other: Any, xp: Any = np) -> Any:
    """Intersection over union of every box of one set with every box of another.

    Parameters
    ----------
    one : array or tensor of shape (..., n, 4)
        Boxes.
    other : array or tensor of shape (..., m, 4)
        Boxes.
    xp : module, default=numpy
        ``numpy`` or ``keras.ops``.

    Returns
    -------
    array or tensor of shape (..., n, m)
        In [0, 1]; 0 for boxes without area.
    """
    a, b = one[..., :, None, :], other[..., None, :, :]
    height = xp.minimum(a[..., 2], b[..., 2]) - xp.maximum(a[..., 0], b[..., 0])
    width = xp.minimum(a[..., 3], b[..., 3]) - xp.maximum(a[..., 1], b[..., 1])
    both = xp.maximum(height, 0.0) * xp.maximum(width, 0.0)
    either = box_area(one, xp)[..., :, None] + box_area(other, xp)[..., None, :] - both
    return both / xp.maximum(either, 1e-6)


def _to_center(boxes: Any) -> tuple[Any, Any, Any, Any]:
    height, width = boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]
    return boxes[..., 0] + 0.5 * height, boxes[..., 1] + 0.5 * width, height, width

"""Which boxes the heads of a Mask R-CNN learn from, and what they should say of them."""

from typing import Any

import keras
from keras import ops

from membseg.networks._boxes import HEAD_WEIGHTS, box_iou, encode_boxes
from membseg.networks._mask_rcnn_parts import MASK_SIZE
from membseg.networks._proposals import has_area
from membseg.training._cell_targets import MOST_UNKNOWN

#: Overlap with a cell's box from which a box shows the cell, as in Fast R-CNN.
_POSITIVE = 0.5


class RoITargets(keras.layers.Layer):
    """Draws boxes out of proposals and the cells' own boxes, positive ones first.

    Parameters
    ----------
    n_boxes : int
        Boxes of an image.
    n_positive : int
        The most of them that show a cell.
    **options
        As any layer takes them.
    """

    def __init__(self, n_boxes: int, n_positive: int, **options: Any) -> None:
        super().__init__(dtype="float32", autocast=False, **options)
        self.n_boxes, self.n_positive = n_boxes, n_positive

    def call(
        self, proposals: Any, valid: Any, boxes: Any, labels: Any, unknown: Any, chances: Any
    ) -> dict[str, Any]:
        """From proposals and cells to boxes and targets.

        Parameters
        ----------
        proposals : tensor of shape (n, n_proposals, 4)
            What the network proposes.
        valid : tensor of shape (n, n_proposals), bool
            Those that are proposals.
        boxes : tensor of shape (n, most_cells, 4)
            The cells' boxes, without area after the last cell.
        labels : tensor of shape (n, height, width), int32
            Numbers of the cells, 0 between them, -1 where that is not known.
        unknown : tensor of shape (n, height + 1, width + 1)
            Unknown pixels above and to the left of each corner.
        chances : tensor of shape (n, n_proposals + most_cells)
            Random numbers in [0, 1).

        Returns
        -------
        dict of tensor
            "boxes", (n, n_boxes, 4), the first `n_positive` for positive ones; "positive",
            (n, n_boxes), and "weight", (n, n_boxes); "codes", (n, n_positive, 4); "masks" and
            "mask_weight", (n, n_positive, 28, 28).
        """
        exists = has_area(boxes)
        every = ops.concatenate([ops.stop_gradient(proposals), boxes], axis=1)
        usable = ops.concatenate([valid, exists], axis=1)
        overlap = ops.where(exists[:, None], box_iou(every, boxes, ops), 0.0)
        largest, cell = ops.max(overlap, axis=2), ops.argmax(overlap, axis=2)
        positive = ops.logical_and(usable, largest >= _POSITIVE)
        negative = ops.logical_and(usable, largest < _POSITIVE)
        known = _unknown_share(every, unknown) <= MOST_UNKNOWN
        negative = ops.logical_and(negative, known)

        places, is_positive = _draw(positive, chances, self.n_positive)
        others, is_negative = _draw(negative, chances, self.n_boxes - self.n_positive)
        chosen = ops.take_along_axis(
            every, ops.concatenate([places, others], axis=1)[..., None], axis=1
        )
        flags = ops.cast(is_positive, "float32")
        rest = ops.cast(is_negative, "float32")
        cell = ops.take_along_axis(ops.cast(cell, "int32"), places, axis=1)
        first = chosen[:, : self.n_positive]
        masks, mask_weight = cut_masks(labels, first, cell + 1)
        own = ops.take_along_axis(boxes, cell[..., None], axis=1)
        # Places without a positive box have no cell: any code will do.
        fine = is_positive[..., None]
        unit = ops.convert_to_tensor([0.0, 0.0, 1.0, 1.0])
        codes = encode_boxes(
            ops.where(fine, own, unit), ops.where(fine, first, unit), HEAD_WEIGHTS, xp=ops
        )
        return {
            "boxes": chosen,
            "positive": ops.concatenate([flags, ops.zeros_like(rest)], axis=1),
            "weight": ops.concatenate([flags, rest], axis=1),
            "codes": codes,
            "masks": masks,
            "mask_weight": mask_weight * flags[..., None, None],
        }


def cut_masks(labels: Any, boxes: Any, numbers: Any) -> tuple[Any, Any]:
    """Cut the masks of cells out of a label image, as the mask head should give them.

    Parameters
    ----------
    labels : tensor of shape (n, height, width), int32
        Label images, -1 where labels are not known.
    boxes : tensor of shape (n, n_boxes, 4)
        Boxes.
    numbers : tensor of shape (n, n_boxes), int32
        The cell of each.

    Returns
    -------
    masks, weights : tensor of shape (n, n_boxes, 28, 28), float32
        1 where the interpolated mask is at least a half; 0 weight next to unknown pixels.
    """
    height, width = labels.shape[1:]
    n_boxes = boxes.shape[1]
    flat = ops.reshape(labels, (-1, height * width))
    rows = _corners(boxes[..., 0], boxes[..., 2], height)
    columns = _corners(boxes[..., 1], boxes[..., 3], width)
    mask: Any = 0.0
    known: Any = True
    for row, row_weight in rows:
        for column, column_weight in columns:
            places = row[..., :, None] * width + column[..., None, :]
            found = ops.take_along_axis(flat, ops.reshape(places, (-1, n_boxes * MASK_SIZE**2)), 1)
            found = ops.reshape(found, (-1, n_boxes, MASK_SIZE, MASK_SIZE))
            same = ops.cast(ops.equal(found, numbers[..., None, None]), "float32")
            mask = mask + same * row_weight[..., :, None] * column_weight[..., None, :]
            known = ops.logical_and(known, found >= 0)
    return ops.cast(mask >= 0.5, "float32"), ops.cast(known, "float32")


def _corners(start: Any, stop: Any, length: int) -> list[tuple[Any, Any]]:
    """Give the two pixels around each point of a mask along one axis, and their weights."""
    points = (ops.arange(MASK_SIZE, dtype="float32") + 0.5) / MASK_SIZE
    places = start[..., None] + (stop - start)[..., None] * points - 0.5
    places = ops.clip(places, 0.0, length - 1.0)
    low = ops.floor(places)
    high = ops.minimum(low + 1.0, length - 1.0)
    share = places - low
    return [(ops.cast(low, "int32"), 1.0 - share), (ops.cast(high, "int32"), share)]


def _draw(which: Any, chances: Any, n: int) -> tuple[Any, Any]:
    """Draw `n` of some boxes of each image: their places, and which of these are true."""
    rank = ops.cast(which, "float32") * (1.0 + chances)
    values, places = ops.top_k(rank, n)
    return ops.cast(places, "int32"), values > 0.5


def _unknown_share(boxes: Any, unknown: Any) -> Any:
    """Give the share of unknown pixels in each box, (n, n_boxes, 4) to (n, n_boxes)."""
    height, width = unknown.shape[1] - 1, unknown.shape[2] - 1
    flat = ops.reshape(unknown, (-1, (height + 1) * (width + 1)))
    edges = ops.cast(ops.round(boxes), "int32")
    y0, y1 = (ops.clip(edges[..., k], 0, height) for k in (0, 2))
    x0, x1 = (ops.clip(edges[..., k], 0, width) for k in (1, 3))

    def corner(y: Any, x: Any) -> Any:
        return ops.take_along_axis(flat, y * (width + 1) + x, axis=1)

    count = corner(y1, x1) - corner(y0, x1) - corner(y1, x0) + corner(y0, x0)
    return count / ops.cast(ops.maximum((y1 - y0) * (x1 - x0), 1), "float32")

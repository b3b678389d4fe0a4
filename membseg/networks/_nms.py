"""Non-maximum suppression with fixed sizes, in a few steps instead of one a box."""

from typing import Any

from keras import ops

from membseg.networks._boxes import box_iou


def suppress_boxes(boxes: Any, valid: Any, threshold: float) -> Any:
    """Tell which boxes greedy non-maximum suppression keeps.

    Parameters
    ----------
    boxes : tensor of shape (n, n_boxes, 4)
        Boxes, the surest of each image first.
    valid : tensor of shape (n, n_boxes), bool
        Those that count.
    threshold : float
        Intersection over union from which a box falls to a surer one that is kept.

    Returns
    -------
    tensor of shape (n, n_boxes), bool
        Those that are kept.

    Notes
    -----
    A box is kept where no surer kept one overlaps it too much. This rule has one solution, since
    each box depends on surer ones only, and it is the greedy one. It is found by applying the rule
    to all boxes at once until nothing changes: as often as the longest chain of boxes that free
    each other is long, which is a few times.
    """
    n_boxes = boxes.shape[1]
    places = ops.arange(n_boxes)
    surer = places[:, None] < places[None, :]
    falls = ops.logical_and(box_iou(boxes, boxes, ops) > threshold, surer)
    falls = ops.cast(falls, "float32")

    def apply_rule(kept: Any) -> Any:
        fallen = ops.matmul(ops.cast(kept, "float32")[:, None, :], falls)[:, 0] > 0.5
        return ops.logical_and(valid, ops.logical_not(fallen))

    def changed(step: Any, before: Any, kept: Any) -> Any:
        return ops.logical_and(step < n_boxes, ops.any(ops.not_equal(before, kept)))

    def repeat(step: Any, before: Any, kept: Any) -> Any:
        return step + 1, kept, apply_rule(kept)

    start = (ops.convert_to_tensor(0, "int32"), valid, apply_rule(valid))
    return ops.while_loop(changed, repeat, start)[2]


def take_first(mask: Any, n: int) -> tuple[Any, Any]:
    """Give the places of the first `n` true values of each row, and which of them are true.

    Parameters
    ----------
    mask : tensor of shape (n_rows, length), bool
        With ``length >= n``.
    n : int
        How many are wanted.

    Returns
    -------
    places : tensor of shape (n_rows, n), int32
        The true ones in ascending order, then others.
    is_true : tensor of shape (n_rows, n), bool
        Where `mask` is true.
    """
    length = mask.shape[1]
    order = ops.arange(length, 0, -1)
    rank = ops.cast(order[None, :] + ops.cast(mask, "int32") * length, "float32")
    values, places = ops.top_k(rank, n)
    return ops.cast(places, "int32"), values > length

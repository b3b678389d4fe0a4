"""From what a network says of anchors and boxes to the boxes that go on."""

from typing import Any

import keras
import numpy as np
from keras import ops

from membseg.networks._boxes import HEAD_WEIGHTS, clip_boxes, decode_boxes
from membseg.networks._nms import suppress_boxes, take_first

#: Intersection over union from which a proposal falls to a surer one, as in the papers.
_PROPOSAL_IOU = 0.7

#: A box must be this high and wide, in pixels.
_LEAST_SIDE = 1.0


class Proposals(keras.layers.Layer):
    """Makes proposals of anchors: the surest ones, moved, cut to the image, thinned out.

    Parameters
    ----------
    anchors : ndarray of shape (n_anchors, 4), float32
        As :func:`make_anchors` gives them.
    height, width : int
        Size of the image.
    n_candidates : int
        The surest anchors that are looked at, at most `n_anchors`.
    n_proposals : int
        Proposals of an image, at most `n_candidates`.
    **options
        As any layer takes them.
    """

    def __init__(
        self,
        anchors: np.ndarray,
        height: int,
        width: int,
        n_candidates: int,
        n_proposals: int,
        **options: Any,
    ) -> None:
        super().__init__(dtype="float32", autocast=False, **options)
        self.anchors = anchors
        self.height, self.width = height, width
        self.n_candidates, self.n_proposals = n_candidates, n_proposals

    def call(self, logits: Any, codes: Any) -> tuple[Any, Any]:
        """From (n, n_anchors) logits and (n, n_anchors, 4) codes to boxes, and which are valid."""
        logits, codes = ops.stop_gradient(logits), ops.stop_gradient(codes)
        _, places = ops.top_k(logits, self.n_candidates)
        codes = ops.take_along_axis(codes, places[..., None], axis=1)
        anchors = ops.take(ops.convert_to_tensor(self.anchors), places, axis=0)
        boxes = decode_boxes(codes, anchors, xp=ops)
        boxes = clip_boxes(boxes, self.height, self.width, xp=ops)
        kept = suppress_boxes(boxes, has_area(boxes), _PROPOSAL_IOU)
        places, valid = take_first(kept, self.n_proposals)
        return ops.take_along_axis(boxes, places[..., None], axis=1), valid


class Detections(keras.layers.Layer):
    """Makes detections of proposals: moved by the box head, thinned out, the surest ones.

    Parameters
    ----------
    height, width : int
        Size of the image.
    n_detections : int
        Detections of an image, at most the number of proposals.
    min_score : float
        Detections of a lower score are none.
    iou : float
        Intersection over union from which a detection falls to a surer one.
    **options
        As any layer takes them.
    """

    def __init__(
        self, height: int, width: int, n_detections: int, min_score: float, iou: float,
        **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(dtype="float32", autocast=False, **options)
        self.height, self.width, self.n_detections = height, width, n_detections
        self.min_score, self.iou = min_score, iou

    def call(self, proposals: Any, valid: Any, logits: Any, codes: Any) -> tuple[Any, Any]:
        """From proposals, (n, n_proposals, 4), and what the head says, to boxes and scores.

        The score of a place without a detection is 0.
        """
        scores = ops.softmax(logits, axis=-1)[..., 1]
        boxes = decode_boxes(codes, proposals, HEAD_WEIGHTS, xp=ops)
        boxes = clip_boxes(boxes, self.height, self.width, xp=ops)
        fine = ops.logical_and(scores >= self.min_score, has_area(boxes))
        scores = ops.where(ops.logical_and(valid, fine), scores, 0.0)
        scores, places = ops.top_k(scores, scores.shape[1])
        boxes = ops.take_along_axis(boxes, places[..., None], axis=1)
        kept = suppress_boxes(boxes, scores > 0, self.iou)
        places, valid = take_first(kept, self.n_detections)
        boxes = ops.take_along_axis(boxes, places[..., None], axis=1)
        scores = ops.where(valid, ops.take_along_axis(scores, places, axis=1), 0.0)
        return boxes, scores


def has_area(boxes: Any) -> Any:
    """Tell boxes of at least a pixel, (..., 4) to (...)."""
    height, width = boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]
    return ops.logical_and(height >= _LEAST_SIDE, width >= _LEAST_SIDE)

"""Mask R-CNN: finds things, each with its box, its score and its mask."""

from itertools import count
from typing import Any

import keras
from keras import ops

from membseg.exceptions import InvalidInputError
from membseg.networks._anchors import RATIOS, STRIDES, make_anchors
from membseg.networks._layers import ConvStyle
from membseg.networks._mask_rcnn_parts import (
    BOX_BINS,
    MASK_BINS,
    MASK_SIZE,
    box_head_model,
    mask_head_model,
    pyramid_model,
    rpn_model,
)
from membseg.networks._proposals import Detections, Proposals
from membseg.networks._roi_align import RoIAlign

#: Pixels of the image for each candidate, proposal and detection.
_PIXELS_PER_CANDIDATE, _PIXELS_PER_PROPOSAL, _PIXELS_PER_DETECTION = 64, 256, 512

#: At least so many detections, however small the image.
_LEAST = 8


def build_mask_rcnn(
    n_channels: int = 1,
    *,
    height: int = 192,
    width: int = 192,
    base_filters: int = 16,
    pyramid_filters: int = 64,
    head_units: int = 128,
    mask_filters: int = 32,
    anchor_size: float = 16.0,
    min_score: float = 0.05,
    nms_threshold: float = 0.5,
    norm_layer: str = "none",
    l1: float = 0.0,
    l2: float = 0.0,
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """Build a Mask R-CNN for images of one size, with one class of things.

    Parameters
    ----------
    n_channels : int, default=1
        Channels of the images.
    height, width : int, default=192
        Size of the images in pixels, multiples of 32. Weights do not depend on it.
    base_filters : int, default=16
        Channels of the first level of the backbone; later ones have up to eight times as many.
    pyramid_filters : int, default=64
        Features of each level of the pyramid. The papers have 256.
    head_units : int, default=128
        Units of the box head's two hidden layers. The papers have 1024.
    mask_filters : int, default=32
        Channels of the mask head. The paper has 256.
    anchor_size : float, default=16.0
        Side of the square anchors on the finest level, in pixels; twice as much on each next one.
        The papers have 32, for photographs.
    min_score : float, default=0.05
        Detections of a lower score are none.
    nms_threshold : float, default=0.5
        Intersection over union from which the box of a detection falls to a surer one.
    norm_layer : {"none", "batch", "group"}, default="none"
        Normalisation after the convolutions of backbone and heads.
    l1, l2 : float, default=0.0
        Penalties on the kernels.
    dtype : str, default="float32"
        Keras dtype policy of the layers; logits, codes and boxes are float32 in any case.
    seed : int, default=0
        Seed of the initial weights. Global random states are not used.

    Returns
    -------
    keras.Model
        A functional model, (n, height, width, n_channels) to a dict of "boxes", (n, n_detections,
        4), the edges top, left, bottom and right in pixels; "scores", (n, n_detections), 0 where
        there is no detection; and "masks", (n, n_detections, 28, 28), logits of the mask inside
        each box. Its parts "pyramid", "rpn", "box_head" and "mask_head" are layers of it.

    Raises
    ------
    InvalidInputError
        If `height` or `width` is no positive multiple of 32, or `norm_layer` is unknown.

    Notes
    -----
    After the papers: a residual backbone, a pyramid P2 to P5, anchors of one area a level and
    three shapes, the surest anchors moved and thinned out at 0.7 to proposals, RoIAlign with
    levels by size, a head of two dense layers for class and box, detections thinned out, and a head
    of four convolutions for their masks. Ours differs in this: all is smaller and learnt from
    random weights; the backbone is no ResNet of the paper; there is no P6; candidates are the
    surest of all levels together, and their numbers grow with the area of the image.

    References
    ----------
    He, Gkioxari, Dollar and Girshick (2017), "Mask R-CNN", arXiv 1703.06870. Lin et al. (2017),
    "Feature Pyramid Networks for Object Detection", arXiv 1612.03144. Ren et al. (2015), "Faster
    R-CNN", arXiv 1506.01497.

    Examples
    --------
    >>> from membseg.networks import build_mask_rcnn
    >>> network = build_mask_rcnn(
    ...     height=32, width=64, base_filters=2, pyramid_filters=4, head_units=8, mask_filters=2
    ... )
    >>> network.output["masks"].shape
    (None, 8, 28, 28)
    """
    coarsest = STRIDES[-1]
    for name, side in (("height", height), ("width", width)):
        if side < coarsest or side % coarsest:
            raise InvalidInputError(
                f"{name} must be a positive multiple of {coarsest}; got {side!r}. Pad images to "
                f"{max(-(-side // coarsest), 1) * coarsest}."
            )
    style = ConvStyle(norm_layer=norm_layer, l1=l1, l2=l2, dtype=dtype, seeds=count(seed))
    image = keras.Input((height, width, n_channels), dtype="float32", name="image")
    pyramid = pyramid_model(style, n_channels, base_filters, pyramid_filters)
    rpn = rpn_model(style, pyramid_filters)
    box_head = box_head_model(style, pyramid_filters, head_units)
    mask_head = mask_head_model(style, pyramid_filters, mask_filters)

    anchors = make_anchors(height, width, anchor_size)
    n_candidates, n_proposals, n_detections = list_sizes(height, width, len(anchors))
    levels = pyramid(image)
    proposals, valid = Proposals(
        anchors, height, width, n_candidates, n_proposals, name="proposals"
    )(*join_levels(rpn, levels))
    logits, codes = read_boxes(box_head, "box", proposals, levels, dtype)
    boxes, scores = Detections(
        height, width, n_detections, min_score, nms_threshold, name="detections"
    )(proposals, valid, logits, codes)
    (masks,) = read_boxes(mask_head, "mask", boxes, levels, dtype)
    return keras.Model(image, {"boxes": boxes, "scores": scores, "masks": masks}, name="mask_rcnn")


def list_sizes(height: int, width: int, n_anchors: int) -> tuple[int, int, int]:
    """Give the numbers of candidates, proposals and detections of an image, each at most the last.

    Parameters
    ----------
    height, width : int
        Size of the image.
    n_anchors : int
        Its anchors.

    Returns
    -------
    tuple of three int
        They grow with the area.
    """
    area = height * width
    n_candidates = min(max(area // _PIXELS_PER_CANDIDATE, 8 * _LEAST), n_anchors)
    n_proposals = min(max(area // _PIXELS_PER_PROPOSAL, 2 * _LEAST), n_candidates)
    return n_candidates, n_proposals, min(max(area // _PIXELS_PER_DETECTION, _LEAST), n_proposals)


def join_levels(rpn: keras.Model, levels: list[Any]) -> tuple[Any, Any]:
    """Ask the region proposal network about all levels: logits and codes of all anchors.

    Parameters
    ----------
    rpn : keras.Model
        From a level to logits and codes.
    levels : list of keras tensor
        Of the pyramid.

    Returns
    -------
    logits : keras tensor of shape (n, n_anchors)
        In the order of the anchors.
    codes : keras tensor of shape (n, n_anchors, 4)
        In the same order.
    """
    logits, codes = [], []
    for level in levels:
        logit, code = rpn(level)
        n_anchors = level.shape[1] * level.shape[2] * len(RATIOS)
        logits.append(ops.reshape(logit, (-1, n_anchors)))
        codes.append(ops.reshape(code, (-1, n_anchors, 4)))
    return ops.concatenate(logits, axis=1), ops.concatenate(codes, axis=1)


def read_boxes(
    head: keras.Model, which: str, boxes: Any, levels: list[Any], dtype: str
) -> list[Any]:
    """Give boxes to a head: what it says of each, (n, n_boxes, ...).

    Parameters
    ----------
    head : keras.Model
        The box head or the mask head.
    which : {"box", "mask"}
        Which of the two.
    boxes : keras tensor of shape (n, n_boxes, 4)
        Boxes.
    levels : list of keras tensor
        Of the pyramid.
    dtype : str
        Keras dtype policy.

    Returns
    -------
    list of keras tensor
        The head's outputs.
    """
    bins = {"box": BOX_BINS, "mask": MASK_BINS}[which]
    features = RoIAlign(bins, name=f"{which}_align", dtype=dtype)(boxes, levels)
    n_boxes, depth = boxes.shape[1], levels[0].shape[-1]
    outputs = head(ops.reshape(features, (-1, bins, bins, depth)))
    outputs = outputs if isinstance(outputs, list) else [outputs]
    shapes: list[tuple[int, ...]] = [(2,), (4,)] if which == "box" else [(MASK_SIZE, MASK_SIZE)]
    return [
        ops.reshape(output, (-1, n_boxes, *shape))
        for output, shape in zip(outputs, shapes, strict=True)
    ]

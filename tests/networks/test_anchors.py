"""Anchors, codes of boxes, overlaps: from their definitions."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from membseg.networks import make_anchors
from membseg.networks._anchors import STRIDES
from membseg.networks._boxes import (
    HEAD_WEIGHTS,
    PLAIN_WEIGHTS,
    box_area,
    box_iou,
    clip_boxes,
    decode_boxes,
    encode_boxes,
)


def boxes_of(rng, n, size=100.0, least=1.0):
    corner = rng.uniform(0, size, (n, 2))
    return np.concatenate([corner, corner + rng.uniform(least, size, (n, 2))], -1)


def test_anchors_are_centered_on_their_places():
    anchors = make_anchors(64, 32, anchor_size=8.0).astype(np.float64)
    n_places = [(64 // s) * (32 // s) for s in STRIDES]
    assert len(anchors) == 3 * sum(n_places)
    start = 0
    for k, (stride, n) in enumerate(zip(STRIDES, n_places, strict=True)):
        level = anchors[start : start + 3 * n].reshape(64 // stride, 32 // stride, 3, 4)
        start += 3 * n
        height, width = level[..., 2] - level[..., 0], level[..., 3] - level[..., 1]
        np.testing.assert_allclose(height * width, (8.0 * 2**k) ** 2, rtol=1e-5)
        np.testing.assert_allclose((height / width)[0, 0], [0.5, 1, 2], rtol=1e-5)
        middle = (level[..., :2] + level[..., 2:]) / 2
        rows, columns = np.mgrid[: 64 // stride, : 32 // stride]
        np.testing.assert_allclose(middle[..., 1, 0], (rows + 0.5) * stride, atol=1e-4)
        np.testing.assert_allclose(middle[..., 2, 1], (columns + 0.5) * stride, atol=1e-4)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.sampled_from([PLAIN_WEIGHTS, HEAD_WEIGHTS]))
def test_what_was_coded_comes_back(seed, weights):
    rng = np.random.default_rng(seed)
    boxes, references = boxes_of(rng, 20), boxes_of(rng, 20, least=4.0)
    codes = encode_boxes(boxes, references, weights)
    np.testing.assert_allclose(decode_boxes(codes, references, weights), boxes, atol=1e-8)
    assert not encode_boxes(boxes, boxes, weights).any()


def test_codes_are_those_of_the_paper():
    # Center (x, y) and width, height, as R-CNN writes them; ours have rows first.
    box, reference = np.array([10.0, 20.0, 30.0, 70.0]), np.array([0.0, 10.0, 10.0, 35.0])
    wanted = [(20 - 5) / 10, (45 - 22.5) / 25, np.log(20 / 10), np.log(50 / 25)]
    np.testing.assert_allclose(encode_boxes(box, reference), wanted)
    np.testing.assert_allclose(
        encode_boxes(box, reference, HEAD_WEIGHTS), np.multiply(wanted, HEAD_WEIGHTS)
    )


def test_growth_is_limited():
    huge = decode_boxes(np.array([0, 0, 50.0, 50.0]), np.array([0, 0, 2.0, 2.0]))
    np.testing.assert_allclose(box_area(huge), (2 * 1000 / 16) ** 2)


def plain_iou(a, b):
    height = min(a[2], b[2]) - max(a[0], b[0])
    width = min(a[3], b[3]) - max(a[1], b[1])
    both = max(height, 0) * max(width, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_overlaps(seed):
    rng = np.random.default_rng(seed)
    one, other = boxes_of(rng, 6), boxes_of(rng, 4)
    wanted = [[plain_iou(a, b) for b in other] for a in one]
    np.testing.assert_allclose(box_iou(one, other), wanted, atol=1e-9)
    assert np.allclose(np.diag(box_iou(one, one)), 1)


def test_boxes_without_area_overlap_nothing():
    flat = np.array([[3.0, 3, 3, 9], [9, 9, 3, 3]])
    assert not box_iou(flat, flat).any()
    assert not box_area(flat).any()


def test_numpy_and_keras_agree():
    rng = np.random.default_rng(0)
    boxes, references = (boxes_of(rng, 8).astype(np.float32) for _ in range(2))
    codes = encode_boxes(boxes, references, HEAD_WEIGHTS)
    for xp_result, result in (
        (encode_boxes(boxes, references, HEAD_WEIGHTS, xp=ops), codes),
        (decode_boxes(codes, references, xp=ops), decode_boxes(codes, references)),
        (box_iou(boxes, references, xp=ops), box_iou(boxes, references)),
        (clip_boxes(boxes, 50, 60, xp=ops), clip_boxes(boxes, 50, 60)),
    ):
        np.testing.assert_allclose(ops.convert_to_numpy(xp_result), result, rtol=1e-4, atol=1e-4)


def test_clipped_boxes_lie_in_the_image():
    box = clip_boxes(np.array([-3.0, 5.0, 80.0, 90.0]), 50, 60)
    assert box.tolist() == [0, 5, 50, 60]

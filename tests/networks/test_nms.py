"""Non-maximum suppression: the same as one box after the other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from membseg.networks import make_anchors
from membseg.networks._boxes import box_iou
from membseg.networks._nms import suppress_boxes, take_first
from membseg.networks._proposals import Detections, Proposals


def plain_nms(boxes, valid, threshold):
    """Keep a box where no kept one before it overlaps it by more than the threshold."""
    kept = np.zeros(len(boxes), dtype=bool)
    for i in range(len(boxes)):
        before = np.flatnonzero(kept[:i])
        overlaps = box_iou(boxes[i : i + 1], boxes[before])
        kept[i] = valid[i] and not (overlaps > threshold).any()
    return kept


def make_boxes(rng, n, n_boxes):
    corner = rng.uniform(0, 20, (n, n_boxes, 2))
    return np.concatenate([corner, corner + rng.uniform(5, 25, corner.shape)], -1).astype("f4")


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9))
def test_suppression_is_greedy(seed, threshold):
    rng = np.random.default_rng(seed)
    boxes, valid = make_boxes(rng, 2, 16), rng.random((2, 16)) < 0.8
    got = ops.convert_to_numpy(suppress_boxes(boxes, valid, threshold))
    for i in range(2):
        np.testing.assert_array_equal(got[i], plain_nms(boxes[i], valid[i], threshold))


def test_the_longest_chain():
    # Each box falls to the one before, unless that falls itself: every second one is kept.
    start = 2.0 * np.arange(41, dtype=np.float32)
    boxes = np.stack([start, 0 * start, start + 10, 0 * start + 10], axis=-1)[np.newaxis]
    valid = np.ones((1, 41), dtype=bool)
    kept = ops.convert_to_numpy(suppress_boxes(boxes, valid, 0.6))[0]
    np.testing.assert_array_equal(kept, plain_nms(boxes[0], valid[0], 0.6))
    assert kept.tolist() == [i % 2 == 0 for i in range(41)]


def test_first_true_places():
    mask = np.array([[0, 1, 0, 1, 1], [0, 0, 0, 0, 1]], dtype=bool)
    places, is_true = map(ops.convert_to_numpy, take_first(mask, 2))
    assert places[0].tolist() == [1, 3]
    assert places[1, 0] == 4
    assert is_true.tolist() == [[True, True], [True, False]]


def test_proposals_are_the_surest_anchors_moved_and_thinned_out():
    rng = np.random.default_rng(0)
    anchors = make_anchors(32, 32, 8.0)
    logits = rng.normal(size=(1, len(anchors))).astype(np.float32)
    codes = (0.1 * rng.normal(size=(1, len(anchors), 4))).astype(np.float32)
    boxes, valid = Proposals(anchors, 32, 32, 60, 20)(logits, codes)
    boxes, valid = ops.convert_to_numpy(boxes)[0], ops.convert_to_numpy(valid)[0]
    assert boxes.shape == (20, 4)
    assert valid.all()
    assert boxes.min() >= 0
    assert boxes.max() <= 32
    overlap = box_iou(boxes, boxes) - np.eye(20)
    assert overlap.max() <= 0.7 + 1e-6


def test_detections_are_sorted_and_cut_off_by_score():
    proposals = np.array([[[0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30], [5, 5, 9, 9]]], "f4")
    probability = np.array([[0.6, 0.9, 0.7, 0.04]])
    logits = np.log(np.stack([1 - probability, probability], axis=-1)).astype(np.float32)
    valid = np.ones((1, 4), dtype=bool)
    layer = Detections(32, 32, n_detections=3, min_score=0.05, iou=0.5)
    boxes, scores = layer(proposals, valid, logits, np.zeros((1, 4, 4), "f4"))
    np.testing.assert_allclose(ops.convert_to_numpy(scores)[0], [0.9, 0.7, 0.0], atol=1e-6)
    wanted = proposals[0][[1, 2]]
    np.testing.assert_allclose(ops.convert_to_numpy(boxes)[0][:2], wanted, atol=1e-5)


@pytest.mark.parametrize("which", [0, 1])
def test_what_is_not_valid_is_not_detected(which):
    proposals = np.array([[[0, 0, 10, 10], [20, 20, 30, 30]]], dtype=np.float32)
    valid = np.arange(2)[np.newaxis] == which
    logits = np.zeros((1, 2, 2), dtype=np.float32)
    layer = Detections(32, 32, n_detections=2, min_score=0.05, iou=0.5)
    boxes, scores = layer(proposals, valid, logits, np.zeros((1, 2, 4), "f4"))
    assert ops.convert_to_numpy(scores)[0].tolist() == [0.5, 0.0]
    np.testing.assert_allclose(ops.convert_to_numpy(boxes)[0, 0], proposals[0, which], atol=1e-5)

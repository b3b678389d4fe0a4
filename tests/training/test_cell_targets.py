"""What a Mask R-CNN should find: cells of a patch, anchors, boxes for the heads, masks."""

import numpy as np
import pytest
from keras import ops

from membseg.datasets import make_membranes
from membseg.exceptions import InvalidInputError
from membseg.networks import build_mask_rcnn, make_anchors
from membseg.networks._boxes import HEAD_WEIGHTS, box_iou, decode_boxes
from membseg.training import (
    PARTS,
    CellSampler,
    CellSteps,
    PatchSampler,
    TrainingData,
    build_training_model,
    plan_validation,
)
from membseg.training._cell_steps import TERMS
from membseg.training._cell_targets import anchor_targets, find_cells, unknown_share
from membseg.training._roi_targets import RoITargets, cut_masks
from membseg.utils import fit_intensity

SIZE = 32


def two_cells():
    """A large cell, a smaller one, and one of fewer than 20 px."""
    cell = np.zeros((SIZE, SIZE), dtype=bool)
    cell[2:14, 3:20] = True
    cell[20:26, 10:16] = True
    cell[30:32, 0:9] = True
    return cell


NOTHING = np.zeros((SIZE, SIZE), dtype=bool)


def test_cells_of_a_patch():
    found = find_cells(two_cells(), NOTHING, most_cells=8)
    assert found.n_cells == 2
    assert found.boxes[:2].tolist() == [[2, 3, 14, 20], [20, 10, 26, 16]]
    assert not found.boxes[2:].any()
    assert np.bincount(found.labels.ravel()).tolist() == [SIZE**2 - 240, 204, 36]
    assert not found.unknown.any()


def test_cells_that_touch_what_is_ignored_are_unknown():
    ignored = NOTHING.copy()
    ignored[26:, :] = True
    found = find_cells(two_cells(), ignored, most_cells=8)
    assert found.n_cells == 1
    assert (found.labels[ignored] == -1).all()
    assert (found.labels[20:26, 10:16] == -1).all()
    assert found.unknown[-1, -1] == ignored.sum() + 36
    share = unknown_share(
        np.array([[20.0, 10, 26, 16], [2, 3, 14, 20], [-9, 0, 64, 32]]), found.unknown
    )
    np.testing.assert_allclose(share, [1, 0, (ignored.sum() + 36) / SIZE**2])


def test_of_too_many_cells_the_smallest_are_unknown():
    found = find_cells(two_cells(), NOTHING, most_cells=1)
    assert found.n_cells == 1
    assert found.boxes.tolist() == [[2, 3, 14, 20]]
    assert (found.labels[20:26, 10:16] == -1).all()


def test_anchors_follow_the_overlaps():
    anchors = make_anchors(SIZE, SIZE, 8.0)
    cells = find_cells(two_cells(), NOTHING, most_cells=8)
    positive, weight, codes = anchor_targets(anchors, cells, np.random.default_rng(0))
    overlap = box_iou(anchors, cells.boxes[:2])
    largest = overlap.max(axis=1)
    wanted = (largest >= 0.7) | (overlap >= overlap.max(axis=0) - 1e-6).any(axis=1)
    np.testing.assert_array_equal(positive == 1, wanted)
    assert weight.sum() <= 256
    assert (weight[positive == 1] == 1).all()
    assert (largest[(weight == 1) & (positive == 0)] < 0.3).all()
    decoded = decode_boxes(codes, anchors)[wanted]
    np.testing.assert_allclose(
        decoded, cells.boxes[overlap[wanted].argmax(axis=1)], rtol=1e-4, atol=1e-3
    )
    assert not codes[~wanted].any()


def test_anchors_on_unknown_ground_are_not_background():
    cells = find_cells(NOTHING, ~NOTHING, most_cells=8)
    positive, weight, _ = anchor_targets(make_anchors(SIZE, SIZE), cells, np.random.default_rng(0))
    assert not positive.any()
    assert not weight.any()


def test_patches_without_cells_teach_background():
    cells = find_cells(NOTHING, NOTHING, most_cells=8)
    positive, weight, _ = anchor_targets(make_anchors(SIZE, SIZE), cells, np.random.default_rng(0))
    assert not positive.any()
    assert weight.sum() == len(make_anchors(SIZE, SIZE))


def rois_of(proposals, cells, n_boxes=6, n_positive=2, seed=0):
    proposals = np.array([proposals], dtype=np.float32)
    n_drawn = proposals.shape[1] + len(cells.boxes)
    chances = np.random.default_rng(seed).random((1, n_drawn), dtype=np.float32)
    found = RoITargets(n_boxes, n_positive)(
        proposals,
        np.ones(proposals.shape[:2], dtype=bool),
        cells.boxes[np.newaxis],
        cells.labels[np.newaxis],
        cells.unknown[np.newaxis],
        chances,
    )
    return {name: ops.convert_to_numpy(value)[0] for name, value in found.items()}


PROPOSALS = [[3, 3, 14, 20], [20, 11, 26, 17], [0, 22, 8, 30], [15, 20, 20, 31], [6, 0, 20, 9]]


@pytest.mark.parametrize("seed", range(3))
def test_boxes_for_the_heads(seed):
    cells = find_cells(two_cells(), NOTHING, most_cells=3)
    found = rois_of(PROPOSALS, cells, seed=seed)
    overlap = box_iou(found["boxes"], cells.boxes[:2])
    assert found["positive"].tolist() == [1, 1, 0, 0, 0, 0]
    assert (overlap[:2].max(axis=1) >= 0.5).all()
    assert found["weight"].tolist() == [1, 1, 1, 1, 1, 0]
    assert (overlap[2:5].max(axis=1) < 0.5).all()
    decoded = decode_boxes(found["codes"], found["boxes"][:2], HEAD_WEIGHTS)
    np.testing.assert_allclose(decoded, cells.boxes[overlap[:2].argmax(axis=1)], atol=1e-3)


def test_background_is_not_drawn_from_unknown_ground():
    ignored = NOTHING.copy()
    ignored[:, 20:] = True
    cells = find_cells(two_cells() & ~ignored, ignored, most_cells=3)
    found = rois_of([*PROPOSALS, [14, 0, 20, 9]], cells)
    drawn = found["boxes"][2:][found["weight"][2:] == 1]
    assert len(drawn)
    assert (unknown_share(drawn, cells.unknown) <= 0.3).all()


def test_without_cells_there_are_no_positive_boxes():
    found = rois_of(PROPOSALS, find_cells(NOTHING, NOTHING, most_cells=3))
    assert not found["positive"].any()
    assert not found["mask_weight"].any()
    assert np.isfinite(found["codes"]).all()


def plain_mask(mask, box):
    """Bilinear interpolation at the middle of the 28 x 28 parts of a box."""
    weights = []
    for start, stop in ((box[0], box[2]), (box[1], box[3])):
        places = np.clip(start + (stop - start) * (np.arange(28) + 0.5) / 28 - 0.5, 0, SIZE - 1)
        distance = np.abs(places[:, np.newaxis] - np.arange(SIZE))
        weights.append(np.maximum(1 - distance, 0))
    return np.round(weights[0] @ mask @ weights[1].T, 6)


def test_masks_of_boxes():
    labels = find_cells(two_cells(), NOTHING, most_cells=3).labels
    labels[2, 3] = -1
    boxes = np.array([[[2, 3, 14, 20], [0, 0, 28, 28], [20, 10, 26, 16]]], dtype=np.float32)
    masks, weights = cut_masks(labels[np.newaxis], boxes, np.array([[1, 2, 2]], np.int32))
    masks, weights = ops.convert_to_numpy(masks)[0], ops.convert_to_numpy(weights)[0]
    # A box of 28 px: a grid point is the middle of a pixel.
    np.testing.assert_array_equal(masks[1], labels[:28, :28] == 2)
    # Nothing is learnt where one of the four pixels around a point is unknown.
    assert weights[1][2, 3] == 0
    weights[1][1:4, 2:5] = 1
    assert weights[1].all()
    for k, number in enumerate((1, 2, 2)):
        value = plain_mask(labels == number, boxes[0, k].astype(float))
        np.testing.assert_array_equal(masks[k][value != 0.5], value[value != 0.5] > 0.5)
    assert weights[2].all()
    assert (weights[0][:2, :2] == 0).all()


def make_sampler(augmentation="d4", weights=None, batch_size=2, size=SIZE):
    X, y = make_membranes(2, 40, 40, difficulty=0.1, random_state=0)
    images = [x[..., np.newaxis] for x in X]
    rng = np.random.default_rng(0)
    patches = PatchSampler(
        TrainingData(images, list(y), weights, fit_intensity(images, "image")),
        plan_validation([x.shape for x in X], 0.0, rng, None, [True, True]),
        patch_size=size,
        batch_size=batch_size,
        augmentation=augmentation,
        augmentation_strength=1.0,
        rng=rng,
    )
    return CellSampler(patches, anchor_size=8.0, n_proposals=16)


def test_batches_repeat_from_a_state():
    sampler = make_sampler()
    sampler.draw()
    state = sampler.state()
    first = sampler.draw()
    sampler.restore(state)
    second = sampler.draw()
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])
        assert len(value) == 2


def test_patches_count_by_their_weight():
    batch = make_sampler(weights=[3.0, 3.0]).draw()
    assert (batch["patch_weight"] == 3).all()
    assert set(np.unique(batch["anchor_weight"])) == {0, 3}


@pytest.mark.parametrize("step", ["mixup", "cutmix"])
def test_mixed_patches_are_refused(step):
    with pytest.raises(InvalidInputError, match=f"augmentation must not hold '{step}' where cells"):
        make_sampler(augmentation=f"d4+{step}")


TINY = {"base_filters": 2, "pyramid_filters": 4, "head_units": 8, "mask_filters": 2}


def make_model(dtype="float32", **sizes):
    sizes = TINY | sizes
    network = build_mask_rcnn(height=SIZE, width=SIZE, anchor_size=8.0, dtype=dtype, **sizes)
    model = build_training_model(
        network, anchor_size=8.0, n_boxes=8, positive_share=0.25, weight_decay=0.0, dtype=dtype
    )
    return network, model


@pytest.mark.slow
def test_steps_give_all_losses_and_change_every_part():
    network, model = make_model()
    # The parts are the network's own.
    assert [w.path for w in model.weights] == [w.path for w in network.weights]
    before = {name: network.get_layer(name).get_weights() for name in PARTS}
    with CellSteps(model, make_sampler()) as steps:
        columns = steps.take([1e-2, 1e-2, 1e-2])
    assert list(columns) == ["loss", *(f"{name}_loss" for name in TERMS)]
    terms = sum(columns[f"{name}_loss"] for name in TERMS)
    np.testing.assert_allclose(columns["loss"], terms, rtol=1e-4)
    for name in PARTS:
        after = network.get_layer(name).get_weights()
        changed = [not np.array_equal(a, b) for a, b in zip(before[name], after, strict=True)]
        assert all(changed), name


class OneBatch:
    """A sampler that draws the same batch again and again."""

    def __init__(self, batch):
        self.batch = batch

    def draw(self):
        return self.batch

    def state(self):
        return {}


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_losses_of_one_batch_fall(dtype):
    _, model = make_model(dtype, base_filters=8, pyramid_filters=16, head_units=32, mask_filters=8)
    with CellSteps(model, OneBatch(make_sampler().draw())) as steps:
        columns = steps.take([3e-3] * 100)
    assert columns["loss"][-10:].mean() < 0.7 * columns["loss"][:5].mean()

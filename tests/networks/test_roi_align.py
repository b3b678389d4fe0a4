"""RoIAlign: equal to its definition, point by point, and to finite differences."""

import keras
import numpy as np
import pytest
from keras import ops

from membseg.networks._anchors import STRIDES
from membseg.networks._roi_align import RoIAlign, level_numbers

SIZE = 64


def plain_level(box):
    """The level of a box: P4 at 224 px, one less at half of that, P2 to P5."""
    size = np.sqrt((box[2] - box[0]) * (box[3] - box[1]))
    return int(np.clip(np.floor(4 + np.log2(size / 224.0)), 2, 5)) - 2


def plain_bilinear(features, y, x):
    """The features at a point, in units of features; beyond the outermost ones these."""
    height, width = features.shape[:2]
    y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
    y0, x0 = int(np.floor(y)), int(np.floor(x))
    y1, x1 = min(y0 + 1, height - 1), min(x0 + 1, width - 1)
    dy, dx = y - y0, x - x0
    return (
        features[y0, x0] * (1 - dy) * (1 - dx)
        + features[y0, x1] * (1 - dy) * dx
        + features[y1, x0] * dy * (1 - dx)
        + features[y1, x1] * dy * dx
    )


def plain_roi_align(levels, box, bins, sampling):
    """The definition: no rounding, the mean of regular points in each bin."""
    number = plain_level(box)
    features, stride = levels[number], STRIDES[number]
    height, width = (box[2] - box[0]) / bins, (box[3] - box[1]) / bins
    result = np.zeros((bins, bins, features.shape[-1]))
    for i in range(bins):
        for j in range(bins):
            points = [
                plain_bilinear(
                    features,
                    (box[0] + height * (i + (k + 0.5) / sampling)) / stride - 0.5,
                    (box[1] + width * (j + (m + 0.5) / sampling)) / stride - 0.5,
                )
                for k in range(sampling)
                for m in range(sampling)
            ]
            result[i, j] = np.mean(points, axis=0)
    return result


def make_levels(rng, n=2, depth=3, size=SIZE):
    return [rng.normal(size=(n, size // s, size // s, depth)).astype(np.float32) for s in STRIDES]


def make_boxes(rng, n, n_boxes, size=SIZE):
    ends = np.sort(rng.uniform(0, size, (n, n_boxes, 2, 2)), axis=-2)
    ends[:, :, 1] += 0.5
    return ends.reshape(n, n_boxes, 4).astype(np.float32)


@pytest.mark.parametrize(("bins", "sampling"), [(7, 2), (3, 1), (2, 3)])
def test_roi_align_is_its_definition(bins, sampling):
    rng = np.random.default_rng(bins)
    levels, boxes = make_levels(rng), make_boxes(rng, 2, 5)
    # One box as large as the image, one that reaches beyond it.
    boxes[0, 0] = 0, 0, SIZE, SIZE
    boxes[1, 1] = -5, 30, 20, 80
    got = ops.convert_to_numpy(RoIAlign(bins, sampling)(boxes, levels))
    assert got.shape == (2, 5, bins, bins, 3)
    for i in range(2):
        wanted = [plain_roi_align([f[i] for f in levels], b, bins, sampling) for b in boxes[i]]
        np.testing.assert_allclose(got[i], wanted, atol=1e-5)


def test_all_levels_are_read_and_by_size():
    sides = np.array([10, 111, 113, 223, 225, 447, 449, 2000], dtype=np.float32)
    boxes = np.stack([0 * sides, 0 * sides, sides, sides], axis=-1)
    numbers = ops.convert_to_numpy(level_numbers(boxes))
    assert numbers.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert [plain_level(box) for box in boxes] == numbers.tolist()


def test_roi_align_reads_the_coarser_levels_as_well():
    rng = np.random.default_rng(0)
    levels = make_levels(rng, n=1, depth=2, size=512)
    boxes = np.array([[[3, 5, 150, 160], [0, 0, 300, 310], [10, 20, 500, 505]]], np.float32)
    got = ops.convert_to_numpy(RoIAlign(2)(boxes, levels))
    assert [plain_level(box) for box in boxes[0]] == [1, 2, 3]
    wanted = [plain_roi_align([f[0] for f in levels], box, 2, 2) for box in boxes[0]]
    np.testing.assert_allclose(got[0], wanted, atol=1e-5)


def test_a_linear_ramp_is_read_exactly():
    y, x = np.mgrid[:16, :16].astype(np.float32)
    levels = [np.stack([(y + 0.5) * 4, (x + 0.5) * 4], -1)[np.newaxis]]
    levels += [np.zeros((1, 64 // s, 64 // s, 2), np.float32) for s in STRIDES[1:]]
    box = np.array([[[10.0, 20.0, 31.0, 50.0]]], np.float32)
    got = ops.convert_to_numpy(RoIAlign(7)(box, levels))[0, 0]
    middles = (np.arange(7) + 0.5) / 7
    np.testing.assert_allclose(got[:, 3, 0], 10 + 21 * middles, rtol=1e-5)
    np.testing.assert_allclose(got[3, :, 1], 20 + 30 * middles, rtol=1e-5)


def gradients_of(layer, boxes, levels, weights):
    """Gradient of a weighted sum of what is read, with respect to the features."""

    def total(*values):
        return ops.sum(layer(boxes, list(values)) * weights)

    if keras.backend.backend() == "jax":
        import jax

        grads = jax.grad(total, argnums=tuple(range(len(levels))))(*levels)
    else:
        import tensorflow as tf

        tensors = [tf.constant(level) for level in levels]
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = total(*tensors)
        grads = tape.gradient(value, tensors)
    return [ops.convert_to_numpy(grad) for grad in grads]


def test_gradients_are_finite_differences():
    rng = np.random.default_rng(3)
    levels, boxes = make_levels(rng, n=1, depth=2), make_boxes(rng, 1, 3)
    weights = rng.normal(size=(1, 3, 3, 3, 2)).astype(np.float32)
    layer = RoIAlign(3)
    grads = gradients_of(layer, boxes, levels, weights)
    plain = [level[0].astype(np.float64) for level in levels]

    def total():
        read = [plain_roi_align(plain, box, 3, 2) for box in boxes[0].astype(np.float64)]
        return np.sum(np.array(read) * weights[0])

    places = np.argwhere(np.abs(grads[0][0]) > 0)
    chosen = places[rng.choice(len(places), 10, replace=False)]
    for place in map(tuple, [*chosen, (0, 0, 0)]):
        plain[0][place] += 1e-3
        above = total()
        plain[0][place] -= 2e-3
        below = total()
        plain[0][place] += 1e-3
        assert abs((above - below) / 2e-3 - grads[0][0][place]) < 1e-3


def test_features_of_bfloat16_are_read_at_boxes_of_float32():
    rng = np.random.default_rng(1)
    levels, boxes = make_levels(rng, n=1), make_boxes(rng, 1, 4)
    wanted = ops.convert_to_numpy(RoIAlign(7)(boxes, levels))
    half = [ops.cast(level, "bfloat16") for level in levels]
    got = RoIAlign(7, dtype="mixed_bfloat16")(boxes, half)
    assert keras.backend.standardize_dtype(got.dtype) == "bfloat16"
    got = ops.convert_to_numpy(ops.cast(got, "float32"))
    np.testing.assert_allclose(got, wanted, atol=0.05)


def test_the_layer_can_be_saved():
    layer = RoIAlign(5, 3, name="align")
    twin = RoIAlign.from_config(layer.get_config())
    assert (twin.bins, twin.sampling, twin.name) == (5, 3, "align")

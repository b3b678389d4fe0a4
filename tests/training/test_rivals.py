"""The masks that a rival is shown, and the losses of both players, by their definitions."""

import keras
import numpy as np

from membseg.training._rivals import (
    feature_distances,
    pass_for_true,
    plain_pair,
    softened_pair,
    tell_apart,
)


def to_numpy(tensors):
    return [keras.ops.convert_to_numpy(tensor) for tensor in tensors]


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def column(*values):
    return np.array(values, dtype=np.float32).reshape(1, -1, 1, 1)


def make_labels(target, weight):
    return np.concatenate([column(*target), column(*weight)], axis=-1)


def test_a_true_mask_is_softened_to_what_was_predicted_but_at_least_to_nine_tenths():
    labels = make_labels([1, 1, 0, 0, 0.5], [1, 0.3, 2, 1, 1])
    true, predicted = to_numpy(softened_pair(labels, column(0.2, 0.97, 0.04, 0.6, 0.5)))
    # The last pixel is half membrane (0.9) and half cell (0.1).
    np.testing.assert_allclose(true.ravel(), [0.9, 0.97, 0.04, 0.1, 0.5], rtol=1e-5)
    np.testing.assert_allclose(predicted.ravel(), [0.2, 0.97, 0.04, 0.6, 0.5], rtol=1e-5)


def test_a_plain_mask_stays_as_it_is():
    labels = make_labels([1, 0, 0.5], [1, 0.3, 2])
    true, predicted = to_numpy(plain_pair(labels, column(0.2, 0.6, 0.7)))
    np.testing.assert_array_equal(true.ravel(), [1, 0, 0.5])
    np.testing.assert_array_equal(predicted, column(0.2, 0.6, 0.7))


def test_both_masks_are_zero_without_a_label():
    labels = make_labels([1, 0], [0, 0])
    for pair in (softened_pair, plain_pair):
        assert not np.any(to_numpy(pair(labels, column(0.2, 0.7))))


def test_a_discriminators_loss_is_the_cross_entropy_of_its_answers():
    rng = np.random.default_rng(0)
    true, predicted = rng.normal(scale=3, size=(2, 4, 3, 3, 1))
    of_true = -0.9 * np.log(sigmoid(true)) - 0.1 * np.log(1 - sigmoid(true))
    wanted = (of_true - np.log(1 - sigmoid(predicted))) / 2
    np.testing.assert_allclose(to_numpy([tell_apart(true, predicted)])[0], wanted, rtol=1e-5)
    undecided = to_numpy([tell_apart(np.zeros(1), np.zeros(1))])[0]
    np.testing.assert_allclose(undecided, np.log(2), rtol=1e-6)


def test_a_segmenters_loss_is_the_cross_entropy_if_predictions_were_true():
    logits = np.random.default_rng(0).normal(scale=3, size=(4, 3, 3, 1))
    wanted = -np.log(sigmoid(logits))
    np.testing.assert_allclose(to_numpy([pass_for_true(logits)])[0], wanted, rtol=1e-5)


def test_distances_are_means_of_absolute_differences_level_by_level():
    rng = np.random.default_rng(0)
    shapes = [(2, 8, 8, 3), (2, 4, 4, 6)]
    true, predicted = ([rng.normal(size=shape) for shape in shapes] for _ in range(2))
    distances = to_numpy([feature_distances(true, predicted)])[0]
    assert distances.shape == (2, 2)
    for level, (a, b) in enumerate(zip(true, predicted, strict=True)):
        wanted = [np.abs(a[i] - b[i]).mean() for i in range(2)]
        np.testing.assert_allclose(distances[:, level], wanted, rtol=1e-5)

"""Every loss against a plain numpy definition; weights, empty masks, gradients, configuration."""

from functools import cache
from itertools import product

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg.losses import LOSSES, SOFT_LOSSES, PixelLoss, binary_crossentropy, parse_loss

SPATIAL = ("boundary", "cldice")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def crossentropy(target, logit):
    p = sigmoid(logit)
    return -(target * np.log(p) + (1 - target) * np.log(1 - p))


def numpy_bce(target, weight, logit):
    return (weight * crossentropy(target, logit)).sum() / np.count_nonzero(weight)


def numpy_balanced_bce(target, weight, logit):
    share = (weight * target).sum() / weight.sum()
    balance = np.where(target == 1, 1 - share, share)
    return (balance * weight * crossentropy(target, logit)).sum() / np.count_nonzero(weight)


def numpy_focal(target, weight, logit):
    p_true = np.where(target == 1, sigmoid(logit), 1 - sigmoid(logit))
    alpha = np.where(target == 1, 0.25, 0.75)
    losses = -alpha * (1 - p_true) ** 2 * np.log(p_true)
    return (weight * losses).sum() / np.count_nonzero(weight)


def numpy_dice(target, weight, logit):
    p = sigmoid(logit)
    return 1 - (2 * (weight * p * target).sum() + 1) / ((weight * (p + target)).sum() + 1)


def numpy_jaccard(target, weight, logit):
    p = sigmoid(logit)
    overlap = (weight * p * target).sum()
    return 1 - (overlap + 1) / ((weight * (p + target)).sum() - overlap + 1)


def numpy_tversky(target, weight, logit):
    p = sigmoid(logit)
    hits = (weight * p * target).sum()
    false = (weight * p * (1 - target)).sum()
    missed = (weight * (1 - p) * target).sum()
    return 1 - (hits + 1) / (hits + 0.3 * false + 0.7 * missed + 1)


def numpy_focal_tversky(target, weight, logit):
    return (numpy_tversky(target, weight, logit) + 1e-4) ** 0.75 - 1e-4**0.75


def numpy_lovasz(target, weight, logit):
    """By sets: of the wrong pixels M and membrane T, Jaccard's loss is w(M) / w(M or T)."""
    target, weight, logit = (a.ravel() for a in (target, weight, logit))
    errors = 1 - logit * (2 * target - 1)
    order = [i for i in np.argsort(-errors) if weight[i] > 0]
    total, before = 0.0, 0.0
    for n in range(1, len(order) + 1):
        wrong = np.isin(np.arange(len(errors)), order[:n])
        loss = weight[wrong].sum() / weight[wrong | (target == 1)].sum()
        total += max(errors[order[n - 1]], 0) * (loss - before)
        before = loss
    return total


def pool(values, weight, choose, default, reach):
    """Choose among the known values within `reach` = (rows, columns) of each pixel."""
    result = np.full(values.shape, float(default))
    n, height, width = values.shape
    for k, i, j in np.ndindex(n, height, width):
        window = (
            k,
            slice(max(i - reach[0], 0), i + reach[0] + 1),
            slice(max(j - reach[1], 0), j + reach[1] + 1),
        )
        known = values[window][weight[window] > 0]
        if known.size:
            result[k, i, j] = choose(known)
    return result


def share(edge, other, weight):
    return ((weight * edge * other).sum() + 1) / ((weight * edge).sum() + 1)


def numpy_boundary(target, weight, logit):
    truth, guess = (
        pool(1 - p, weight, np.max, 0, (1, 1)) - (1 - p) for p in (target, sigmoid(logit))
    )
    precision = share(guess, pool(truth, weight, np.max, 0, (2, 2)), weight)
    recall = share(truth, pool(guess, weight, np.max, 0, (2, 2)), weight)
    return 1 - 2 * precision * recall / (precision + recall)


def soft_skeleton(p, weight):
    def erode(p):
        upright = pool(p, weight, np.min, 1, (1, 0))
        return np.minimum(upright, pool(p, weight, np.min, 1, (0, 1)))

    def remains(p):
        return np.maximum(p - pool(erode(p), weight, np.max, 0, (1, 1)), 0)

    skeleton = remains(p)
    for _ in range(10):
        p = erode(p)
        skeleton = skeleton + (1 - skeleton) * remains(p)
    return skeleton


def numpy_cldice(target, weight, logit):
    p = sigmoid(logit)
    precision = share(soft_skeleton(p, weight), target, weight)
    sensitivity = share(soft_skeleton(target, weight), p, weight)
    return 1 - 2 * precision * sensitivity / (precision + sensitivity)


DEFINITIONS = {
    "bce": numpy_bce,
    "balanced_bce": numpy_balanced_bce,
    "focal": numpy_focal,
    "dice": numpy_dice,
    "jaccard": numpy_jaccard,
    "tversky": numpy_tversky,
    "focal_tversky": numpy_focal_tversky,
    "lovasz": numpy_lovasz,
    "boundary": numpy_boundary,
    "cldice": numpy_cldice,
}


def make_case(seed, shape=(2, 4, 5)):
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 2, shape).astype(np.float64)
    weight = rng.uniform(0, 2, shape) * rng.integers(0, 2, shape)
    weight[0, 0, 0] = 1.0
    logit = rng.normal(0, 3, shape)
    y_true = np.stack([target, weight], axis=-1).astype(np.float32)
    return target, weight, logit, y_true, logit[..., None].astype(np.float32)


@cache
def compiled_gradient(name):
    """Gradient with respect to (n, height, width, 3): target, weight, logit."""

    def value(packed):
        return PixelLoss(name)(packed[..., :2], packed[..., 2:])

    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(jax.grad(value))
    import tensorflow as tf

    @tf.function
    def run(packed):
        with tf.GradientTape() as tape:
            tape.watch(packed)
            loss = value(packed)
        return tape.gradient(loss, packed)

    return lambda packed: run(tf.constant(packed))


def gradient(name, y_true, y_logit):
    packed = np.concatenate([y_true, y_logit], axis=-1).astype(np.float32)
    return np.asarray(compiled_gradient(name)(packed))[..., 2]


def slope(definition, target, weight, logit, step=1e-5):
    """Gradient of a numpy definition by central differences."""
    slopes = np.zeros(logit.shape)
    for index in np.ndindex(logit.shape):
        up, down = logit.copy(), logit.copy()
        up[index] += step
        down[index] -= step
        slopes[index] = definition(target, weight, up) - definition(target, weight, down)
    return slopes / (2 * step)


def test_every_loss_has_a_definition():
    assert tuple(DEFINITIONS) == LOSSES


@pytest.mark.parametrize("name", LOSSES)
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**20))
def test_losses_are_their_definitions(name, seed):
    target, weight, logit, y_true, y_logit = make_case(seed)
    expected = DEFINITIONS[name](target, weight, logit)
    assert float(PixelLoss(name)(y_true, y_logit)) == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_those_of_the_definitions(name):
    target, weight, logit, y_true, y_logit = make_case(5)
    expected = slope(DEFINITIONS[name], target, weight, logit)
    actual = gradient(name, y_true, y_logit)
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=2e-6)


def make_soft_case(seed):
    """A case whose targets lie between 0 and 1."""
    _, weight, logit, y_true, y_logit = make_case(seed)
    y_true[..., 0] = np.random.default_rng(seed).random(weight.shape)
    return y_true[..., 0].astype(np.float64), weight, logit, y_true, y_logit


@pytest.mark.parametrize("name", SOFT_LOSSES)
@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**20))
def test_definitions_hold_for_soft_targets(name, seed):
    target, weight, logit, y_true, y_logit = make_soft_case(seed)
    expected = DEFINITIONS[name](target, weight, logit)
    assert float(PixelLoss(name)(y_true, y_logit)) == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", SOFT_LOSSES)
def test_gradients_hold_for_soft_targets(name):
    target, weight, logit, y_true, y_logit = make_soft_case(13)
    expected = slope(DEFINITIONS[name], target, weight, logit)
    np.testing.assert_allclose(gradient(name, y_true, y_logit), expected, rtol=1e-3, atol=2e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_which_losses_know_soft_targets(name):
    # A target of 1/2 teaches the others nothing, whatever the logit is.
    y_true = np.full((1, 4, 5, 2), 0.5, np.float32)
    y_logit = np.random.default_rng(0).normal(0, 3, (1, 4, 5, 1)).astype(np.float32)
    assert (name in SOFT_LOSSES) == bool(gradient(name, y_true, y_logit).any())


def test_only_cross_entropy_is_least_where_the_prediction_is_the_target():
    y_true = np.full((1, 4, 5, 2), 0.7, np.float32)
    # Not those that look at neighbours: on a constant image their poolings have no one gradient.
    for name in set(SOFT_LOSSES) - {"boundary", "cldice"}:
        least = np.abs(gradient(name, y_true, np.full((1, 4, 5, 1), np.log(7 / 3)))).max() < 1e-6
        assert least == (name == "bce")


@pytest.mark.parametrize("name", SPATIAL)
def test_larger_images(name):
    target, weight, logit, y_true, y_logit = make_case(6, (1, 19, 23))
    target[0, 3:16] = 1
    y_true[..., 0] = target
    expected = DEFINITIONS[name](target, weight, logit)
    assert float(PixelLoss(name)(y_true, y_logit)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", LOSSES)
@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**20))
def test_pixels_without_weight_change_nothing(name, seed):
    *_, y_true, y_logit = make_case(seed)
    loss = PixelLoss(name)
    before = float(loss(y_true, y_logit))
    ignored = y_true[..., 1] == 0
    y_true[ignored, 0] = 1 - y_true[ignored, 0]
    y_logit[ignored] += 7.0
    assert float(loss(y_true, y_logit)) == before


@pytest.mark.parametrize("name", LOSSES)
def test_a_rim_without_weight_changes_nothing(name):
    *_, y_true, y_logit = make_case(7)
    rim = ((0, 0), (3, 2), (1, 4), (0, 0))
    before = float(PixelLoss(name)(y_true, y_logit))
    after = float(PixelLoss(name)(np.pad(y_true, rim), np.pad(y_logit, rim, constant_values=9)))
    assert after == pytest.approx(before, rel=1e-5)


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in SPATIAL])
def test_the_order_of_pixels_does_not_matter(name):
    *_, y_true, y_logit = make_case(8)
    order = np.random.default_rng(0).permutation(40)
    shuffled = [a.reshape(1, 40, 1, -1)[:, order] for a in (y_true, y_logit)]
    before = float(PixelLoss(name)(y_true, y_logit))
    assert float(PixelLoss(name)(*shuffled)) == pytest.approx(before, rel=1e-5)


@pytest.mark.parametrize("name", SPATIAL)
def test_flips_and_turns_do_not_matter(name):
    *_, y_true, y_logit = make_case(9, (1, 9, 9))
    before = float(PixelLoss(name)(y_true, y_logit))
    for k in range(4):
        turned = [np.rot90(a, k, axes=(1, 2)).copy() for a in (y_true, y_logit)]
        flipped = [a[:, ::-1].copy() for a in turned]
        assert float(PixelLoss(name)(*turned)) == pytest.approx(before, rel=1e-5)
        assert float(PixelLoss(name)(*flipped)) == pytest.approx(before, rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_a_perfect_prediction_costs_nothing(name):
    *_, y_true, _ = make_case(10)
    assert float(PixelLoss(name)(y_true, 40 * y_true[..., :1] - 20)) == pytest.approx(0, abs=1e-5)


def test_heavier_batches_have_a_larger_cross_entropy():
    *_, y_true, y_logit = make_case(4)
    before = float(binary_crossentropy(y_true, y_logit))
    y_true[..., 1] *= 1000
    assert float(binary_crossentropy(y_true, y_logit)) == pytest.approx(1000 * before, rel=1e-4)


@pytest.mark.parametrize("name", LOSSES)
def test_finite_where_everything_is_ignored_or_empty_or_sure(name):
    loss = PixelLoss(name)
    y_true = np.zeros((1, 2, 2, 2), dtype=np.float32)
    assert float(loss(y_true, np.zeros((1, 2, 2, 1), np.float32))) == pytest.approx(0, abs=1e-6)
    y_true[..., 1] = 1
    assert float(loss(y_true, np.full((1, 2, 2, 1), -50.0))) == pytest.approx(0, abs=1e-6)
    assert np.isfinite(float(loss(y_true, np.full((1, 2, 2, 1), 1e4))))


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_finite_at_the_edge(name):
    for target, weight, z in product((0, 1, np.eye(6)), (0, 1), (0, -50, 50, -1e4, 1e4)):
        y_true = np.zeros((1, 6, 6, 2))
        y_true[0, ..., 0], y_true[..., 1] = target, weight
        assert np.isfinite(gradient(name, y_true, np.full((1, 6, 6, 1), z))).all()


@pytest.mark.parametrize("name", LOSSES)
def test_bfloat16_logits_are_summed_in_float32(name):
    y_true = np.ones((1, 64, 64, 2), dtype=np.float32)
    y_true[0, ::3, :, 0] = 0
    y_logit = np.random.default_rng(0).normal(0, 3, (1, 64, 64, 1)).astype(np.float32)
    y_logit = keras.ops.cast(y_logit, "bfloat16")
    value = PixelLoss(name)(y_true, y_logit)
    expected = float(PixelLoss(name)(y_true, keras.ops.cast(y_logit, "float32")))
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    assert float(value) == pytest.approx(expected, rel=1e-6)


def test_many_pixels_leave_the_lovasz_hinge_exact():
    # 2^20 pixels with the same error: the index falls from 1 to 0 whatever the order.
    y_true = np.ones((1, 1024, 1024, 2), dtype=np.float32)
    y_true[0, ::5, :, 0] = 0
    value = float(PixelLoss("lovasz")(y_true, np.zeros((1, 1024, 1024, 1), np.float32)))
    assert value == pytest.approx(1, rel=1e-4)


SUMS = ["bce+dice", "bce+0.5*cldice", "0.3*focal+tversky", " 2 * boundary + 1e-2*lovasz "]


@pytest.mark.parametrize("text", SUMS)
def test_sums_add_up(text):
    target, weight, logit, y_true, y_logit = make_case(11)
    expected = sum(w * DEFINITIONS[name](target, weight, logit) for w, name in parse_loss(text))
    assert float(PixelLoss(text)(y_true, y_logit)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", [*LOSSES, *SUMS])
def test_configuration_builds_the_same_loss(name):
    loss = PixelLoss(name, name="other")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert isinstance(copy, PixelLoss)
    assert (copy.loss, copy.name) == (name, "other")
    *_, y_true, y_logit = make_case(12)
    assert float(copy(y_true, y_logit)) == float(loss(y_true, y_logit))


def test_what_looks_at_neighbours_says_so():
    assert [name for name in LOSSES if PixelLoss(name).is_spatial] == list(SPATIAL)
    assert PixelLoss("bce+0.5*cldice").is_spatial
    assert not PixelLoss("bce+dice").is_spatial

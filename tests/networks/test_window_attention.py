"""Attention in windows, pixel by pixel with numpy."""

import keras
import numpy as np
import pytest

from membseg.networks._window_attention import WindowAttention


def attend_by_hand(x, bias, n_heads, window):
    """Each pixel looks at those with the same number of window along both axes."""
    height, width, channels = x.shape
    size = channels // 3 // n_heads
    query, key, value = x.reshape(height, width, 3, n_heads, size).transpose(2, 0, 1, 3, 4)
    out = np.zeros((height, width, n_heads, size))
    number = np.indices((height, width)) // window
    for i, j, head in np.ndindex(height, width, n_heads):
        seen = np.argwhere((number == number[:, i : i + 1, j : j + 1]).all(axis=0))
        logits = [
            query[i, j, head] @ key[k, m, head] / np.sqrt(size)
            + bias[(i - k + window - 1) * (2 * window - 1) + j - m + window - 1, head]
            for k, m in seen
        ]
        weights = np.exp(logits) / np.exp(logits).sum()
        out[i, j, head] = weights @ value[seen[:, 0], seen[:, 1], head]
    return out.reshape(height, width, -1)


@pytest.mark.parametrize("size", [(6, 6), (5, 7), (1, 4), (2, 2)])
def test_it_is_attention_among_the_pixels_of_a_window(size):
    rng = np.random.default_rng(0)
    layer = WindowAttention(2, 3)
    x = rng.normal(size=(2, *size, 12)).astype(np.float32)
    layer.build(x.shape)
    layer.bias.assign(rng.normal(size=layer.bias.shape))
    got = np.asarray(layer(x))
    for image, result in zip(x, got, strict=True):
        expected = attend_by_hand(image, layer.bias.numpy(), 2, 3)
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


def test_without_positions_the_order_of_pixels_does_not_matter():
    rng = np.random.default_rng(0)
    layer = WindowAttention(1, 4)
    x = rng.normal(size=(1, 4, 4, 6)).astype(np.float32)
    order = rng.permutation(16)
    shuffled = x.reshape(1, 16, 6)[:, order].reshape(x.shape)
    expected = np.asarray(layer(x)).reshape(16, 2)[order]
    np.testing.assert_allclose(np.asarray(layer(shuffled)).reshape(16, 2), expected, atol=1e-6)


def test_a_window_sees_nothing_of_another():
    x = np.random.default_rng(0).normal(size=(1, 8, 8, 6)).astype(np.float32)
    changed = x.copy()
    changed[0, 5, 2] += 1
    layer = WindowAttention(1, 4)
    differs = (np.asarray(layer(x)) != np.asarray(layer(changed))).any(axis=(0, 3))
    expected = np.zeros((8, 8), bool)
    expected[4:, :4] = True
    np.testing.assert_array_equal(differs, expected)


def test_softmax_is_float32_where_layers_are_bfloat16():
    x = np.random.default_rng(0).normal(size=(1, 6, 6, 24)).astype(np.float32)
    fine, coarse = (WindowAttention(2, 4, dtype=d) for d in ("float32", "mixed_bfloat16"))
    got = coarse(x)
    assert keras.backend.standardize_dtype(got.dtype) == "bfloat16"
    got = keras.ops.convert_to_numpy(keras.ops.cast(got, "float32"))
    np.testing.assert_allclose(got, np.asarray(fine(x)), atol=0.05)


def test_it_is_made_again_from_its_configuration():
    layer = WindowAttention(3, 5, name="again", dtype="mixed_bfloat16")
    twin = WindowAttention.from_config(layer.get_config())
    assert (twin.n_heads, twin.window) == (3, 5)
    assert (twin.name, twin.dtype_policy.name) == ("again", "mixed_bfloat16")
    assert twin.compute_output_shape((None, None, None, 9)) == (None, None, None, 3)

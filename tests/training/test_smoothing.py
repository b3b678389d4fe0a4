"""Smoothed labels: the equation, and weights that stay."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg.training._smoothing import smooth_labels


def make_targets(seed):
    rng = np.random.default_rng(seed)
    return rng.random((2, 3, 4, 2)).astype(np.float32)


@settings(deadline=None)
@given(seed=st.integers(0, 2**20), amount=st.floats(0, 0.99))
def test_targets_move_towards_one_half_and_weights_stay(seed, amount):
    y = make_targets(seed)
    smooth = smooth_labels(y, amount)
    assert smooth.dtype == np.float32
    np.testing.assert_allclose(
        smooth[..., 0], (1 - amount) * y[..., 0] + amount / 2, rtol=1e-5, atol=1e-6
    )
    np.testing.assert_array_equal(smooth[..., 1], y[..., 1])


def test_none_is_the_identity():
    y = make_targets(0)
    assert smooth_labels(y, 0.0) is y

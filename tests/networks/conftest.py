"""What several networks are tested with."""

import numpy as np
import pytest


def measure_extent(network, factor, size, width):
    """Give how far, in pixels along the first axis, a change of one pixel changes logits."""
    # Positive kernels on an empty image: no signal can cancel out on its way, none is there before.
    for weight in network.weights:
        if "kernel" in weight.path:
            weight.assign(np.abs(weight.numpy()) + 0.01)
    farthest = 0
    for offset in range(factor):
        # A strip is enough: along the other axis nothing happens that does not happen here.
        image = np.zeros((1, size, width, network.input_shape[-1]), dtype=np.float32)
        center = size // 2 + offset
        image[0, center, width // 2] = 1.0
        logits = network.predict_on_batch(image)[0, ..., 0]
        changed = np.flatnonzero((logits != 0).any(axis=1))
        assert changed.min() > 0
        assert changed.max() < size - 1
        farthest = max(farthest, int(np.abs(changed - center).max()))
    return farthest


@pytest.fixture(scope="session")
def extent():
    """The function that measures how far a network looks."""
    return measure_extent

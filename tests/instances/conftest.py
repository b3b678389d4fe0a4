"""Maps with cells in them."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def grid():
    """Two maps of 3 x 4 cells of 11 x 11 pixels with walls of 2, a little noise, and the labels."""
    shape = (3 * 13 - 2, 4 * 13 - 2)
    rows, columns = np.indices(shape)
    wall = (rows % 13 >= 11) | (columns % 13 >= 11)
    labels = np.where(wall, 0, rows // 13 * 4 + columns // 13 + 1).astype(np.int32)
    rng = np.random.default_rng(0)
    maps = 0.1 + 0.7 * wall + rng.uniform(-0.05, 0.05, (2, *shape))
    return maps.astype(np.float32), np.stack([labels, labels])

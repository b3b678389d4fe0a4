"""Small slices and nets that train in a second."""

import pytest

from membseg import UNetSegmenter
from membseg.datasets import make_membranes


@pytest.fixture(scope="session")
def slices():
    """Four synthetic slices of 64 x 64 pixels and their masks (1 = membrane)."""
    return make_membranes(4, 64, 64, random_state=0)


def make_quick(**params):
    """A U-Net that trains for two steps."""
    quick = {
        "depth": 1,
        "base_filters": 4,
        "epochs": 1,
        "steps_per_epoch": 2,
        "batch_size": 2,
        "tta": "none",
        "precision": "float32",
        "random_state": 0,
    }
    return UNetSegmenter(**(quick | params))


@pytest.fixture(scope="session")
def quick():
    """The factory of small U-Nets."""
    return make_quick


@pytest.fixture(scope="session")
def fitted(slices):
    """One small U-Net, fitted; not to be changed."""
    return make_quick().fit(*slices)

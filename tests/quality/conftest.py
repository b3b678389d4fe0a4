"""Slices and a model that the room's tests share."""

import pytest

from membseg import QualityModel, RidgeSegmenter, make_membranes


@pytest.fixture(scope="session")
def stack():
    """Eight synthetic slices and their masks."""
    return make_membranes(8, 96, 96, random_state=0)


@pytest.fixture(scope="session")
def model(stack):
    """A quality model of a cheap segmenter, learnt on the first six slices."""
    X, y = stack
    return QualityModel(RidgeSegmenter(), n_planted=10, cv=2, random_state=0).fit(X[:6], y[:6])

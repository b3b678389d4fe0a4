"""Slices and an analysis that the room's tests share."""

import pytest

from membseg import RidgeSegmenter, make_membranes
from membseg.analysis import analyse


@pytest.fixture(scope="session")
def stack():
    """Seven synthetic slices and their masks."""
    return make_membranes(7, 72, 96, random_state=0)


@pytest.fixture(scope="session")
def segmenter(stack):
    """A cheap segmenter, fitted on the first three of them."""
    X, y = stack
    return RidgeSegmenter().fit(X[:3], y[:3])


@pytest.fixture(scope="session")
def found(stack, segmenter):
    """Its analysis on the others."""
    X, y = stack
    return analyse(
        segmenter, X[3:], y[3:], X_train=X[:3], y_train=y[:3], region_size=40, n_resamples=200
    )

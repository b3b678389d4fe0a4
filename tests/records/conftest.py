"""Records to read, write and break."""

import pytest

from membseg import ThresholdSegmenter, UNetSegmenter, make_membranes
from membseg.records import ExperimentRecord, record_experiment


@pytest.fixture(scope="session")
def slices():
    """Six synthetic slices of 32 x 32 pixels and their masks (1 = membrane)."""
    return make_membranes(6, 32, 32, random_state=0)


def make_quick(**params):
    """A U-Net that trains for two epochs of one step."""
    quick = {
        "depth": 1,
        "base_filters": 4,
        "epochs": 2,
        "steps_per_epoch": 1,
        "batch_size": 2,
        "threshold": 0.5,
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
    """One small U-Net, fitted on four slices; not to be changed."""
    X, y = slices
    return make_quick().fit(X[:4], y[:4])


@pytest.fixture(scope="session")
def net_record(fitted, slices):
    """The record of it."""
    X, y = slices
    return record_experiment(
        fitted, X[:4], y[:4], X_test=X[4:], y_test=y[4:], scoring=["iou", "v_rand", "ece"]
    )


@pytest.fixture(scope="session")
def plain_record(slices):
    """The record of a threshold, which needs no network."""
    X, y = slices
    return record_experiment(ThresholdSegmenter(sigma=1.0).fit(X, y), X, y, scoring="iou")


@pytest.fixture
def make_record():
    """A factory of records with the fields that a test is about."""

    def make(identity="a", **fields):
        defaults = {
            "id": identity,
            "created": "2026-01-31T12:00:00+00:00",
            "estimator_class": "ThresholdSegmenter",
        }
        return ExperimentRecord(**(defaults | fields))

    return make

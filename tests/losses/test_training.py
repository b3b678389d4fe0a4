"""Every loss trains a small U-Net, on slices and masks as they are."""

import keras
import numpy as np
import pytest

from membseg import UNetSegmenter
from membseg.datasets import make_membranes
from membseg.exceptions import InvalidInputError, TrainingWarning
from membseg.losses import LOSSES, border_weights

ALL = "+".join(LOSSES)
#: Other tests train with cross-entropy alone.
TRAINED = [*(name for name in LOSSES if name not in ("bce", "dice")), "bce+dice", "bce+0.5*cldice"]


@pytest.fixture(scope="module")
def slices():
    return make_membranes(3, 32, 32, random_state=0)


def make_segmenter(loss, **params):
    small = {"depth": 1, "base_filters": 4, "max_steps": 2, "batch_size": 2, "tta": "none"}
    return UNetSegmenter(loss=loss, random_state=0, **(small | params))


@pytest.mark.parametrize("loss", TRAINED)
def test_every_loss_trains(slices, loss):
    segmenter = make_segmenter(loss).fit(*slices)
    row = segmenter.history_[-1]
    assert np.isfinite([row["loss"], row["val_loss"]]).all()
    assert np.isfinite(segmenter.decision_function(slices[0])).all()


def test_sparse_labels_and_weights_of_borders(slices):
    X, y = slices
    sparse = y.astype(np.int8)
    sparse[:, ::3] = -1
    weights = border_weights(sparse)
    segmenter = make_segmenter(ALL).fit(X, sparse, sample_weight=weights)
    assert np.isfinite(segmenter.history_[-1]["loss"])


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="needs Keras's JAX backend")
def test_every_loss_trains_on_the_device(slices):
    segmenter = make_segmenter(ALL, device_data=True).fit(*slices)
    assert np.isfinite(segmenter.history_[-1]["loss"])


def test_an_unknown_loss_is_told_before_training(slices):
    segmenter = make_segmenter("bce+dise")
    with pytest.raises(InvalidInputError, match="The nearest name is 'dice'"):
        segmenter.fit(*slices)
    with pytest.raises(InvalidInputError, match="The nearest name is 'dice'"):
        segmenter.estimate_cost(*slices)


def test_an_unknown_loss_can_be_turned_into_the_worst(slices):
    with pytest.warns(TrainingWarning, match="The failure was: loss must be names joined by"):
        segmenter = make_segmenter("mse", on_failure="worst").fit(*slices)
    assert segmenter.n_steps_ == 0

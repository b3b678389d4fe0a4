"""Agreement with other masks, neighbours and views, and confidence."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from membseg import ThresholdSegmenter, make_membranes
from membseg.base import SegmenterMixin
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.metrics import iou_score
from membseg.quality import (
    mask_agreement,
    mean_confidence,
    neighbour_agreement,
    view_consistency,
)


def cross(side=41):
    mask = np.zeros((1, side, side), int)
    mask[0, side // 2 - 1 : side // 2 + 2] = 1
    mask[0, :, side // 2 - 1 : side // 2 + 2] = 1
    return mask


def test_masks_agree_with_themselves():
    (found,) = mask_agreement(cross(), cross())
    assert (found.iou, found.missed, found.invented, found.merge) == (1, 0, 0, 1)
    assert found.split > 0.9


def test_what_is_missed_and_what_is_invented():
    half = cross()
    half[0, :15] = half[0, 26:] = 0
    (found,) = mask_agreement(half, cross())
    assert found.iou == pytest.approx(iou_score(cross(), half))
    assert 0.2 < found.missed < 0.6
    assert found.invented == 0
    (back,) = mask_agreement(cross(), half)
    assert back.missed == 0
    assert back.invented == found.missed
    # Two of the four cells run together on either side.
    assert found.merge < 0.6 < back.merge
    assert back.split < 0.6


def test_nothing_agrees_with_nothing():
    empty = np.zeros((1, 8, 8), int)
    (found,) = mask_agreement(empty, empty, membrane_label=1)
    assert (found.iou, found.missed, found.invented) == (1, 0, 0)
    (alone,) = mask_agreement(empty, cross(8), membrane_label=1)
    assert (alone.iou, alone.missed, alone.invented) == (0, 1, 0)


def test_agreement_needs_masks_of_one_size():
    with pytest.raises(InvalidInputError, match="masks and others must agree in height and width"):
        mask_agreement(cross(), cross(39))


def test_neighbours():
    masks = [cross(20)[0], cross(20)[0], np.zeros((20, 20), int), cross(30)[0]]
    np.testing.assert_allclose(neighbour_agreement(masks), [1, 0.5, 0, np.nan])
    assert np.isnan(neighbour_agreement(cross())).all()


def test_neighbours_in_a_stack_that_was_shuffled_agree_less():
    _, y = make_membranes(8, 64, 64, continuity=0.9, random_state=0)
    right, wrong = (neighbour_agreement(y[o]) for o in (np.arange(8), [0, 4, 1, 5, 2, 6, 3, 7]))
    assert right.mean() > wrong.mean() + 0.1
    np.testing.assert_allclose(right, neighbour_agreement(y[::-1])[::-1])


def test_confidence():
    maps = np.array([[[0.5, 0.5]], [[0.0, 1.0]], [[0.25, 0.25]]], np.float32)
    np.testing.assert_allclose(mean_confidence(maps), [0, 1, 0.5])
    np.testing.assert_allclose(mean_confidence(1 - maps), [0, 1, 0.5])
    with pytest.raises(InvalidTypeError, match="must hold probabilities as floats"):
        mean_confidence(np.ones((1, 2, 2), int))


class Leaner(SegmenterMixin, BaseEstimator):
    """Says membrane in the upper rows, however the image is turned."""

    def __init__(self, tta="d4"):
        self.tta = tta

    def fit(self, X, y):
        self.classes_, self.threshold_ = np.array([0, 1]), 0.5
        return self

    def decision_function(self, X):
        maps = [np.where(np.arange(len(x))[:, np.newaxis] < len(x) / 2, 1.0, -1.0) for x in X]
        maps = [
            np.broadcast_to(m, x.shape[:2]).astype(np.float32) for m, x in zip(maps, X, strict=True)
        ]
        if self.tta == "d4":
            return [0 * m + 1 for m in maps]
        return maps


def test_views_tell_a_segmenter_that_leans():
    X, y = make_membranes(2, 32, 32, random_state=0)
    plain = ThresholdSegmenter().fit(X, y)
    np.testing.assert_allclose(view_consistency(plain, X), 1, atol=0.02)
    leaner = Leaner().fit(X, y)
    found = view_consistency(leaner, X, views="d4")
    assert (found < 0.8).all()
    # Its own mean over views stays what it was.
    assert leaner.tta == "d4"


def test_views_of_colour_images_and_lists():
    X, y = make_membranes(2, 32, 40, random_state=0)
    colour = np.stack([X, X], axis=-1)
    segmenter = ThresholdSegmenter().fit(colour, y)
    found = view_consistency(segmenter, colour, views="flips")
    np.testing.assert_array_equal(found, view_consistency(segmenter, list(colour), views="flips"))


def test_unknown_views():
    with pytest.raises(InvalidInputError, match="views must be 'flips' or 'd4'; got 'none'"):
        view_consistency(None, np.zeros((1, 4, 4)), views="none")

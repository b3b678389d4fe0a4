"""Test-time views are the symmetries of the square, each with its way back."""

import numpy as np
import pytest

from membseg.inference import list_views

IMAGE = np.arange(12).reshape(3, 4)


@pytest.mark.parametrize(("tta", "n_views"), [("none", 1), ("flips", 4), ("d4", 8)])
def test_views_are_distinct_and_undone(tta, n_views):
    views = list_views(tta)
    seen = {view.apply(IMAGE).tobytes() + bytes(view.apply(IMAGE).shape) for view in views}
    assert len(seen) == n_views
    for view in views:
        np.testing.assert_array_equal(view.undo(view.apply(IMAGE)), IMAGE)


def test_the_first_view_changes_nothing():
    for tta in ("none", "flips", "d4"):
        np.testing.assert_array_equal(list_views(tta)[0].apply(IMAGE), IMAGE)


def test_flips_keep_the_shape():
    assert {view.apply(IMAGE).shape for view in list_views("flips")} == {(3, 4)}


def test_views_turn_channels_along():
    image = np.arange(24).reshape(3, 4, 2)
    for view in list_views("d4"):
        np.testing.assert_array_equal(view.apply(image)[..., 1], view.apply(image[..., 1]))

"""What covering windows changes, for segmenters that look where they should and where not."""

import copy

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from membseg import RidgeSegmenter, make_membranes, occlusion_map
from membseg.base import SegmenterMixin
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.inspection._occlusion import _away


class CornerReader(SegmenterMixin, BaseEstimator):
    """Calls everything membrane where the corner is bright; dark pixels elsewhere."""

    def fit(self, X, y):
        self.classes_, self.threshold_ = np.unique(y), 0.5
        return self

    def decision_function(self, X):
        logits = [
            np.full(x.shape, 4.0, np.float32)
            if x[:6, :6].mean() > 250
            else np.where(x < 100, 2.0, -2.0).astype(np.float32)
            for x in X
        ]
        return logits if isinstance(X, list) else np.stack(logits)


@pytest.fixture(scope="module")
def marked():
    X, y = make_membranes(4, 48, 48, random_state=0)
    X = X.copy()
    X[1, :8, :8] = 255
    return X, y


def test_a_corner_that_decides_is_found(marked):
    reader = CornerReader().fit(*marked)
    found = occlusion_map(reader, marked[0], size=8).shortcuts()
    assert {(s.image, s.top, s.left, s.size) for s in found} == {(1, 0, 0, 8)}
    assert str(found[0]).startswith("image 1: covering 8 x 8 px at row 0, column 0 changes")
    assert found[0].effect > 0.3
    assert found[0].usual == 0


def test_no_wolf_is_cried(marked):
    X, y = marked
    for segmenter in (RidgeSegmenter(scale=2.0), CornerReader()):
        clean = np.delete(X, 1, axis=0)
        fitted = segmenter.fit(clean, np.delete(y, 1, axis=0))
        assert occlusion_map(fitted, clean, size=8).shortcuts() == []


def test_effects_on_a_region_by_hand(marked):
    X, y = marked
    reader = CornerReader().fit(X, y)
    # Covered by the mean, no pixel is dark.
    region = np.zeros((48, 48), bool)
    region[8:16, 16:24] = True
    found = occlusion_map(reader, X[:1], size=8, region=region)
    before = reader.predict_membrane(X[:1])[0]
    pale = 1 / (1 + np.exp(2.0))
    effects = np.zeros((6, 6))
    effects[1, 2] = before[region].mean() - pale
    np.testing.assert_allclose(found.effects[0], effects, atol=1e-6)
    np.testing.assert_allclose(found.maps[0][region], effects[1, 2], atol=1e-6)


def test_maps_are_means_of_the_windows_that_cover_a_pixel(marked):
    X, y = marked
    reader = CornerReader().fit(X, y)
    found = occlusion_map(reader, X[1:2], size=10, stride=7)
    assert found.tops[0].tolist() == [0, 7, 14, 21, 28, 35, 38]
    total, count = np.zeros((2, 48, 48))
    for i, top in enumerate(found.tops[0]):
        for j, left in enumerate(found.lefts[0]):
            total[top : top + 10, left : left + 10] += found.effects[0][i, j]
            count[top : top + 10, left : left + 10] += 1
    np.testing.assert_allclose(found.maps[0], total / count, atol=1e-6)


def test_lists_channels_and_covers(marked):
    X, y = marked
    both = np.stack([X, X], axis=-1)
    segmenter = RidgeSegmenter(scale=2.0).fit(both, y)
    found = occlusion_map(segmenter, [both[0], both[1][:40]], size=10, fill="blur")
    assert [m.shape for m in found.maps] == [(48, 48), (40, 48)]
    assert [e.shape for e in found.effects] == [(5, 5), (4, 5)]
    assert all((e >= 0).all() for e in found.effects)


def test_a_network_is_asked_in_one_view(net, stack):
    X, _ = stack
    many = copy.copy(net)
    many.tta = "d4"
    found, expected = (occlusion_map(s, X[:1], size=10, region=(20, 20)) for s in (many, net))
    assert found.effects[0].shape == (5, 4)
    np.testing.assert_array_equal(found.effects[0], expected.effects[0])
    assert many.tta == "d4"


def test_what_lies_away_from_a_window():
    far = _away((4, 10), 4, (30, 30))
    near = np.argwhere(~far)
    assert near.min(axis=0).tolist() == [0, 6]
    assert near.max(axis=0).tolist() == [11, 17]
    assert _away((0, 26), 4, (30, 30)).sum() == 900 - 8 * 8


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"size": 13}, InvalidInputError, "size must be at most a quarter of the shorter side"),
        ({"size": 0}, InvalidInputError, "size must be an int of 1 or more; got 0"),
        ({"size": 2.5}, InvalidTypeError, "size must be an int of 1 or more; got 2.5"),
        ({"size": 8, "stride": 9}, InvalidInputError, "stride must be at most size=8"),
        ({"stride": 0}, InvalidInputError, "stride must be an int of 1 or more"),
        ({"fill": "noise"}, InvalidInputError, "fill must be 'mean' or 'blur'; got 'noise'"),
        ({"region": (99, 0)}, InvalidInputError, "region must be a pixel inside of every image"),
    ],
)
def test_bad_parameters(marked, options, error, message):
    reader = CornerReader().fit(*marked)
    with pytest.raises(error, match=message):
        occlusion_map(reader, marked[0], **options)


def test_shortcuts_are_about_elsewhere(marked):
    reader = CornerReader().fit(*marked)
    found = occlusion_map(reader, marked[0][:1], region=(1, 1))
    with pytest.raises(InvalidInputError, match="this result is about a region"):
        found.shortcuts()

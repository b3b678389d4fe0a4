"""What is drawn is the slice, its doubt and its mask."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from membseg import RidgeSegmenter, ThresholdSegmenter, make_membranes
from membseg.calibration import predict_uncertainty
from membseg.exceptions import InvalidInputError
from membseg.plotting import ConfidenceMapDisplay

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib, of the extra 'plot'")

IMAGE = np.array([[10, 20, 30], [40, 50, 60]], dtype=np.uint8)
PROB = np.array([[0.1, 0.9, 0.2], [0.1, 0.5, 0.2]])
DOUBT = np.array([[0.0, 0.25, 0.5], [0.5, 1.0, 0.75]])


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def slices():
    return make_membranes(3, 48, 48, random_state=0)


def outlines(ax):
    return [c for c in ax.collections if type(c).__name__ == "QuadContourSet"]


def test_slice_doubt_and_outline():
    display = ConfidenceMapDisplay(IMAGE, PROB, DOUBT, name="net").plot()
    grey, doubt = display.ax_.get_images()
    np.testing.assert_array_equal(grey.get_array(), IMAGE)
    np.testing.assert_array_equal(doubt.get_array(), DOUBT)
    assert doubt.get_clim() == (0, 1)
    (outline,) = outlines(display.ax_)
    # Around the two pixels of the middle column, half a pixel off.
    points = np.concatenate([path.vertices for path in outline.get_paths()])
    assert sorted(set(points[:, 0])) == [0.5, 1.5]
    assert display.ax_.get_title() == "net"
    assert len(display.ax_.get_xticks()) == len(display.ax_.get_yticks()) == 0
    assert display.figure_ is display.ax_.figure
    (bar,) = [ax for ax in display.figure_.axes if ax is not display.ax_]
    assert bar.get_ylabel() == "doubt (bits)"


def test_doubt_covers_more_the_larger_it_is():
    display = ConfidenceMapDisplay(IMAGE, PROB, DOUBT).plot()
    shown = display.ax_.get_images()[1]
    alpha = shown.cmap(shown.norm(np.linspace(0, 1, 50)))[:, 3]
    assert alpha[0] == 0
    assert (np.diff(alpha) > 0).all()
    assert alpha[-1] < 1


def test_drawing_twice_on_the_callers_axes():
    _, ax = plt.subplots()
    display = ConfidenceMapDisplay(IMAGE, PROB, DOUBT.copy())
    assert display.plot(ax=ax).plot(ax=ax).ax_ is ax
    np.testing.assert_array_equal(display.doubt, DOUBT)


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_masks_of_one_class_have_no_outline(threshold):
    display = ConfidenceMapDisplay(IMAGE, PROB, DOUBT, threshold=threshold).plot()
    assert outlines(display.ax_) == []


def test_colours_are_averaged():
    colour = np.stack([IMAGE, IMAGE, 4 * IMAGE.astype(float)], axis=-1)
    display = ConfidenceMapDisplay(colour, PROB, DOUBT).plot()
    np.testing.assert_allclose(display.ax_.get_images()[0].get_array(), 2.0 * IMAGE)


@pytest.mark.parametrize("index", [1, -2])
def test_from_estimator_predicts_one_slice(slices, index, monkeypatch):
    X, y = slices
    segmenter = RidgeSegmenter().fit(X, y)
    doubt = predict_uncertainty(segmenter, X, method="views")
    asked = []
    plain = RidgeSegmenter.predict_membrane
    monkeypatch.setattr(
        RidgeSegmenter, "predict_membrane", lambda self, X: asked.append(len(X)) or plain(self, X)
    )
    display = ConfidenceMapDisplay.from_estimator(segmenter, X, index=index, method="views")
    assert set(asked) == {1}
    np.testing.assert_array_equal(display.image, X[1])
    np.testing.assert_allclose(display.probability, doubt.probability[1])
    np.testing.assert_allclose(display.doubt, doubt.total[1])
    assert (display.threshold, display.name) == (segmenter.threshold_, "RidgeSegmenter")
    asked.clear()
    display.plot()
    assert asked == []


def test_lists_and_pipelines(slices):
    X, y = slices
    pipeline = make_pipeline("passthrough", ThresholdSegmenter(threshold=0.3)).fit(X, y)
    pool = [X[0], X[1, :32]]
    _, ax = plt.subplots()
    display = ConfidenceMapDisplay.from_estimator(pipeline, pool, index=1, name="cut", ax=ax)
    assert display.ax_ is ax
    assert display.doubt.shape == (32, 48)
    assert (display.threshold, display.name) == (0.3, "cut")


@pytest.mark.parametrize("index", [3, -4, 1.0])
def test_bad_index(slices, index):
    X, y = slices
    segmenter = ThresholdSegmenter().fit(X, y)
    with pytest.raises(InvalidInputError, match="index must be the number of a slice of X, an in"):
        ConfidenceMapDisplay.from_estimator(segmenter, X, index=index)


def test_bad_shapes():
    with pytest.raises(InvalidInputError, match=r"\(2, 3\), \(2, 3\) and \(1, 2, 3\). Take one of"):
        ConfidenceMapDisplay(IMAGE, PROB, DOUBT[np.newaxis]).plot()

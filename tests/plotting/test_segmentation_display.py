"""What is drawn is the slice, its masks, and where they agree."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from membseg import RidgeSegmenter, ThresholdSegmenter, make_membranes
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.plotting import SegmentationDisplay
from membseg.plotting._colours import AGREEMENT, as_rgb

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib, of the extra 'plot'")

IMAGE = np.array([[10, 20, 30], [40, 50, 60]], dtype=np.uint8)
TRUTH = np.array([[0, 255, 0], [0, 255, 255]], dtype=np.uint8)
MASK = np.array([[0, 255, 255], [0, 255, 0]], dtype=np.uint8)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def slices():
    return make_membranes(3, 48, 48, random_state=0)


def pictures(display):
    return {ax.get_title(): ax.get_images()[0].get_array() for ax in display.axs_}


def colours_at(picture, name):
    return np.all(picture == as_rgb(AGREEMENT[name]), axis=-1)


def test_views(check_readable):
    display = SegmentationDisplay(IMAGE, MASK, truth=TRUTH).plot()
    shown = pictures(display)
    assert list(shown) == [
        "image", "predicted mask", "mask on the image", "agreement with the truth",
    ]  # fmt: skip
    np.testing.assert_array_equal(shown["predicted mask"][..., 0], MASK == 0)
    agreement = shown["agreement with the truth"]
    np.testing.assert_array_equal(colours_at(agreement, "true positive"), (MASK & TRUTH) > 0)
    np.testing.assert_array_equal(colours_at(agreement, "false positive"), MASK > TRUTH)
    np.testing.assert_array_equal(colours_at(agreement, "false negative"), MASK < TRUTH)
    legend = [text.get_text() for text in display.figure_.legends[0].get_texts()]
    assert legend == list(AGREEMENT)
    assert display.ax_ is display.axs_[0]
    assert display.figure_ is display.ax_.figure
    check_readable(display.figure_)


def test_without_the_truth_there_is_no_agreement(check_readable):
    display = SegmentationDisplay(IMAGE, MASK, pixel_size=0.1, unit="um").plot()
    assert len(display.axs_) == 3
    assert display.figure_.legends == []
    check_readable(display.figure_)


def test_polarity_and_pixels_without_a_label():
    inverted = SegmentationDisplay(IMAGE, 255 - MASK, truth=255 - TRUTH, membrane_label=0).plot(
        views=["truth", "mask"]
    )
    np.testing.assert_array_equal(pictures(inverted)["true mask"][..., 0], TRUTH == 0)
    partial = np.where(TRUTH == 0, 7, TRUTH)
    partial[0, 0] = 0
    display = SegmentationDisplay(IMAGE, MASK, truth=partial, ignore_label=7)
    (picture,) = pictures(display.plot(views="agreement")).values()
    assert colours_at(picture, "false positive").sum() == 0


def test_one_view_on_the_callers_axes_with_a_scale_bar():
    _, ax = plt.subplots()
    display = SegmentationDisplay(IMAGE, MASK, truth=TRUTH, pixel_size=4.0)
    assert display.plot(views="agreement", ax=ax).ax_ is ax
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(AGREEMENT)
    assert [text.get_text() for text in ax.texts] == ["2 nm"]
    assert len(display.plot(ax=ax).axs_) == 4


@pytest.mark.parametrize("index", [1, -2])
def test_from_estimator_predicts_one_slice(slices, index, monkeypatch):
    X, y = slices
    segmenter = RidgeSegmenter().fit(X, y)
    expected = segmenter.predict(X)[1]
    asked = []
    plain = RidgeSegmenter.predict
    monkeypatch.setattr(
        RidgeSegmenter, "predict", lambda self, X: asked.append(len(X)) or plain(self, X)
    )
    display = SegmentationDisplay.from_estimator(segmenter, X, y, index=index)
    assert asked == [1]
    np.testing.assert_array_equal(display.image, X[1])
    np.testing.assert_array_equal(display.mask, expected)
    np.testing.assert_array_equal(display.truth, y[1])


def test_from_estimator_with_other_values_lists_and_pipelines(slices):
    X, y = slices
    inverted = [np.where(mask == 1, 0, 255).astype(np.uint8) for mask in y]
    pipeline = make_pipeline("passthrough", ThresholdSegmenter(membrane_label=0))
    pipeline.fit(list(X), inverted)
    display = SegmentationDisplay.from_estimator(pipeline, list(X), inverted, index=2)
    other = SegmentationDisplay.from_estimator(ThresholdSegmenter().fit(X, y), X, y, index=2)
    for one, two in zip(pictures(display).values(), pictures(other).values(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert len(SegmentationDisplay.from_estimator(pipeline, X).axs_) == 3


def test_from_predictions(slices):
    X, y = slices
    display = SegmentationDisplay.from_predictions(X, 1 - y, y, index=-1, views="agreement")
    np.testing.assert_array_equal(display.image, X[2])
    (picture,) = pictures(display).values()
    assert colours_at(picture, "false positive").sum() == (y[2] == 0).sum()
    assert SegmentationDisplay.from_predictions(X, y).truth is None


def test_a_mask_of_one_class():
    display = SegmentationDisplay(IMAGE, np.zeros_like(MASK), truth=TRUTH).plot(views="agreement")
    (picture,) = pictures(display).values()
    np.testing.assert_array_equal(colours_at(picture, "false negative"), TRUTH > 0)


def test_unusable_arguments(slices):
    X, y = slices
    with pytest.raises(InvalidInputError, match="index must be the number of a slice of X, an in"):
        SegmentationDisplay.from_predictions(X, y, index=3)
    with pytest.raises(InvalidInputError, match="mask must be of the image's height and width"):
        SegmentationDisplay(IMAGE, MASK[:1]).plot()
    with pytest.raises(InvalidInputError, match=r"truth must be of the image's .* \(2, 3\); got"):
        SegmentationDisplay(IMAGE, MASK, truth=TRUTH.T).plot()
    with pytest.raises(InvalidInputError, match="image must be one slice of shape"):
        SegmentationDisplay(X[np.newaxis], MASK).plot()
    with pytest.raises(InvalidTypeError, match="image must hold real numbers; got dtype complex"):
        SegmentationDisplay(IMAGE * 1j, MASK).plot()
    with pytest.raises(InvalidInputError, match=r"views must be of image, .*overlay; got 'agree"):
        SegmentationDisplay(IMAGE, MASK).plot(views="agreement")
    with pytest.raises(InvalidInputError, match=r"views must be of .*; got 'doubt'\."):
        SegmentationDisplay(IMAGE, MASK).plot(views=["image", "doubt"])
    with pytest.raises(InvalidInputError, match="views must name one of image"):
        SegmentationDisplay(IMAGE, MASK).plot(views=[])
    with pytest.raises(InvalidInputError, match="pixel_size must be a positive number"):
        SegmentationDisplay(IMAGE, MASK, pixel_size=0).plot()

"""What is drawn are the events, the largest first."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from membseg import RidgeSegmenter, make_membranes
from membseg.analysis import find_merges_and_splits
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.plotting import MergeSplitDisplay
from membseg.plotting._colours import AGREEMENT, DIM, EVENTS, as_rgb

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib, of the extra 'plot'")

#: Four cells of 40 x 40 pixels; the upper ones are merged, and a lower one is split.
TRUTH = np.ones((2, 100, 100), np.uint8)
TRUTH[:, 5:45, 5:45] = TRUTH[:, 5:45, 55:95] = TRUTH[:, 55:95, 5:45] = TRUTH[:, 55:95, 55:95] = 0
GUESS = TRUTH.copy()
GUESS[0, 20:30, 45:55] = 0
GUESS[0, 74:76, 5:45] = 1
X = np.random.default_rng(0).integers(0, 255, TRUTH.shape, dtype=np.uint8)


def event(**changes):
    known = {
        "kind": "merge", "image": 0, "bbox": (5, 5, 45, 95), "area": 3200, "true_labels": (1, 2),
        "predicted_labels": (1,),
    }  # fmt: skip
    return SimpleNamespace(**(known | changes))


EVENTS_FOUND = [
    event(kind="split", bbox=(55, 5, 95, 45), area=1600, true_labels=(3,), predicted_labels=(2, 3)),
    event(),
]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def titles(display):
    return [ax.get_title() for ax in display.axs_]


def test_largest_first_each_zoomed(check_readable):
    display = MergeSplitDisplay(X, TRUTH, GUESS, EVENTS_FOUND).plot()
    assert titles(display) == [
        "1: merge of 2\nslice 0, 3200 px²", "2: split into 2\nslice 0, 1600 px²",
    ]  # fmt: skip
    merge, split = (ax.get_images()[0].get_array() for ax in display.axs_)
    assert merge.shape[0] == merge.shape[1] == 100
    # The box of the split is 40 pixels; there are 12 around it where the image goes on.
    assert split.shape == (64, 64, 3)
    for picture, name in ((merge, "false negative"), (split, "false positive")):
        assert (picture == as_rgb(AGREEMENT[name])).all(axis=-1).sum() > 50
    # The cells of the event are bright, the others are dimmed.
    assert merge[10:40, 10:40].max() > DIM
    assert merge[60:90, 60:90].max() <= DIM
    assert display.ax_ is display.axs_[0]
    check_readable(display.figure_)


def test_a_slice_with_boxes(check_readable):
    display = MergeSplitDisplay(X, TRUTH, GUESS, EVENTS_FOUND, pixel_size=4.0).plot(view="slice")
    assert titles(display) == ["slice 0: 1 merge, 1 split"]
    boxes = {
        patch.get_linestyle(): (patch.get_x(), patch.get_y(), patch.get_width(), patch.get_height())
        for patch in display.ax_.patches
    }
    assert boxes == {"-": (4.5, 4.5, 90, 40), "--": (4.5, 54.5, 40, 40)}
    assert [t.get_text() for t in display.ax_.texts] == ["100 nm", "1", "2"]
    check_readable(display.figure_)
    other = MergeSplitDisplay(X, TRUTH, GUESS, EVENTS_FOUND).plot(view="slice", index=1)
    assert titles(other) == ["slice 1: 0 merges, 0 splits"]


def test_events_are_found():
    display = MergeSplitDisplay.from_predictions(X, GUESS, TRUTH)
    assert titles(display) == [
        "1: merge of 2\nslice 0, 1600 px²", "2: split into 2\nslice 0, 760 px²",
    ]  # fmt: skip


def test_from_estimator_with_other_values_and_unlabelled_pixels():
    slices, masks = make_membranes(3, 64, 64, random_state=0)
    inverted = np.where(masks == 1, 0, 255).astype(np.int16)
    inverted[:, :4] = -1
    segmenter = RidgeSegmenter(membrane_label=0, ignore_label=-1).fit(slices, inverted)
    one = MergeSplitDisplay.from_estimator(segmenter, slices, inverted, view="slice")
    events = find_merges_and_splits(
        inverted, segmenter.predict(slices), membrane_label=0, ignore_label=-1
    )
    assert one.events == events
    _, axs = plt.subplots(1, min(2, len(events)), squeeze=False)
    other = MergeSplitDisplay.from_estimator(
        segmenter, slices, inverted, max_events=2, ax=axs.ravel()
    )
    for ax in other.axs_:
        picture = ax.get_images()[0].get_array()
        assert picture.max() > DIM


def test_label_images_that_touch_and_other_numbers():
    labels = np.zeros(TRUTH.shape, np.int64)
    labels[:, 5:45, 5:50], labels[:, 5:45, 50:95] = 17, 4
    merged = np.where(labels > 0, 9, 0)
    merged[:, 60:, 60:] = 8
    merged[:, 60:, :30] = 7
    found = [event(true_labels=(4, 17), predicted_labels=(9,))]
    display = MergeSplitDisplay(X, labels, merged, found).plot()
    missed = (display.ax_.get_images()[0].get_array() == as_rgb(AGREEMENT["false negative"])).all(
        -1
    )
    columns = np.flatnonzero(missed[5:45].all(axis=0))
    assert columns.tolist() == [49, 50]


def test_areas_in_units_and_at_most_so_many():
    found = [event(area=10 * i) for i in range(1, 9)]
    display = MergeSplitDisplay(X, TRUTH, GUESS, found, pixel_size=10).plot(max_events=4)
    assert len(display.axs_) == 4
    assert titles(display)[0].endswith("8000 nm²")
    large = MergeSplitDisplay(X, TRUTH, GUESS, [event()], pixel_size=10).plot()
    assert titles(large)[0].endswith("0.32 µm²")


def test_no_event_at_all():
    display = MergeSplitDisplay(X, TRUTH, TRUTH, []).plot()
    assert titles(display) == ["slice 0: 0 merges, 0 splits"]


def test_frames_have_the_colour_of_the_kind():
    display = MergeSplitDisplay(X, TRUTH, GUESS, EVENTS_FOUND).plot(index=0)
    colours = [ax.spines["left"].get_edgecolor()[:3] for ax in display.axs_]
    for colour, kind in zip(colours, ("merge", "split"), strict=True):
        np.testing.assert_allclose(colour, as_rgb(EVENTS[kind]))


def test_masks_of_other_values_with_unlabelled_pixels():
    inverted, partial = 255 * (1 - GUESS.astype(int)), 255 * (1 - TRUTH.astype(int))
    partial[:, :, :3] = 7
    display = MergeSplitDisplay(
        X, partial, inverted, EVENTS_FOUND, membrane_label=0, ignore_label=7
    ).plot(view="slice")
    picture = display.ax_.get_images()[0].get_array()
    plain = MergeSplitDisplay(X, TRUTH, GUESS, EVENTS_FOUND).plot(view="slice")
    other = plain.ax_.get_images()[0].get_array()
    np.testing.assert_array_equal(picture[:, 3:], other[:, 3:])
    assert picture[:, :3].max() <= DIM


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"kind": "leak"}, "events must be of the kind 'merge' or 'split'; got 'leak'."),
        ({"image": 2}, "events must belong to images of X, 0 to 1; got one of image 2."),
        ({"bbox": (0, 0, 101, 5)}, "events must lie in their image; got the box (0, 0, 101, 5)"),
    ],
)
def test_unusable_events(changes, text):
    with pytest.raises(InvalidInputError, match=re.escape(text)):
        MergeSplitDisplay(X, TRUTH, GUESS, [event(**changes)]).plot()


def test_unusable_arguments():
    with pytest.raises(InvalidTypeError, match=r"events must have attributes kind, .*int lacks ki"):
        MergeSplitDisplay(X, TRUTH, GUESS, [3]).plot()
    display = MergeSplitDisplay(X, TRUTH, GUESS, EVENTS_FOUND)
    with pytest.raises(InvalidInputError, match="view must be 'zoom' or 'slice'; got 'all'"):
        display.plot(view="all")
    with pytest.raises(InvalidInputError, match="max_events must be at least 1; got 0"):
        display.plot(max_events=0)
    with pytest.raises(InvalidInputError, match="index must be a slice with an event; 1 has none"):
        display.plot(index=1)
    with pytest.raises(InvalidInputError, match="index must be the number of a slice of X"):
        display.plot(index=2)
    with pytest.raises(InvalidInputError, match="X and y_pred must agree in height and width"):
        MergeSplitDisplay(X, TRUTH, GUESS[:, 1:], []).plot()
    with pytest.raises(InvalidTypeError, match="y_true must hold masks of two values, or label im"):
        MergeSplitDisplay(X, X / 255.0, GUESS, []).plot()
